//! The program under test: started on a scope, stopped as Ctrl-C does, its output read.

use std::{
    ffi::OsStr,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};
use serde_json::Value;

use super::field;
use crate::support::{Scope, read};

/// How long the sensor may take to attach and to end; an emulated machine under load is slow.
const ATTACHED_WITHIN: Duration = Duration::from_secs(120);
const STOPPED_WITHIN: Duration = Duration::from_secs(300);

/// A running sensor. One that a test leaves behind is killed.
pub(super) struct Sensor {
    child: Child,
    ended: Option<ExitStatus>,
    said: Option<JoinHandle<String>>,
    folder: tempfile::TempDir,
}

/// What a sensor left when it was stopped.
pub(super) struct Report {
    /// What it wrote to standard output.
    pub(super) text: Vec<u8>,
    /// What it wrote to standard error.
    pub(super) said: String,
    /// How it ended.
    pub(super) status: ExitStatus,
}

impl Sensor {
    /// `beewolf trace --json` on a scope, with more arguments.
    pub(super) fn trace<A: AsRef<OsStr>>(scope: &Scope, more: impl IntoIterator<Item = A>) -> Self {
        Self::start(
            "trace",
            scope,
            ["--json".as_ref()]
                .into_iter()
                .map(OsStr::to_owned)
                .chain(more.into_iter().map(|one| one.as_ref().to_owned())),
        )
    }

    /// A command of the program that senses, on a scope; returns once it watches.
    pub(super) fn start<A: AsRef<OsStr>>(command: &str, scope: &Scope, more: impl IntoIterator<Item = A>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let output = File::create(folder.path().join("output")).expect("a file in it");
        let mut child = Command::new(env!("CARGO_BIN_EXE_beewolf"))
            .arg(command)
            .arg("--scope-cgroup")
            .arg(scope.path())
            .args(more)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the built program");
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let (watching, attached) = sync_channel(1);
        let said = std::thread::spawn(move || listen(stderr, &watching));
        let mut sensor = Self { child, ended: None, said: Some(said), folder };
        match attached.recv_timeout(ATTACHED_WITHIN) {
            Ok(()) => sensor,
            Err(why) => {
                let why = match why {
                    RecvTimeoutError::Timeout => "does not attach in time",
                    RecvTimeoutError::Disconnected => "ended before it attached",
                };
                sensor.kill();
                panic!("the sensor {why}: {}", sensor.listened());
            }
        }
    }

    /// The helper's process id: the one that was started.
    pub(super) fn helper(&self) -> Pid {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id")
    }

    /// The engine's process id: the helper's only child.
    pub(super) fn engine(&self) -> Pid {
        let helper = self.child.id();
        let parent_of = |folder: &Path| -> Option<u32> {
            let text = read(&folder.join("stat"));
            text.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
        };
        let processes = std::fs::read_dir("/proc").expect("/proc").filter_map(Result::ok).map(|entry| entry.path());
        let mut children = processes.filter(|path| parent_of(path) == Some(helper));
        let child = children.next().expect("the helper has a child");
        assert!(children.next().is_none(), "the helper has one child");
        child
            .file_name()
            .and_then(OsStr::to_str)
            .and_then(|name| name.parse().ok())
            .and_then(Pid::from_raw)
            .expect("a process id")
    }

    /// Where a file of this sensor's own can be: it goes with the sensor's report.
    pub(super) fn output(&self) -> PathBuf {
        self.folder.path().join("output")
    }

    /// Waits until it has written an event of a kind.
    pub(super) fn wait_for(&self, kind: &str) {
        let wanted = format!("\"action\":\"{kind}\"");
        let until = Instant::now() + ATTACHED_WITHIN;
        while !read(&self.output()).contains(&wanted) {
            assert!(Instant::now() < until, "no {kind} event");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops it as Ctrl-C does, which drains every queue.
    pub(super) fn stop(mut self) -> Report {
        rustix::process::kill_process(self.helper(), Signal::INT).expect("the sensor still runs");
        let status = self.wait(STOPPED_WITHIN);
        let report = self.report(status);
        assert!(status.success(), "the sensor ended with {status}: {}", report.said);
        report
    }

    /// Waits for it to end by itself.
    pub(super) fn end(mut self, limit: Duration) -> Report {
        let status = self.wait(limit);
        self.report(status)
    }

    fn report(&mut self, status: ExitStatus) -> Report {
        let text = std::fs::File::open(self.output()).and_then(|mut file| {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut bytes).map(|_| bytes)
        });
        Report { text: text.expect("its output"), said: self.listened(), status }
    }

    fn wait(&mut self, limit: Duration) -> ExitStatus {
        let until = Instant::now() + limit;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("the sensor's status") {
                self.ended = Some(status);
                return status;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.kill();
        panic!("the sensor does not end within {limit:?}: {}", self.listened());
    }

    /// What it said; to be called when it has ended.
    fn listened(&mut self) -> String {
        self.said.take().map(|thread| thread.join().expect("a reader")).unwrap_or_default()
    }

    fn kill(&mut self) {
        if self.ended.is_none() {
            // The engine is told by the kernel that its helper has ended.
            self.child.kill().expect("our own child can be killed");
            self.ended = Some(self.child.wait().expect("its status"));
        }
    }
}

impl Drop for Sensor {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads what the sensor says, and tells when it watches; a sender that is dropped tells that it ended.
fn listen(stderr: impl BufRead, watching: &SyncSender<()>) -> String {
    let mut said = String::new();
    for line in stderr.lines() {
        let line = line.expect("text");
        if line.starts_with("watching") {
            // The test may have given up already.
            watching.send(()).unwrap_or_default();
        }
        said.push_str(&line);
        said.push('\n');
    }
    said
}

impl Report {
    /// Every line, parsed.
    pub(super) fn lines(&self) -> Vec<Value> {
        let lines = self.text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines
            .map(|line| {
                serde_json::from_slice(line)
                    .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(line)))
            })
            .collect()
    }

    /// The events; other lines are losses, of which a run without load has none.
    pub(super) fn events(&self) -> Events {
        let (events, other): (Vec<Value>, Vec<Value>) =
            self.lines().into_iter().partition(|line| field(line, "event.kind") == "event");
        assert!(other.is_empty(), "{other:?}\n{}", self.said);
        assert!(self.said.contains(" 0 lost before the sinks"), "{}", self.said);
        assert!(!self.said.contains(" late, "), "{}", self.said);
        Events(events)
    }
}

/// The events of a run.
pub(super) struct Events(pub(super) Vec<Value>);

impl Events {
    /// Those of one kind.
    pub(super) fn of<'e>(&'e self, kind: &'e str) -> impl Iterator<Item = &'e Value> {
        self.0.iter().filter(move |event| field(event, "event.action") == kind)
    }

    /// Those of one kind and process.
    pub(super) fn by<'e>(&'e self, kind: &'e str, pid: impl Into<i64>) -> impl Iterator<Item = &'e Value> {
        let pid = pid.into();
        self.of(kind).filter(move |event| field(event, "process.pid") == pid)
    }
}
