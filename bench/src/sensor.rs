//! The sensor under measurement, and the cgroup it watches.

use std::{
    fmt, fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::sync_channel,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A cgroup of version 2, removed in the end.
pub(super) struct Scope(PathBuf);

impl Scope {
    pub(super) fn new(name: &str) -> Self {
        let root = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
            .into_iter()
            .map(Path::new)
            .find(|path| path.join("cgroup.controllers").exists())
            .expect("cgroup version 2 at /sys/fs/cgroup or /sys/fs/cgroup/unified");
        let path = root.join(format!("beewolf-{name}-{}", std::process::id()));
        fs::create_dir(&path).expect("a cgroup: is this root?");
        Self(path)
    }

    /// Starts this program inside.
    pub(super) fn start(&self, arguments: &[&str]) -> Load {
        let mut command = Command::new("setsid");
        let script = r#"echo $$ >"$0/cgroup.procs" && echo -10 >/proc/$$/autogroup && exec "$@""#;
        command.args(["sh", "-c", script]).arg(&self.0);
        command.arg(super::this_program()).args(arguments).stdout(Stdio::piped());
        Load(command.spawn().expect("a shell"))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let until = Instant::now() + Duration::from_secs(5);
        while fs::remove_dir(&self.0).is_err() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A load that runs.
pub(super) struct Load(Child);

impl Load {
    /// What it printed, once it has ended.
    pub(super) fn output(&mut self) -> String {
        let mut text = String::new();
        self.0.stdout.take().expect("a pipe").read_to_string(&mut text).expect("text");
        assert!(self.0.wait().expect("the load's end").success(), "the load failed");
        text
    }
}

/// CPU time and memory of helper and engine.
pub(super) struct Usage {
    at: Instant,
    ticks: u64,
    bytes: u64,
}

/// Between two looks.
pub(super) struct Cost {
    pub(super) cpu_percent: f64,
    pub(super) mebibytes: f64,
}

impl Usage {
    pub(super) fn since(&self, before: &Self) -> Cost {
        let seconds = self.at.duration_since(before.at).as_secs_f64();
        // A tick is 10 ms on every architecture.
        let cpu_percent = (self.ticks - before.ticks) as f64 / seconds;
        Cost { cpu_percent, mebibytes: self.bytes as f64 / f64::from(1 << 20) }
    }
}

/// The counts that the sensor prints at its end.
pub(super) struct Summary {
    text: String,
    pub(super) lost: u64,
}

impl Summary {
    /// Events of a kind.
    pub(super) fn events(&self, kind: &str) -> u64 {
        let words: Vec<&str> = self.text.split([' ', '(', ')', ',']).collect();
        let found = words.windows(2).find(|pair| pair.first() == Some(&kind));
        found.and_then(|pair| pair.last()?.parse().ok()).unwrap_or(0)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

pub(super) struct Sensor {
    child: Child,
    said: JoinHandle<String>,
    beewolf: PathBuf,
    socket: PathBuf,
}

impl Sensor {
    /// Starts it on a scope with JSON on standard output; returns once it watches.
    pub(super) fn start(beewolf: &Path, scope: &Scope, rules: &Path, folder: &Path) -> (Self, BufReader<ChildStdout>) {
        let socket = folder.join("status.sock");
        let config = folder.join("beewolf.yml");
        let settings = format!(
            "rules: {}\nsigma: []\nreload: {{ generations: {} }}\nstatus: {{ socket: {} }}\nsinks: [{{ type: stdout }}]\nscope: {{ cgroup: {} }}\n",
            rules.display(),
            folder.join("generations").display(),
            socket.display(),
            scope.0.display()
        );
        fs::write(&config, settings).expect("the configuration");
        // As the unit file has it: a group of its own for the scheduler, which shares the CPU out by session where there
        // is no service manager, and Nice=-10.
        let mut command = Command::new("setsid");
        let script = r#"echo -10 >/proc/$$/autogroup 2>/dev/null; exec nice -n -10 "$0" "$@""#;
        command
            .args(["sh", "-c", script])
            .arg(beewolf)
            .args(["run", "--no-replay", "--config"])
            .arg(&config)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", beewolf.display()));
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let (sender, watching) = sync_channel(1);
        let said = std::thread::spawn(move || {
            let mut said = String::new();
            for line in stderr.lines() {
                let line = line.expect("text");
                if line.starts_with("watching") {
                    eprintln!("{line}");
                    sender.send(()).expect("the measurement waits");
                } else if line.starts_with("beewolf:") {
                    said.push_str(&line);
                    said.push('\n');
                }
            }
            said
        });
        if watching.recv_timeout(Duration::from_secs(60)).is_err() {
            child.kill().expect("our own child");
            panic!("the sensor does not start: {}", said.join().expect("a reader"));
        }
        let sensor = Self { child, said, beewolf: beewolf.to_owned(), socket };
        (sensor, stdout)
    }

    /// What it says of itself.
    pub(super) fn status(&self) -> Value {
        let output = Command::new(&self.beewolf)
            .args(["status", "--json", "--socket"])
            .arg(&self.socket)
            .output()
            .expect("beewolf status");
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    /// CPU time and memory of its two processes.
    pub(super) fn usage(&self) -> Usage {
        let helper = self.child.id();
        let read = |path: String| {
            let mut text = String::new();
            let mut file = fs::File::open(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            file.read_to_string(&mut text).expect("text");
            text
        };
        let children = read(format!("/proc/{helper}/task/{helper}/children"));
        let engine: u32 = children.trim().parse().expect("one engine");
        let (mut ticks, mut bytes) = (0, 0);
        for pid in [helper, engine] {
            let stat = read(format!("/proc/{pid}/stat"));
            let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
            // utime and stime are fields 14 and 15 of proc_pid_stat(5), of which two are cut off here.
            let number =
                |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).expect("a number");
            ticks += number(11) + number(12);
            bytes += number(21) * 4096;
        }
        Usage { at: Instant::now(), ticks, bytes }
    }

    /// Ends it as Ctrl-C does, with all queues drained.
    pub(super) fn stop(&mut self) -> Summary {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, Signal::INT).expect("the sensor still runs");
        assert!(self.child.wait().expect("the sensor's end").success(), "the sensor failed");
        let said = std::mem::replace(&mut self.said, std::thread::spawn(String::new));
        let text = said.join().expect("a reader");
        let lost = |line: &str| -> Option<u64> {
            line.strip_suffix(" lost before the sinks")?.rsplit(' ').next()?.parse().ok()
        };
        let lost = text.lines().find_map(lost).expect("the sensor says what it lost");
        // Records missing, undecodable or late have a line of their own; so has a destination that lost.
        let more = text.lines().filter(|line| line.contains(" missing") || line.contains(" lost (")).count() as u64;
        Summary { text, lost: lost + more }
    }
}
