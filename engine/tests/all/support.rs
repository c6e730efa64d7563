//! What several tests need: saying that one was skipped, and a cgroup of the test's own.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Tells `scripts/test` that this test could not run here and why; the caller then returns.
///
/// libtest itself only knows passed and failed: the line goes to the file that BEEWOLF_SKIPS names.
pub(crate) fn skip(name: &str, reason: &str) {
    eprintln!("skipped: {name}: {reason}");
    if let Some(path) = std::env::var_os("BEEWOLF_SKIPS") {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(path).expect("the file for skips");
        writeln!(file, "{name}: {reason}").expect("a line in the file for skips");
    }
}

/// Whether the test runs as root; skips the test if not.
pub(crate) fn root(name: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skip(name, "needs root");
    }
    root
}

/// Whether a mount namespace can be had whose mounts nobody else sees; skips the test if not.
pub(crate) fn own_mounts(name: &str) -> bool {
    if !root(name) {
        return false;
    }
    let output = Command::new("unshare").args(["--mount", "true"]).output().expect("unshare runs");
    if !output.status.success() {
        // A plain chroot is one of those places: its `/` is no mount point.
        let said = String::from_utf8_lossy(&output.stderr);
        skip(name, &format!("no mount namespace of its own ({})", said.trim()));
    }
    output.status.success()
}

/// Runs a test of this program once more, with the folder of a file system of one MiB in the variable `inside`. The mount is in a namespace of its own and ends with it.
pub(crate) fn on_a_small_disk(name: &str, inside: &str) {
    if !own_mounts(name) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", "mount -t tmpfs -o size=1m,mode=700 beewolf-test \"$0\" && exec \"$@\""])
        .arg(folder.path())
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", name, "--nocapture"])
        .env(inside, folder.path())
        .output()
        .expect("unshare runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// A cgroup2 directory of the test's own, directly below the hierarchy's root.
///
/// Dropping it kills what still runs in it, which is only what the test put there, and removes it.
#[derive(Debug)]
pub(crate) struct Scope {
    path: PathBuf,
}

impl Scope {
    /// Makes one, or skips the test where it cannot be made (no root, no cgroup2).
    pub(crate) fn new(test: &str) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if !root(test) {
            return None;
        }
        let Some(hierarchy) = hierarchy() else {
            skip(test, "no cgroup2 at /sys/fs/cgroup or /sys/fs/cgroup/unified");
            return None;
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = hierarchy.join(format!("beewolf-test-{}-{number}", std::process::id()));
        match fs::create_dir(&path) {
            Ok(()) => Some(Self { path }),
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
                skip(test, "the cgroup2 hierarchy is read-only");
                None
            }
            Err(error) => panic!("cannot make {}: {error}", path.display()),
        }
    }

    /// Where the cgroup is, for whatever wants a scope by path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A child cgroup, which goes with this one.
    pub(crate) fn child(&self, name: &str) -> PathBuf {
        let path = self.path.join(name);
        fs::create_dir(&path).expect("a child cgroup");
        path
    }

    /// A command that will run inside: its process enters the cgroup, then executes the program, so
    /// all that the program does happens in the scope.
    ///
    /// Arguments, environment and standard streams can still be set on it.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(r#"echo $$ >"$0/cgroup.procs" && exec "$@""#).arg(&self.path).arg(program);
        // The test runner's own: it would be in every event.
        command.env_remove("LD_LIBRARY_PATH");
        command
    }

    /// Processes inside, children's included.
    fn processes(&self) -> Vec<i32> {
        let mut found = Vec::new();
        let mut pending = vec![self.path.clone()];
        while let Some(directory) = pending.pop() {
            found.extend(read(&directory.join("cgroup.procs")).lines().filter_map(|line| line.parse::<i32>().ok()));
            pending.extend(directories(&directory));
        }
        found
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let processes = self.processes();
            if processes.is_empty() || Instant::now() > until {
                break;
            }
            for pid in processes.into_iter().filter_map(rustix::process::Pid::from_raw) {
                // It may have ended by itself since it was listed.
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap_or_default();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        remove(&self.path, until);
    }
}

/// Removes a cgroup and those below it; an emptied one may stay busy for a moment.
fn remove(directory: &Path, until: Instant) {
    for child in directories(directory) {
        remove(&child, until);
    }
    while let Err(error) = fs::remove_dir(directory) {
        if error.kind() == io::ErrorKind::NotFound {
            return;
        }
        if Instant::now() > until {
            eprintln!("cannot remove {}: {error}", directory.display());
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Where cgroup2 is mounted: pure, or beside version 1.
fn hierarchy() -> Option<PathBuf> {
    ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.join("cgroup.procs").exists() && path.join("cgroup.controllers").exists())
}

fn directories(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

/// A small file of the kernel's, empty if it is not there.
pub(crate) fn read(path: &Path) -> String {
    let mut text = String::new();
    if let Ok(mut file) = fs::File::open(path) {
        io::Read::read_to_string(&mut file, &mut text).unwrap_or_default();
    }
    text
}

/// Waits for a child process; kills it and panics if it takes longer.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> ExitStatus {
    let until = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().expect("the child's status") {
            return status;
        }
        if Instant::now() > until {
            child.kill().expect("killing the child");
            child.wait().expect("the killed child's status");
            panic!("process {} did not end within {limit:?}", child.id());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn scope_holds_what_runs_in_it_and_goes_with_it() {
    let Some(scope) = Scope::new("support::scope_holds_what_runs_in_it_and_goes_with_it") else { return };
    let path = scope.path().to_path_buf();
    let inner = scope.child("inner");
    let output = scope.command("/bin/cat").arg("/proc/self/cgroup").output().unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains(&format!("0::/{name}\n")), "{output:?}");

    let mut left = scope.command("/bin/sleep").arg("60").spawn().unwrap();
    let began = Instant::now();
    while scope.processes().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(10), "sleep never entered {}", path.display());
    }
    drop(scope);
    assert!(!wait(&mut left, Duration::from_secs(5)).success(), "killed with its scope");
    assert!(!inner.exists() && !path.exists());
}

/// The root of the repository.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace").to_owned()
}

/// Folders inside a folder, by name.
pub(crate) fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut found: Vec<_> = paths.filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

/// File names without extension, and texts, of the rules in the folders of a folder.
pub(crate) fn rules_in(path: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in folders(path) {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "yml") {
                let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a file's name").to_owned();
                found.push((name, read(&path)));
            }
        }
    }
    found.sort();
    found
}
