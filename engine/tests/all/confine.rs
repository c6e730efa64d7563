//! The sandbox, on processes of its own: this binary runs itself again with one test, which forks, so
//! that it has a single thread; that process confines itself and then tries things.

use std::fmt::Debug;
use std::fs;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use beewolf::confine::{ConfineError, FileLimits, Network, Policy, Report, apply};
use caps::CapSet;
use rustix::process::{Pid, WaitOptions};

use crate::support;

/// What the child is to try; absent in the parent.
const TRIAL: &str = "BEEWOLF_TEST_CONFINED";
/// The directory with `readable/` and `writable/` in it.
const PLACE: &str = "BEEWOLF_TEST_CONFINED_IN";

/// What the trial is told besides.
const TOLD: &str = "BEEWOLF_TEST_CONFINED_TOLD";

/// Runs one trial of another file in a process of its own.
pub(crate) fn passes_with(trial: &str, place: &Path, told: &str) {
    passes(&child_with(trial, place, told));
}

/// Runs one trial in a process of its own.
fn child(trial: &str, place: &Path) -> Output {
    child_with(trial, place, "")
}

fn child_with(trial: &str, place: &Path, told: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "confine::in_the_child", "--nocapture", "--test-threads=1"])
        .env(TRIAL, trial)
        .env(PLACE, place)
        .env(TOLD, told)
        .output()
        .unwrap()
}

/// A place with something to read, something to write and something to leave alone.
fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    for (name, text) in [("readable/text", "inside"), ("writable/old", "old"), ("outside", "secret")] {
        let path = place.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    place
}

