//! `file_open` with all its fields.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use serde_json::json;

use super::{Problems, Sensor, actor, field, fields, scope, scope_and_mounts};

/// A folder with what the actor's `files`, `mounts` and `compat` open; any user may enter it.
fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().canonicalize().expect("its path");
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("permissions");
    };
    mode(&place, 0o755);
    for name in ["sub", "bound", "memory", "overlay"] {
        std::fs::create_dir(place.join(name)).expect("a folder");
    }
    for name in [
        "there",
        "truncated",
        "placed",
        "second",
        "relative",
        "secret",
        "long",
        "sub/inside",
        "compat-open",
        "compat-openat",
    ] {
        std::fs::write(place.join(name), name).expect("a file");
        mode(&place.join(name), 0o600);
    }
    symlink("there", place.join("link")).expect("a link");
    std::fs::copy(actor::path(), place.join("sub/noop")).expect("a copy");
    let place = place.to_str().expect("text").to_owned();
    (folder, place)
}

#[test]
fn kernel_opened_files_are_seen() {
    let Some(scope) = scope_and_mounts("file::kernel_opened_files_are_seen") else { return };
    let (_folder, place) = folder();
    let sensor = Sensor::trace(&scope, ["event.action in (exec, file_open)"]);
    let done = actor::act(&scope, &["files", &place]);
    let mounted = actor::act(&scope, &["mounts", &place]);
    let report = sensor.stop();
    let events = report.events();

    let mut problems = Problems::default();
    let at = |name: &str| format!("{place}/{name}");
    let opened = |requested: &str| {
        let requested = requested.to_owned();
        events.of("file_open").filter(move |event| field(event, "file.requested_path") == requested.as_str())
    };
    for (requested, path, access, created) in [
        (at("there"), at("there"), json!(["read"]), false),
        (at("written"), at("written"), json!(["create", "write"]), true),
        (at("truncated"), at("truncated"), json!(["create", "read", "truncate", "write"]), false),
        (at("placed"), at("placed"), json!(["path"]), false),
        (at("second"), at("second"), json!(["read", "write"]), false),
        (at("made.tar.gz"), at("made.tar.gz"), json!(["create", "truncate", "write"]), true),
        (at("sub"), at("sub"), json!(["read"]), false),
        ("inside".to_owned(), at("sub/inside"), json!(["read"]), false),
        ("relative".to_owned(), at("relative"), json!(["read"]), false),
    ] {
        let Some(event) = problems.one(&requested, opened(&requested)) else { continue };
        let data = std::fs::metadata(&path).expect("the file is there");
        problems.fields(
            event,
            fields! {
                "file.path": path,
                "file.name": path.rsplit('/').next(),
                "file.access": access,
                "file.newly_created": created,
                "file.outside_root": false,
                "file.redirected": false,
                "file.inode": data.ino().to_string(),
                "file.mode": format!("{:04o}", data.mode() & 0o7777),
                "file.uid": "0",
                "file.gid": data.gid().to_string(),
                "file.type": if data.is_dir() { "dir" } else { "file" },
                "event.outcome": "success",
                "error.code": null,
                "process.pid": done.pid,
                "process.executable": actor::path().canonicalize().expect("a path").to_str(),
            },
        );
    }
    if let Some(event) = problems.one("extension", opened(&at("made.tar.gz"))) {
        problems.fields(event, fields! { "file.extension": "gz" });
    }
    for (name, code, access, user) in
        [("missing", "ENOENT", json!(["read"]), "0"), ("secret", "EACCES", json!(["read", "write"]), "65534")]
    {
        let Some(event) = problems.one(name, opened(&at(name))) else { continue };
        problems.fields(
            event,
            fields! {
                "file.path": null,
                "file.inode": null,
                "file.newly_created": null,
                "file.access": access,
                "event.outcome": "failure",
                "error.code": code,
                "user.id": user,
                "process.real_user.id": user,
            },
        );
    }
    let links: Vec<_> = opened(&at("link")).collect();
    problems.same("opens of the link", links.len(), 2);
    for event in links {
        let followed = field(event, "file.access") == &json!(["read"]);
        problems.fields(
            event,
            fields! {
                "file.path": at(if followed { "there" } else { "link" }),
                "file.redirected": followed,
                "file.type": if followed { "file" } else { "symlink" },
            },
        );
    }
    if let Some(event) = problems.one("the root", opened("/")) {
        problems.fields(event, fields! { "file.path": "/", "file.type": "dir", "file.name": null });
    }
    let temporary = |event: &&serde_json::Value| field(event, "file.requested_path") == place.as_str();
    if let Some(event) = problems.one("O_TMPFILE", events.of("file_open").filter(temporary)) {
        problems.fields(event, fields! { "file.access": ["create", "write"], "file.type": "file" });
    }
    let long = |event: &&serde_json::Value| field(event, "file.path") == at("long").as_str();
    if let Some(event) = problems.one("the long path", events.of("file_open").filter(long)) {
        let requested = field(event, "file.requested_path").as_str().unwrap_or_default();
        problems.same("bytes of the long path", i64::try_from(requested.len()).ok(), Some(done.fact("long_bytes")));
        problems.fields(event, fields! { "event.cut": null, "file.redirected": true });
    }

    for (requested, access) in
        [(at("bound/inside"), json!(["read"])), (at("memory/fresh"), json!(["create", "read", "write"]))]
    {
        let Some(event) = problems.one(&requested, opened(&requested)) else { continue };
        problems.fields(event, fields! { "file.path": requested, "file.redirected": false, "file.access": access });
        let own = field(event, "process.namespace.mnt");
        let ours = std::fs::read_link("/proc/self/ns/mnt").expect("a namespace");
        problems.same(
            "another mount namespace",
            ours.to_str().is_some_and(|text| text.contains(&own.to_string())),
            false,
        );
    }
    match mounted.facts.get("overlay") {
        // ENODEV: this kernel has no overlayfs.
        Some(19) => {}
        Some(error) => problems.note(format!("overlay: error {error}")),
        None => {
            let path = at("overlay/inside");
            if let Some(event) = problems.one("overlay", opened(&path)) {
                problems.fields(event, fields! { "file.path": path, "file.access": ["read", "write"] });
            }
        }
    }
    // After chroot the process's own root is where paths begin.
    if let Some(event) = problems.one("chroot", opened("/inside")) {
        problems
            .fields(event, fields! { "file.path": "/inside", "file.redirected": false, "file.outside_root": false });
    }
    // A descriptor from before leads out of it.
    if let Some(event) = problems.one("outside of chroot", opened("second")) {
        problems.fields(event, fields! { "file.path": at("second"), "file.outside_root": true });
    }
    if let Some(event) = events.by("exec", mounted.pid).last() {
        problems.fields(
            event,
            fields! { "process.executable": "/noop", "process.args": ["/noop", "noop", "in-chroot"], "process.working_directory": "/" },
        );
    }
}

