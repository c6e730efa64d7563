//! The end of either process ends the other, and nothing of ours stays in the kernel.

use std::{collections::BTreeSet, path::Path, process::Command, time::Duration};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::{Problems, Sensor, scope};
use crate::support::{read, skip, workspace};

/// How long an end may take to be noticed.
const NOTICED_WITHIN: Duration = Duration::from_secs(60);

/// Ids of the programs that a process holds, directly or by a link.
fn programs(pid: Pid) -> BTreeSet<u32> {
    let folder = format!("/proc/{}/fdinfo", pid.as_raw_nonzero());
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let text: String = entries.map(|entry| read(&entry.path())).collect();
    text.lines().filter_map(|line| line.strip_prefix("prog_id:")?.trim().parse().ok()).collect()
}

/// Programs among these that some process still holds, or that the kernel lists.
fn left(ids: &BTreeSet<u32>) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir("/proc").expect("/proc").filter_map(Result::ok) {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            found.extend(programs(pid).intersection(ids).copied());
        }
    }
    if let Ok(output) = Command::new("bpftool").args(["prog", "list"]).output() {
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        let id = |line: &str| line.split_once(": ")?.0.parse().ok();
        found.extend(listed.lines().filter_map(id).filter(|id| ids.contains(id)));
    }
    found
}

/// Waits for a process that is not our child to end.
fn gone(pid: Pid) -> bool {
    let until = std::time::Instant::now() + NOTICED_WITHIN;
    while test_kill_process(pid).is_ok() {
        if std::time::Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// The kernel frees a program a moment after its last user.
fn settled(ids: &BTreeSet<u32>) -> BTreeSet<u32> {
    for _ in 0..100 {
        if left(ids).is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    left(ids)
}

#[test]
fn kernel_the_helper_ends_with_a_killed_engine() {
    let Some(scope) = scope("lifetime::kernel_the_helper_ends_with_a_killed_engine") else { return };
    let sensor = Sensor::trace::<&str>(&scope, []);
    let (helper, engine) = (sensor.helper(), sensor.engine());
    let mut problems = Problems::default();
    let ids = programs(helper);
    problems.same("the helper holds programs", ids.len() >= 4, true);
    problems.same("the engine holds none", programs(engine).len(), 0);
    kill_process(engine, Signal::KILL).expect("the engine runs");
    let report = sensor.end(NOTICED_WITHIN);
    problems.same("the helper's exit status", report.status.code(), Some(128 + 9));
    problems.same("programs left", settled(&ids), BTreeSet::new());
}

#[test]
fn kernel_the_engine_ends_with_a_killed_helper() {
    let Some(scope) = scope("lifetime::kernel_the_engine_ends_with_a_killed_helper") else { return };
    let sensor = Sensor::trace::<&str>(&scope, []);
    let (helper, engine) = (sensor.helper(), sensor.engine());
    let mut problems = Problems::default();
    let ids = programs(helper);
    kill_process(helper, Signal::KILL).expect("the helper runs");
    problems.same("the engine ends", gone(engine), true);
    let report = sensor.end(NOTICED_WITHIN);
    problems.same("the engine says why", report.said.contains("helper process"), true);
    problems.same("programs left", settled(&ids), BTreeSet::new());
}

#[test]
fn kernel_doctor_says_how_each_kind_is_had() {
    let name = "kernel::lifetime::kernel_doctor_says_how_each_kind_is_had";
    if scope("lifetime::kernel_doctor_says_how_each_kind_is_had").is_none() {
        return;
    }
    let output = Command::new(env!("CARGO_BIN_EXE_beewolf")).args(["doctor", "--json"]).output().expect("the program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for kind in report["kinds"].as_array().expect("kinds") {
        assert!(kind["running"].is_string(), "{kind}");
        // Guests allow trampolines: what has an alternative that uses them must run through it.
        let best = kind["alternatives"][0]["name"].as_str().expect("a name");
        if std::env::var_os("BEEWOLF_GUEST").is_some() {
            assert_eq!(kind["running"], best, "{kind}");
        }
    }
    let Ok(modules) = std::fs::File::open("/sys/kernel/security/lsm").and_then(std::io::read_to_string) else {
        return skip(name, "securityfs is not mounted, so nobody knows whether bpf is an active security module");
    };
    let text = Command::new(env!("CARGO_BIN_EXE_beewolf")).arg("doctor").output().expect("the program").stdout;
    let text = String::from_utf8(text).expect("text");
    if !modules.trim().split(',').any(|module| module == "bpf") {
        assert!(text.contains("refusing: no (bpf is not in the active LSM list; boot with lsm=...,bpf)"), "{text}");
    }
    assert!(!Path::new("/sys/fs/bpf/beewolf").exists(), "nothing is pinned");
}

/// `rules doctor` asks the host that `doctor` tells of.
#[test]
fn kernel_rules_are_judged_by_what_runs_here() {
    if scope("lifetime::kernel_rules_are_judged_by_what_runs_here").is_none() {
        return;
    }
    let rules = workspace().join("rules");
    let [judged, host] = [vec!["rules", "doctor", rules.to_str().expect("UTF-8"), "--json"], vec!["doctor", "--json"]]
        .map(|arguments| {
            let output = Command::new(env!("CARGO_BIN_EXE_beewolf")).args(arguments).output().expect("the program");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON")
        });
    for kind in host["kinds"].as_array().expect("kinds") {
        assert_eq!(judged["kinds"][kind["kind"].as_str().expect("a name")], kind["running"], "{kind}");
    }
    assert_eq!(judged["counts"]["can_fire"], judged["rules"].as_array().expect("rules").len());
}