#[track_caller]
fn passes(output: &Output) {
    // Only one result line per program: it is read by `scripts/test`.
    let text = String::from_utf8_lossy(&output.stdout).replace("test result:", "the child's result:");
    assert!(text.contains("ended with Some(0), signal None"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

/// The child's side: an empty test in every other run.
#[test]
fn in_the_child() {
    let Ok(trial) = std::env::var(TRIAL) else { return };
    let place = PathBuf::from(std::env::var_os(PLACE).unwrap());
    match fork() {
        None => {
            let outcome = std::panic::catch_unwind(|| attempt(&trial, &place));
            std::process::exit(if outcome.is_ok() { 0 } else { 101 });
        }
        Some(child) => {
            let (_, status) = rustix::process::waitpid(Some(child), WaitOptions::empty()).unwrap().unwrap();
            println!("ended with {:?}, signal {:?}", status.exit_status(), status.terminating_signal());
        }
    }
}

fn attempt(trial: &str, place: &Path) {
    match trial {
        "deliver" => crate::delivery::confined(&std::env::var(TOLD).unwrap()),
        "files" => files(place),
        "threads" => threads(place),
        "network" => network(place),
        "local-only" => local_only(place),
        "refused" => refused(place),
        "second-thread" => second_thread(place),
        "missing-path" => missing_path(place),
        fatal => die_by(fatal, place),
    }
}

/// Forks; the child gets nothing.
#[expect(unsafe_code, reason = "the test runner has a thread of its own, and confinement wants a single one")]
fn fork() -> Option<Pid> {
    // SAFETY: of the runner's two threads the other one only waits for this one, holding no lock.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork: {}", io::Error::last_os_error());
    Pid::from_raw(pid)
}

fn policy(place: &Path) -> Policy {
    Policy { read: vec![place.join("readable")], write: vec![place.join("writable")], network: Network::LocalOnly }
}

fn confined(policy: &Policy) -> Report {
    let report = apply(policy).unwrap();
    println!("{report}");
    report
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

#[track_caller]
fn denied<T: Debug>(result: io::Result<T>) {
    assert_eq!(result.unwrap_err().kind(), ErrorKind::PermissionDenied);
}

fn files(place: &Path) {
    let report = confined(&policy(place));
    assert_eq!(read(&place.join("readable/text")).unwrap(), "inside");
    let writable = place.join("writable");
    fs::write(writable.join("new"), "new").unwrap();
    fs::rename(writable.join("new"), writable.join("old")).unwrap();
    assert_eq!(read(&writable.join("old")).unwrap(), "new");
    fs::create_dir(writable.join("folder")).unwrap();
    fs::rename(writable.join("old"), writable.join("folder/old")).unwrap_or_else(|error| {
        // Before ABI 2 a sandbox may not move files between directories.
        assert_eq!((error.raw_os_error(), report.files), (Some(18), FileLimits::Enforced { abi: 1 }));
        fs::rename(writable.join("old"), writable.join("other")).unwrap();
    });
    let left = if writable.join("other").exists() { "other" } else { "folder/old" };
    fs::remove_file(writable.join(left)).unwrap();
    let outside = [read(&place.join("outside")), read(Path::new("/etc/shadow")), read(Path::new("/proc/self/status"))];
    let changed = [
        fs::write(place.join("readable/text"), "changed"),
        fs::write(place.join("new"), "new"),
        fs::remove_file(place.join("outside")),
        fs::rename(place.join("outside"), writable.join("outside")),
    ];
    match report.files {
        FileLimits::Enforced { .. } => {
            outside.into_iter().for_each(denied);
            changed.into_iter().for_each(|result| drop(result.unwrap_err()));
        }
        FileLimits::NotBuilt | FileLimits::NotEnabled => assert_eq!(outside[0].as_deref().unwrap(), "secret"),
    }
}

fn threads(place: &Path) {
    let may_drop_bounding = caps::has_cap(None, CapSet::Effective, caps::Capability::CAP_SETPCAP).unwrap();
    // Opened beforehand, it still tells what is so when it is read.
    let mut status = fs::File::open("/proc/self/status").unwrap();
    let report = confined(&policy(place));
    assert_eq!(report.bounding_set_empty, may_drop_bounding);
    let mut text = String::new();
    status.read_to_string(&mut text).unwrap();
    for line in [
        "CapInh:\t0000000000000000",
        "CapPrm:\t0000000000000000",
        "CapEff:\t0000000000000000",
        "CapAmb:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert_eq!(text.contains("CapBnd:\t0000000000000000\n"), may_drop_bounding, "{text}");
    let place = place.to_path_buf();
    let in_thread = std::thread::Builder::new().name("after".to_owned()).spawn(move || {
        fs::write(place.join("writable/by-thread"), "x").unwrap();
        if matches!(report.files, FileLimits::Enforced { .. }) {
            denied(read(&place.join("outside")));
        }
        for set in [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable] {
            assert!(caps::read(None, set).unwrap().is_empty(), "{set:?}");
        }
        // Enough to make the allocator map and release memory.
        let blocks: Vec<Vec<u8>> = (0..64).map(|_| vec![1; 1 << 20]).collect();
        std::thread::sleep(std::time::Duration::from_millis(5));
        blocks.len()
    });
    assert_eq!(in_thread.unwrap().join().unwrap(), 64);
    let own = rustix::process::getpriority_process(None).unwrap();
    let behind = beewolf::background::spawn("behind", move || {
        assert!(rustix::process::getpriority_process(None).unwrap() > own.min(18));
    });
    behind.unwrap().join().unwrap();
}

fn network(place: &Path) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (tcp, udp) = (server.local_addr().unwrap(), receiver.local_addr().unwrap());
    confined(&Policy { network: Network::Connect, ..policy(place) });
    let mut client = TcpStream::connect(tcp).unwrap();
    client.set_nonblocking(true).unwrap();
    client.write_all(b"hello").unwrap();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    assert_eq!(sender.send_to(b"hello", udp).unwrap(), 5);
    let mut buffer = [0; 16];
    assert_eq!(receiver.recv(&mut buffer).unwrap(), 5);
    // Names resolve without the dynamic loader being able to map code.
    assert!(std::net::ToSocketAddrs::to_socket_addrs(&("localhost", 80)).unwrap().count() > 0);
    denied(TcpListener::bind("127.0.0.1:0"));
}

fn local_only(place: &Path) {
    let receiver = UnixDatagram::bind(place.join("socket")).unwrap();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    confined(&policy(place));
    let (mut left, mut right) = UnixStream::pair().unwrap();
    left.write_all(b"x").unwrap();
    right.read_exact(&mut [0]).unwrap();
    let sender = UnixDatagram::unbound().unwrap();
    sender.send_to(b"hello", place.join("socket")).unwrap();
    assert_eq!(receiver.recv(&mut [0; 16]).unwrap(), 5);
    denied(TcpStream::connect(server.local_addr().unwrap()));
    denied(UdpSocket::bind("127.0.0.1:0"));
}

/// Makes a system call with small integers and null pointers for arguments.
#[expect(unsafe_code, reason = "no library has a safe call for what must be refused")]
fn call(number: libc::c_long, arguments: [usize; 4]) -> Result<i64, Option<i32>> {
    let [a, b, c, d] = arguments;
    // SAFETY: every caller passes null or no pointers, and either is refused before the kernel acts or
    // gets a new mapping that nothing uses.
    let result = unsafe { libc::syscall(number, a, b, c, d, -1_isize, 0_usize) };
    if result < 0 { Err(io::Error::last_os_error().raw_os_error()) } else { Ok(result) }
}

fn refused(place: &Path) {
    confined(&policy(place));
    let readable_private = (libc::PROT_READ, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    let map = |protection: i32| {
        let flags = usize::try_from(readable_private.1).unwrap();
        call(libc::SYS_mmap, [0, 4096, usize::try_from(protection).unwrap(), flags])
    };
    map(readable_private.0).unwrap();
    assert_eq!(map(libc::PROT_READ | libc::PROT_EXEC), Err(Some(libc::EPERM)));
    assert_eq!(call(libc::SYS_clone3, [0; 4]), Err(Some(libc::ENOSYS)));
    for (number, first) in [
        (libc::SYS_clone, libc::CLONE_NEWUSER),
        (libc::SYS_clone, libc::SIGCHLD),
        (libc::SYS_kill, 1),
        (libc::SYS_tgkill, 1),
        (libc::SYS_prctl, libc::PR_SET_DUMPABLE),
        (libc::SYS_listen, 0),
        (libc::SYS_fchmod, 0),
        (libc::SYS_socket, libc::AF_NETLINK),
        // Of another process, and of the whole group.
        (libc::SYS_setpriority, libc::PRIO_PROCESS.cast_signed()),
        (libc::SYS_setpriority, libc::PRIO_PGRP.cast_signed()),
    ] {
        let outcome = call(number, [usize::try_from(first).unwrap(), 3, 0, 0]);
        assert_eq!(outcome, Err(Some(libc::EPERM)), "system call {number} with {first}");
    }
    let raw = call(libc::SYS_socket, [usize::try_from(libc::AF_UNIX).unwrap(), 3, 0, 0]);
    assert_eq!(raw, Err(Some(libc::EPERM)), "SOCK_RAW");
    denied(Command::new("/bin/true").spawn());
}

fn second_thread(place: &Path) {
    let (stop, stopped) = std::sync::mpsc::sync_channel::<()>(0);
    let other = std::thread::spawn(move || stopped.recv());
    assert!(matches!(apply(&policy(place)), Err(ConfineError::Threads(2))));
    drop(stop);
    other.join().unwrap().unwrap_err();
}

fn missing_path(place: &Path) {
    let missing = place.join("missing");
    let error = apply(&Policy { read: vec![missing.clone()], ..Policy::default() }).unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot open {} to allow", missing.display())), "{error}");
}

fn die_by(fatal: &str, place: &Path) {
    confined(&policy(place));
    if fatal == "exec" {
        let error = Command::new("/bin/true").exec();
        panic!("still here: {error}");
    }
    let (_, number) = FATAL.iter().find(|(name, _)| *name == fatal).unwrap();
    panic!("still here: {:?}", call(*number, [0; 4]));
}

#[test]
fn kernel_files_outside_the_policy_are_out_of_reach() {
    passes(&child("files", place().path()));
}

#[test]
fn kernel_threads_start_afterwards_and_are_confined_too() {
    passes(&child("threads", place().path()));
}

#[test]
fn kernel_sinks_can_connect_and_send_but_not_listen() {
    passes(&child("network", place().path()));
}

#[test]
fn kernel_without_network_only_local_sockets_work() {
    passes(&child("local-only", place().path()));
}

#[test]
fn kernel_calls_outside_the_list_are_refused() {
    passes(&child("refused", place().path()));
}

#[test]
fn kernel_confinement_with_threads_running_is_an_error() {
    passes(&child("second-thread", place().path()));
}

#[test]
fn a_missing_path_is_named() {
    passes(&child("missing-path", place().path()));
}

/// Calls that only an intruder makes; with null arguments none of them could do anything.
const FATAL: [(&str, libc::c_long); 11] = [
    ("bpf", libc::SYS_bpf),
    ("execveat", libc::SYS_execveat),
    ("init_module", libc::SYS_init_module),
    ("io_uring_setup", libc::SYS_io_uring_setup),
    ("kexec_load", libc::SYS_kexec_load),
    ("mount", libc::SYS_mount),
    ("perf_event_open", libc::SYS_perf_event_open),
    ("process_vm_writev", libc::SYS_process_vm_writev),
    ("ptrace", libc::SYS_ptrace),
    ("setns", libc::SYS_setns),
    ("unshare", libc::SYS_unshare),
];

#[test]
fn kernel_calls_of_an_intruder_end_the_process() {
    let place = place();
    for trial in FATAL.iter().map(|(name, _)| *name).chain(["exec"]) {
        let output = child(trial, place.path());
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(&format!("ended with None, signal Some({})", libc::SIGSYS)), "{trial}: {output:?}");
    }
}

/// What the report says agrees with the kernel's own list of active security modules.
#[test]
fn kernel_landlock_report_agrees_with_the_lsm_list() {
    let name = "confine::kernel_landlock_report_agrees_with_the_lsm_list";
    let active = support::read(Path::new("/sys/kernel/security/lsm"));
    if active.is_empty() {
        return support::skip(name, "securityfs is not mounted");
    }
    let output = child("files", place().path());
    passes(&output);
    let text = String::from_utf8_lossy(&output.stdout);
    let expected = if active.split(',').any(|module| module == "landlock") {
        "files limited (Landlock ABI "
    } else {
        "files not limited (Landlock is not in the active LSM list"
    };
    assert!(text.contains(expected), "{active}: {text}");
}

/// What `MemoryDenyWriteExecute` of the unit file means, since Linux 6.3 asked for by prctl(2).
#[test]
#[expect(unsafe_code, reason = "the limit is to be in force before the program's first instruction")]
fn scanning_needs_no_memory_that_is_written_and_run() {
    let name = "scanning_needs_no_memory_that_is_written_and_run";
    if !beewolf::scan::BUILT_IN {
        return support::skip(name, "built without the feature `yara`");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_beewolf"));
    let rules = support::workspace().join("yara");
    command.args(["scan", "--yara"]).arg(rules).arg(support::workspace().join("Cargo.toml"));
    let refuse = || {
        // SAFETY: it takes integers only.
        match unsafe { libc::prctl(libc::PR_SET_MDWE, libc::PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    // SAFETY: between fork and exec it makes one system call, and allocates nothing.
    unsafe { command.pre_exec(refuse) };
    match command.output() {
        Ok(output) => assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => support::skip(name, "the kernel is older than 6.3"),
        Err(error) => panic!("{error}"),
    }
}
