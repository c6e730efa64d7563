//! The running sensor as its operator sees it: status, metrics, the service manager, repeats of an alert.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixDatagram,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};
use serde_json::Value;

use crate::support::{Scope, skip, wait};

const RULE: &str = "id: watched
title: Watched program
severity: high
when: event.action = exec and process.args = beewolf-watched
";

/// How often the watched program is started.
const TIMES: u64 = 5;

/// A sensor that does not outlive a test that fails.
pub(crate) struct Guarded(pub(crate) Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        // Nothing is sent to a child that has been waited for already.
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait()) {
            eprintln!("cannot end the sensor: {error}");
        }
    }
}

#[test]
fn kernel_status_metrics_service_manager_and_updates() {
    let name = "kernel_status_metrics_service_manager_and_updates";
    if !cfg!(feature = "bpf") {
        return skip(name, "built without the feature `bpf`");
    }
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        return skip(name, "the kernel has no BTF");
    }
    let Some(scope) = Scope::new(name) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("rule.yml"), RULE).expect("a rule");
    // A port that was free a moment ago; nobody else's sensor is asked by mistake, the answer says who it is.
    let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|it| it.local_addr()).expect("a port").port();
    let settings = format!(
        "rules: {}\nsigma: []\nreload: {{ generations: {} }}\nscope: {{ cgroup: {} }}\nstatus: {{ socket: {}, loopback: '127.0.0.1:{port}' }}\nsinks: [{{ type: stdout }}]\n",
        path("rule.yml").display(),
        path("generations").display(),
        scope.path().display(),
        path("status.sock").display()
    );
    fs::write(path("beewolf.yml"), settings).expect("settings");
    let manager = UnixDatagram::bind(path("notify")).expect("a socket");
    manager.set_read_timeout(Some(Duration::from_secs(120))).expect("a time limit");
    let mut sensor = Guarded(
        Command::new(env!("CARGO_BIN_EXE_beewolf"))
            .args(["run", "--no-replay", "--config"])
            .arg(path("beewolf.yml"))
            .env("NOTIFY_SOCKET", path("notify"))
            .env("WATCHDOG_USEC", "1000000")
            .env("WATCHDOG_PID", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the built program"),
    );
    let child = &mut sensor.0;
    let heard = || {
        let mut buffer = [0; 1024];
        let length = manager.recv(&mut buffer).expect("the sensor tells the manager");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    assert!(heard().starts_with("READY=1\nSTATUS=watching "));
    assert_eq!(heard(), "WATCHDOG=1");
    assert_eq!(heard(), "WATCHDOG=1");

    let script = "for _ in 1 2 3 4 5; do /bin/true beewolf-watched; done";
    let mut load = scope.command("/bin/sh").args(["-c", script]).spawn().expect("a shell");
    assert!(wait(&mut load, Duration::from_secs(60)).success());

    let ask = |more: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_beewolf"))
            .args(["status", "--socket"])
            .arg(path("status.sock"))
            .args((!more.is_empty()).then_some(more))
            .output()
            .expect("the built program");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    // The numbers are published once a second, each as old as its stage gave it.
    let until = Instant::now() + Duration::from_secs(60);
    let status: Value = loop {
        let status: Value = serde_json::from_str(&ask("--json")).expect("JSON");
        let exec = &status["events"]["exec"];
        let settled = exec["written"] == exec["read"] && exec["read"] == exec["judged"];
        if settled && exec["judged"].as_u64() >= Some(TIMES) {
            break status;
        }
        assert!(Instant::now() < until, "{exec}");
        std::thread::sleep(Duration::from_millis(200));
    };
    assert_eq!(status["alerts"]["sent"], 1, "{status}");
    assert_eq!(status["alerts"]["deduplication"]["repeats"], TIMES - 1, "{status}");
    assert_eq!(status["losses"], serde_json::json!([]));
    assert_eq!(status["scope"], scope.path().to_str().expect("text"));
    assert!(
        status["memory"]["engine_bytes"].as_u64() > Some(1 << 20)
            && status["memory"]["helper_bytes"].as_u64() > Some(1 << 20)
    );
    assert!(
        status["programs"].as_object().is_some_and(|programs| programs.contains_key("exec_sched_process_exec")),
        "{status}"
    );
    let text = ask("");
    assert!(text.contains("lost         nothing\n") && text.contains("sink         stdout: 1 delivered"), "{text}");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("asked");
    let mut metrics = String::new();
    stream.read_to_string(&mut metrics).expect("an answer");
    assert!(metrics.contains("\nbeewolf_alerts_total{outcome=\"sent\"} 1\n"), "{metrics}");

    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id");
    rustix::process::kill_process(pid, Signal::TERM).expect("the sensor still runs");
    while heard() != "STOPPING=1" {}
    assert!(wait(child, Duration::from_secs(60)).success());
    let alerts: Vec<Value> = BufReader::new(child.stdout.take().expect("a pipe"))
        .lines()
        .map(|line| serde_json::from_str(&line.expect("text")).expect("JSON"))
        .collect();
    // The first at once, the rest as one update of it, sent at the end.
    let said: Vec<_> = alerts.iter().map(|it| (it["alert"]["count"].as_u64(), it["alert"].get("update"))).collect();
    assert_eq!(said, [(Some(1), None), (Some(TIMES), Some(&Value::Bool(true)))]);
    assert_eq!(alerts[0]["alert"]["id"], alerts[1]["alert"]["id"]);
    assert_eq!(alerts[1]["alert"]["first"], alerts[0]["@timestamp"]);
    assert_eq!(alerts[1]["alert"]["last"], alerts[1]["@timestamp"]);
}

#[test]
fn status_without_a_sensor_says_where_it_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("none.sock");
    let output = Command::new(env!("CARGO_BIN_EXE_beewolf"))
        .args(["status", "--socket"])
        .arg(&path)
        .output()
        .expect("the built program");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("no sensor answers at {}", path.display())), "{said}");
}
