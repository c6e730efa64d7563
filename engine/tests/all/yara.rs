//! YARA rules: on files that somebody names, on what is started, on what is written, and in exchange.

use std::{fs, path::Path, process::Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    command_line::beewolf,
    reload::{Sensor, act, place},
    support::{Scope, skip},
};

/// A YARA rule on a word.
fn rule(word: &str) -> String {
    format!("rule has_{word} : test {{ meta: author = \"somebody\" strings: $word = \"{word}\" condition: $word }}\n")
}

/// Alerts on every match.
const MATCHES: &str = "id: matches\ntitle: matches\nseverity: high\nwhen: event.action = yara_match\n";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn without_yara_its_rules_are_an_error_and_all_others_load() {
    if beewolf::scan::BUILT_IN {
        return skip("without_yara_its_rules_are_an_error_and_all_others_load", "built with the feature `yara`");
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("some.yar"), rule("needle")).expect("written");
    let path = folder.path().to_str().expect("text");
    let output = beewolf(&["rules", "check", path]);
    assert!(!output.status.success());
    assert!(text(&output.stdout).contains("built without YARA"), "{}", text(&output.stdout));
    assert_eq!(beewolf(&["scan", "--yara", path, "/dev/null"]).status.code(), Some(2));
}

#[test]
fn files_and_streams_are_scanned_by_hand() {
    let name = "files_and_streams_are_scanned_by_hand";
    if !beewolf::scan::BUILT_IN {
        return skip(name, "built without the feature `yara`");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    fs::create_dir_all(path("files/within")).expect("a folder");
    fs::write(path("rules.yar"), rule("needle")).expect("written");
    fs::write(path("files/quiet"), "hay").expect("written");
    fs::write(path("files/within/loud.txt"), "hay needle").expect("written");
    std::os::unix::fs::symlink(path("files/within/loud.txt"), path("files/link")).expect("a link");
    let scan = |what: &[&str]| beewolf(&[&["scan", "--yara", &path("rules.yar")], what].concat());

    let found = scan(&[&path("files")]);
    assert_eq!(found.status.code(), Some(1));
    assert_eq!(text(&found.stdout), format!("has_needle {}  $word@4\n", path("files/within/loud.txt")));
    assert_eq!(scan(&[&path("files/quiet")]).status.code(), Some(0));
    let missing = scan(&[&path("files/quiet"), &path("missing"), &path("files/within")]);
    assert_eq!(missing.status.code(), Some(2), "what could not be scanned is worse than what was found");
    assert!(text(&missing.stdout).contains("loud.txt"), "the others are scanned");

    let found = scan(&["--json", &path("files")]);
    let events: Vec<Value> =
        text(&found.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    crate::schemas::validate_all("event", &events);
    assert_eq!(events[0]["yara"]["trigger"], "file");
    assert_eq!(events[0]["file"]["extension"], "txt");

    let mut stream = std::process::Command::new(env!("CARGO_BIN_EXE_beewolf"))
        .args(["scan", "--yara", &path("rules.yar"), "-"])
        .stdin(fs::File::open(path("files/within/loud.txt")).expect("a file"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the built program");
    let mut said = String::new();
    std::io::Read::read_to_string(&mut stream.stdout.take().expect("a pipe"), &mut said).expect("text");
    assert_eq!((said.as_str(), stream.wait().expect("an end").code()), ("has_needle -  $word@4\n", Some(1)));

    fs::write(path("broken.yar"), "rule a {\n  condition: nothing\n}\n").expect("written");
    let broken = beewolf(&["scan", "--yara", &path("broken.yar"), &path("files")]);
    assert_eq!(broken.status.code(), Some(2));
    assert!(text(&broken.stderr).contains("broken.yar:2:14"), "{}", text(&broken.stderr));
    let check = beewolf(&["rules", "check", &path("rules.yar"), &path("broken.yar")]);
    assert_eq!(check.status.code(), Some(1));
    assert!(text(&check.stdout).contains("broken.yar:2:14"), "{}", text(&check.stdout));
}

#[test]
fn kernel_what_is_started_and_written_is_scanned() {
    let name = "kernel_what_is_started_and_written_is_scanned";
    if !cfg!(feature = "bpf") || !beewolf::scan::BUILT_IN {
        return skip(name, "built without the features `bpf` and `yara`");
    }
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        return skip(name, "the kernel has no BTF");
    }
    let Some(scope) = Scope::new(name) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    for name in ["rules", "yara", "watched"] {
        fs::create_dir(path(name)).expect("a folder");
    }
    fs::write(path("rules/matches.yml"), MATCHES).expect("written");
    fs::write(path("yara/needle.yar"), rule("needle")).expect("written");
    fs::write(path("text"), "a needle\n").expect("written");
    let settings = format!(
        "rules: [{}]\nsigma: []\nscan: {{ yara: [{}], watch: [{}] }}\nreload: {{ interval: 200ms }}\nstatus_interval: 0s\nscope: {{ cgroup: {} }}\nstatus: {{ socket: {} }}\ndeduplication: {{ window: 0s }}\nsinks: [{{ type: stdout }}]\n",
        path("rules"),
        path("yara"),
        path("watched"),
        scope.path().display(),
        path("status.sock"),
    );
    let config = folder.path().join("beewolf.yml");
    fs::write(&config, settings).expect("settings");
    let sensor = Sensor::start(&config);
    // Files that were written and removed at once are told of, too.
    let next = || {
        let mut records = std::iter::repeat_with(|| sensor.alert());
        records.find(|record| record["event"]["action"] != "loss").expect("a record")
    };
    let found = |what: &str| {
        let alert = next();
        let trigger = alert["yara"]["trigger"].as_str().map(str::to_owned);
        let file = alert["file"]["path"].as_str().map(str::to_owned);
        assert_eq!((trigger.as_deref(), alert["rule"]["id"].as_str()), (Some(what), Some("matches")), "{alert}");
        (file.expect("a path"), alert)
    };

    // A program that has ended before anybody can ask for it.
    act(&scope, &format!("cp /bin/true {0} && cat {1} >>{0} && {0}", path("program"), path("text")));
    let (file, alert) = found("exec");
    assert_eq!((file, &alert["process"]["executable"]), (path("program"), &Value::from(path("program"))));
    assert_eq!(alert["file"]["hash"]["sha256"].as_str().expect("a hash").len(), 64);
    assert_eq!(alert["yara"]["rule"]["author"], "somebody");

    // Every way in which a file comes to be closed.
    let ways = [
        ("closed", "with open(to, 'wb') as file: file.write(text)"),
        ("at_the_end", "os.write(os.open(to, os.O_WRONLY | os.O_CREAT), text); os._exit(0)"),
        ("by_dup2", "file = os.open(to, os.O_WRONLY | os.O_CREAT); os.write(file, text); os.dup2(0, file)"),
        (
            "mapped",
            "file = os.open(to, os.O_RDWR | os.O_CREAT); os.truncate(file, 64); memory = mmap.mmap(file, 64); os.close(file); memory[:len(text)] = text; memory.close()",
        ),
        ("renamed", "open(to + '.part', 'wb').write(text); os.rename(to + '.part', to)"),
        ("new/folder/file", "os.makedirs(os.path.dirname(to)); open(to, 'wb').write(text)"),
    ];
    for (name, code) in ways {
        let to = path(&format!("watched/{name}"));
        let script = format!("import mmap, os\nto = '{to}'\ntext = open('{}', 'rb').read()\n{code}\n", path("text"));
        fs::write(path("script.py"), script).expect("written");
        act(&scope, &format!("python3 {}", path("script.py")));
        let (file, alert) = found("write");
        assert!(file == to || file == format!("{to}.part"), "{name}: {file}");
        assert_eq!(alert["process"]["args"][1], path("script.py"), "{name}: the process that opened it");
    }

    // A file that nobody in the scope wrote is no match.
    fs::write(path("watched/stranger"), "needle").expect("written");
    // Other rules, under which what is known is scanned again.
    place(Path::new(&path("yara/hay.yar")), &rule("hay"));
    sensor.hear("is in force");
    act(&scope, &format!("echo hay >{}", path("watched/hay")));
    let (_, alert) = found("write");
    assert_eq!(alert["yara"]["rule"]["name"], "has_hay");
    act(&scope, &path("program"));
    assert_eq!(found("exec").1["yara"]["rule"]["name"], "has_needle");
    // Broken ones change nothing.
    place(Path::new(&path("yara/hay.yar")), "rule hay { condition: nothing }\n");
    sensor.hear("1 error in the YARA rules");
    let alarm = next();
    assert_eq!(alarm["event"]["action"], "status", "{alarm}");

    // The numbers are those of the last second.
    let status = || -> Value {
        let status = beewolf(&["status", "--json", "--socket", &path("status.sock")]);
        serde_json::from_slice(&status.stdout).expect("a status")
    };
    let status = std::iter::repeat_with(status).find(|status| status["reloads"]["refused"] == 1).expect("a status");
    assert_eq!(status["scan"]["rules"], 2);
    assert_eq!(status["scan"]["folders"], 3, "the one that was named, and two within");
    let lost: Vec<&Value> = status["losses"].as_array().expect("losses").iter().collect();
    assert!(lost.iter().any(|loss| loss["name"] == "unknown_writer"), "{lost:?}");
    sensor.signal(Signal::INT);
    sensor.end();
}