/// A 32-bit call from a 64-bit program: the registers' upper halves are no part of the arguments.
#[test]
fn kernel_calls_of_32_bit_programs_are_seen() {
    let Some(scope) = scope("file::kernel_calls_of_32_bit_programs_are_seen") else { return };
    let (_folder, place) = folder();
    let sensor = Sensor::trace(&scope, ["event.action in (accept, connect, file_open)"]);
    let done = actor::act(&scope, &["compat", &place]);
    let events = sensor.stop().events();
    if let Some(error) = done.facts.get("unavailable") {
        return crate::support::skip(
            "kernel::file::kernel_calls_of_32_bit_programs_are_seen",
            &format!("this kernel has no 32-bit calls (error {error})"),
        );
    }

    let mut problems = Problems::default();
    for (name, access) in [
        ("compat-open", json!(["read", "write"])),
        ("compat-openat", json!(["read"])),
        ("compat-creat", json!(["create", "truncate", "write"])),
    ] {
        let path = format!("{place}/{name}");
        let found = events.by("file_open", done.pid).filter(|event| field(event, "file.path") == path.as_str());
        if let Some(event) = problems.one(name, found) {
            problems.fields(
                event,
                fields! { "file.requested_path": path, "file.access": access, "event.outcome": "success" },
            );
        }
    }
    problems.same("connect's value", done.fact("connect"), 0);
    if let Some(event) = problems.one("connect", events.by("connect", done.pid)) {
        problems.fields(event, fields! { "destination.port": done.fact("server"), "destination.ip": "127.0.0.1" });
    }
    if let Some(event) = problems.one("accept", events.by("accept", done.pid)) {
        problems.fields(event, fields! { "destination.port": done.fact("server"), "source.ip": "127.0.0.1" });
    }
}
