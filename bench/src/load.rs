//! What the sensor is to see: opens at a fixed rate, and programs started as fast as possible.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use super::{ONE_IN, RATE};

/// Opens between two naps: twenty every millisecond.
const AT_ONCE: u64 = RATE / 1000;

fn watched(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("watched-{number}"))
}

/// Makes the files that are opened: one again and again, and a watched one for each alert, so that each is a finding
/// of its own.
pub(super) fn make_files(folder: &Path, time: Duration) {
    fs::create_dir(folder).expect("a folder");
    fs::write(folder.join("ordinary"), "").expect("a file");
    for number in 0..=time.as_secs() * RATE / ONE_IN {
        fs::write(watched(folder, number), "").expect("a file");
    }
}

/// Opens files at the rate; prints how many, and how many watched ones among them.
pub(super) fn opens(folder: &Path, time: Duration) {
    let ordinary = folder.join("ordinary");
    let files = time.as_secs() * RATE / ONE_IN;
    let began = Instant::now();
    let (mut opens, mut hits) = (0u64, 0u64);
    let mut due = began;
    while began.elapsed() < time {
        for _ in 0..AT_ONCE {
            opens += 1;
            if opens.is_multiple_of(ONE_IN) && hits < files {
                hits += 1;
                drop(File::open(watched(folder, hits)).expect("a watched file"));
            } else {
                drop(File::open(&ordinary).expect("a file"));
            }
        }
        // From the last due time, not from now: a nap that was too long is made up for.
        due += Duration::from_millis(1);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    println!("{opens} {hits}");
}

/// Starts a program again and again on one CPU, each time waiting for its end; prints how often.
pub(super) fn spawns(program: &Path, cpu: usize, time: Duration) {
    let mut cpus = rustix::thread::CpuSet::new();
    cpus.set(cpu);
    rustix::thread::sched_setaffinity(None, &cpus).expect("a CPU of this host");
    // posix_spawn(3), which is vfork and exec.
    let mut command = Command::new(program);
    command.env_clear();
    let began = Instant::now();
    let mut count = 0u64;
    while began.elapsed() < time {
        let status = command.status().expect("the program starts");
        assert!(status.success(), "the program ended with {status}");
        count += 1;
    }
    println!("{count}");
}

/// `exit(0)`.
#[cfg(target_arch = "x86_64")]
const CODE: (u16, &[u8]) = (62, &[0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05]);
#[cfg(target_arch = "aarch64")]
const CODE: (u16, &[u8]) = (183, &[0x00, 0x00, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4]);

/// Writes the smallest static program there is: an ELF header, one segment, and code that exits.
pub(super) fn write_tiny(path: &Path) {
    const BASE: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 56;
    let (machine, code) = CODE;
    let size = HEADERS + code.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend([2u16, machine].iter().flat_map(|half| half.to_le_bytes()));
    file.extend(1u32.to_le_bytes());
    file.extend([BASE + HEADERS, 64, 0].iter().flat_map(|word| word.to_le_bytes()));
    file.extend(0u32.to_le_bytes());
    file.extend([64u16, 56, 1, 0, 0, 0].iter().flat_map(|half| half.to_le_bytes()));
    // One segment, loaded whole, to be read and run.
    file.extend([1u32, 5].iter().flat_map(|half| half.to_le_bytes()));
    file.extend([0, BASE, BASE, size, size, 0x1000].iter().flat_map(|word| word.to_le_bytes()));
    file.extend(code);
    fs::write(path, file).expect("the program");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
}
