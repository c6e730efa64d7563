//! Compiles the probes with clang and turns `wire.h` into Rust.
//!
//! Each folder of `probe/` becomes one object: a unity build of its `*.bpf.c` files in the order of
//! their names. Needs clang and libbpf's headers; neither root nor the running kernel's BTF.

#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a build script has nobody to hand an error to, and reads only its own crate"
)]

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn main() {
    println!("cargo:rerun-if-changed=probe");
    println!("cargo:rerun-if-changed=include");
    println!("cargo:rerun-if-env-changed=CLANG");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    let clang = clang();
    let mut objects = String::new();
    for folder in sorted("probe") {
        let name =
            folder.file_name().and_then(|name| name.to_str()).expect("probe folders have plain names").to_owned();
        let sources: Vec<PathBuf> =
            sorted(&folder).into_iter().filter(|path| path.to_string_lossy().ends_with(".bpf.c")).collect();
        let unity = out.join(format!("{name}.c"));
        let object = out.join(format!("{name}.o"));
        let text: String = sources
            .iter()
            .map(|path| format!("#include \"{}\"\n", fs::canonicalize(path).expect("listed a moment ago").display()))
            .collect();
        fs::write(&unity, text).expect("OUT_DIR is writable");
        run(compiler(&clang).args(["-g", "-O2", "-c"]).arg(&unity).arg("-o").arg(&object));
        let upper = name.to_uppercase();
        writeln!(objects, "/// The object of `probe/{name}`: an ELF file for the BPF target.").expect("memory");
        writeln!(objects, "pub static {upper}: &[u8] = aligned!({:?});", object.display().to_string()).expect("memory");
    }
    fs::write(out.join("objects.rs"), objects).expect("OUT_DIR is writable");
    let wire = fs::read_to_string("include/wire.h").expect("include/wire.h is part of the crate");
    let (rust, sizes) = bindings(&wire);
    check_wire(&clang, &out, &sizes);
    fs::write(out.join("wire.rs"), rust).expect("OUT_DIR is writable");
}

fn sorted(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder is part of the crate")
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.sort();
    paths
}

/// `$CLANG`, else the newest `clang-NN` on the PATH, else `clang`.
fn clang() -> String {
    if let Ok(name) = env::var("CLANG") {
        return name;
    }
    let works = |name: &str| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    let found =
        (11..=40).rev().map(|number| format!("clang-{number}")).chain(["clang".to_owned()]).find(|name| works(name));
    found.unwrap_or_else(|| {
        panic!(
            "no clang found: install the package `clang` (Debian, Ubuntu: apt-get install clang libbpf-dev), set CLANG, \
             or build without live sensing: cargo build --no-default-features"
        )
    })
}

fn compiler(clang: &str) -> Command {
    let mut command = Command::new(clang);
    command.args(["-target", "bpf", "-D__TARGET_ARCH_x86", "-Wall", "-Wextra", "-Wno-unused-parameter"]);
    // libbpf's BPF_CORE_READ declares a variable of the member's own type, const where the member is, and fills it
    // afterwards: clang 21 and newer warn of that, older ones do not know the warning.
    command.args(["-Wno-unknown-warning-option", "-Wno-default-const-init-var-unsafe"]);
    command.args(["-Iinclude", "-idirafter", "/usr/include/x86_64-linux-gnu"]);
    command
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let hint = if text.contains("bpf/bpf_helpers.h") {
            "\nlibbpf's headers are missing: install the package `libbpf-dev`"
        } else if text.contains("asm/types.h") || text.contains("linux/types.h") {
            "\nthe kernel's headers for user space are missing: install the package `linux-libc-dev`"
        } else {
            ""
        };
        panic!("{command:?} failed:\n{text}{hint}");
    }
    // A newer compiler may know more warnings: they are shown, and are no reason to build nothing.
    for line in String::from_utf8_lossy(&output.stderr).lines().filter(|line| line.contains("warning:")) {
        println!("cargo:warning={line}");
    }
}

/// `wire.h` alone, with holes as errors; and the compiler's sizes held against ours. A structure that
/// nobody measures is never laid out, and then its holes go unnoticed.
fn check_wire(clang: &str, out: &Path, sizes: &[(String, usize)]) {
    let source = out.join("wire.c");
    let mut text = String::from("#include <linux/types.h>\n#include \"wire.h\"\n");
    for (name, size) in sizes {
        writeln!(text, "_Static_assert(sizeof(struct wire_{name}) == {size}, \"build.rs and the compiler disagree\");")
            .expect("memory");
    }
    fs::write(&source, text).expect("OUT_DIR is writable");
    run(compiler(clang).args(["-Wpadded", "-Werror", "-c"]).arg(&source).arg("-o").arg(out.join("wire.o")));
}

/// Constants and member offsets from the restricted C of wire.h: see its head.
fn bindings(text: &str) -> (String, Vec<(String, usize)>) {
    let mut rust = String::new();
    let mut sizes = Vec::new();
    let mut doc = String::new();
    let mut structure: Option<(String, usize)> = None;
    let mut in_comment = false;
    for line in text.lines() {
        let line = line.trim();
        if in_comment || line.starts_with("/*") {
            let inner = line.trim_start_matches("/*").trim_end_matches("*/").trim_start_matches('*').trim();
            doc = if in_comment { format!("{doc} {inner}") } else { inner.to_owned() };
            in_comment = !line.ends_with("*/");
            continue;
        }
        let note = std::mem::take(&mut doc);
        let note = if note.trim().is_empty() { "See `wire.h`.".to_owned() } else { note.trim().to_owned() };
        if let Some(rest) = line.strip_prefix("#define WIRE_") {
            let (name, value) = rest.split_once(' ').expect("a constant has a value");
            writeln!(rust, "/// {note}\npub const {name}: u32 = {value};").expect("memory");
        } else if let Some(rest) = line.strip_prefix("WIRE_") {
            let (name, value) = rest.trim_end_matches(',').split_once(" = ").expect("an enumerator has a number");
            writeln!(rust, "/// {note}\npub const {name}: u32 = {value};").expect("memory");
        } else if let Some(rest) = line.strip_prefix("struct wire_") {
            let name = rest.trim_end_matches(" {").to_owned();
            writeln!(rust, "/// {note}\npub mod {name} {{").expect("memory");
            structure = Some((name, 0));
        } else if line == "};" {
            if let Some((name, size)) = structure.take() {
                sizes.push((name, size));
                writeln!(rust, "    /// Bytes of the whole.\n    pub const SIZE: usize = {size};\n}}").expect("memory");
            }
        } else if let Some((_, offset)) = &mut structure
            && let Some((ty, rest)) = line.split_once(' ')
        {
            let member = rest.trim_end_matches(';');
            let (member, count) = match member.split_once('[') {
                Some((member, count)) => (member, count.trim_end_matches(']').parse::<usize>().expect("a number")),
                None => (member, 1),
            };
            let size = match ty {
                "__u8" | "char" => 1,
                "__u16" => 2,
                "__u32" | "__s32" => 4,
                "__u64" => 8,
                other => panic!("wire.h: type {other} is not one of the fixed-width integers"),
            };
            assert!(offset.is_multiple_of(size), "wire.h: {member} is not aligned; add padding before it");
            if !member.starts_with("pad") {
                writeln!(rust, "    /// {note}\n    pub const {}: usize = {offset};", member.to_uppercase())
                    .expect("memory");
            }
            *offset += size * count;
        }
    }
    (rust, sizes)
}
