//! The actor: built once from `actor.c`, run inside a scope or beside it.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
    time::Duration,
};

use crate::support::{Scope, wait};

const SOURCE: &str = include_str!("actor.c");

/// Where the actor is; built at the first call, under a name that its source decides.
pub(super) fn path() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut hash = DefaultHasher::new();
        SOURCE.hash(&mut hash);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        std::fs::create_dir_all(folder).expect("cargo's folder for tests");
        let built = folder.join(format!("actor-{:016x}", hash.finish()));
        if !built.exists() {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/kernel/actor.c");
            let fresh = built.with_extension(std::process::id().to_string());
            let output = Command::new("cc")
                .args(["-O1", "-Wall", "-Wextra", "-Wno-clobbered", "-Werror", "-static", "-no-pie", "-pthread", "-o"])
                .args([&fresh, &source])
                .output()
                .expect("cc, which Rust needs as well");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            std::fs::rename(&fresh, &built).expect("in the same folder");
        }
        built
    })
}

/// What the actor did: its process id and the facts it told.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) pid: u32,
    pub(super) facts: BTreeMap<String, i64>,
}

impl Done {
    /// A fact by name.
    pub(super) fn fact(&self, name: &str) -> i64 {
        *self.facts.get(name).unwrap_or_else(|| panic!("the actor told no `{name}`, but {:?}", self.facts))
    }
}

/// How long an action may take.
pub(super) const WITHIN: Duration = Duration::from_secs(900);

/// Runs a command to its end, which must be good, and reads the facts it told.
pub(super) fn run(command: &mut Command) -> Done {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a process");
    let pid = child.id();
    let status = wait(&mut child, WITHIN);
    let Output { stdout, stderr, .. } = child.wait_with_output().expect("what it said");
    assert!(status.success(), "{command:?} ended with {status}: {}", String::from_utf8_lossy(&stderr));
    Done { pid, facts: facts(&String::from_utf8_lossy(&stdout)) }
}

pub(super) fn facts(text: &str) -> BTreeMap<String, i64> {
    let fact = |line: &str| {
        let (name, value) = line.split_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    text.lines().filter_map(fact).collect()
}

/// Runs an action inside a scope.
pub(super) fn act(scope: &Scope, arguments: &[&str]) -> Done {
    run(scope.command(path()).args(arguments))
}
