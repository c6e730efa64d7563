//! The sensor on the real kernel: every event kind, scope, identity, order, loss, recordings, the end.
//!
//! Each test starts the built program on a cgroup of its own, lets the actor (`actor.c`) or ordinary
//! programs do something real in it, stops the program and reads what it wrote. On a kernel that
//! refuses trampolines that tests the tracepoints, in the guests the trampolines.

mod actor;
mod exec;
mod file;
mod identity;
mod lifetime;
mod loss;
mod order;
mod process;
mod recording;
mod scope;
mod sensor;
mod socket;

use std::{fmt::Debug, path::Path};

use serde_json::{Map, Value};

use crate::support::{Scope, own_mounts, skip};
use sensor::Sensor;

/// A scope to sense in, or a skip that says why there is none.
fn scope(test: &str) -> Option<Scope> {
    let test = &format!("kernel::{test}");
    if !cfg!(feature = "bpf") {
        skip(test, "built without the feature `bpf`");
        return None;
    }
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        skip(test, "the kernel has no BTF");
        return None;
    }
    Scope::new(test)
}

/// The same for a test that also mounts something where nobody else sees it.
fn scope_and_mounts(test: &str) -> Option<Scope> {
    own_mounts(&format!("kernel::{test}")).then(|| scope(test)).flatten()
}

/// A number that suits the machine: an emulated one is about twenty times slower.
fn scaled(count: usize) -> usize {
    if slow() { count / 20 } else { count }
}

/// Whether this machine is emulated: `scripts/vm` tells its guests.
fn slow() -> bool {
    std::env::var_os("BEEWOLF_GUEST").is_some()
}

/// A field of a line by its dotted name; `null` if absent.
fn field<'v>(line: &'v Value, name: &str) -> &'v Value {
    name.split('.').try_fold(line, |value, part| value.get(part)).unwrap_or(&Value::Null)
}

/// Collects what is wrong, so that one run of a test tells all of it.
#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn note(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// Notes a value that is not the one wanted.
    fn same<T: PartialEq<U> + Debug, U: Debug>(&mut self, what: &str, found: T, wanted: U) {
        if found != wanted {
            self.note(format!("{what}: found {found:?}, wanted {wanted:?}"));
        }
    }

    /// Notes the fields of a line that are not as wanted; `null` means absent.
    fn fields(&mut self, line: &Value, wanted: Map<String, Value>) {
        let label = format!("{} of {}", field(line, "event.action"), field(line, "process.args"));
        for (name, value) in wanted {
            self.same(&format!("{name} ({label:.120})"), field(line, &name), &value);
        }
    }

    /// The one line among several; anything else is a problem.
    fn one<'v>(&mut self, what: &str, mut lines: impl Iterator<Item = &'v Value>) -> Option<&'v Value> {
        let first = lines.next();
        let more = lines.count();
        if first.is_none() || more > 0 {
            self.note(format!("{what}: {} events instead of one", more + usize::from(first.is_some())));
        }
        first
    }
}

impl Drop for Problems {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let shown: Vec<String> = self.0.iter().take(30).map(|problem| format!("{problem:.2000}")).collect();
            assert!(self.0.is_empty(), "{} problems:\n{}", self.0.len(), shown.join("\n"));
        }
    }
}

/// Fields by their dotted names with the values they should have, as `serde_json::json` takes them.
macro_rules! fields {
    ($($fields:tt)*) => {
        match serde_json::json!({ $($fields)* }) {
            serde_json::Value::Object(fields) => fields,
            other => panic!("{other} is no object"),
        }
    };
}
use fields;
