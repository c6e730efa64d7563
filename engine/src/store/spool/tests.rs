//! Spools on real folders: crashes, damage, bounds.

use std::{fs, io::Write, path::Path};

use super::*;

fn settings(folder: &Path) -> Settings {
    Settings { folder: folder.join("spool"), max_bytes: 1 << 20, memory_records: 10, when_full: WhenFull::DropNewest }
}

fn payload(number: u64) -> Vec<u8> {
    format!("record {number} {}", "x".repeat(500)).into_bytes()
}

fn fill(spool: &mut Spool, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        let appended = spool.append(1, &payload(number)).expect("taken");
        assert!(appended.trouble.is_none() && appended.dropped.is_empty());
    }
}

/// Everything there is to read, and how many records are missing.
fn drain(spool: &mut Spool, reader: &mut Reader) -> (Vec<u64>, u64) {
    let (mut numbers, mut missing) = (Vec::new(), 0);
    loop {
        let plan = spool.plan(reader, 7);
        if matches!(plan, Plan::Nothing) {
            return (numbers, missing);
        }
        let batch = reader.read(plan, 7, 1 << 20).expect("read");
        missing += spool.settle(reader, &batch);
        for entry in batch.entries {
            assert_eq!(entry.payload, payload(entry.number));
            numbers.push(entry.number);
        }
    }
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder.join("spool"))
        .expect("there")
        .map(|entry| entry.expect("one").path())
        .filter(|path| path.extension().is_some_and(|it| it == "spool"))
        .collect();
    paths.sort();
    paths
}

#[test]
fn what_was_not_acknowledged_comes_again_after_a_restart_and_nothing_else_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut spool, mut reader) = Spool::open(settings(folder.path())).expect("opened");
    fill(&mut spool, 1..=300);
    assert!(matches!(Spool::open(settings(folder.path())), Err(SpoolError::InUse(_))));
    assert_eq!(drain(&mut spool, &mut reader), ((1..=300).collect(), 0));
    assert!(segments(folder.path()).len() > 1);
    spool.acknowledge(250).expect("saved");
    // The segments below are gone.
    assert!(segments(folder.path()).len() < 3, "{:?}", segments(folder.path()));
    assert_eq!(spool.rewind(&mut reader), 0);
    assert_eq!(drain(&mut spool, &mut reader).0.len(), 50);
    assert_eq!(spool.fill().records, 50);
    drop(spool);
    let (mut spool, mut reader) = Spool::open(settings(folder.path())).expect("opened");
    fill(&mut spool, 301..=303);
    assert_eq!(drain(&mut spool, &mut reader), ((251..=303).collect(), 0));
    spool.acknowledge(303).expect("saved");
    drop(spool);
    let (mut spool, mut reader) = Spool::open(settings(folder.path())).expect("opened");
    assert!(segments(folder.path()).is_empty());
    assert_eq!((drain(&mut spool, &mut reader), spool.fill().records), ((Vec::new(), 0), 0));
    fill(&mut spool, 304..=304);
    assert_eq!(drain(&mut spool, &mut reader).0, [304]);
    let sync = spool.to_sync().expect("something to sync");
    sync.run().expect("synced");
    spool.synced(&sync).expect("saved");
    assert!(spool.to_sync().is_none());
}

/// A spool of ten records, opened again after something was done to the file of its segment.
fn reopened(damage: impl FnOnce(&mut Vec<u8>)) -> (tempfile::TempDir, Spool, Reader) {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut spool, _) = Spool::open(settings(folder.path())).expect("opened");
    fill(&mut spool, 1..=10);
    let sync = spool.to_sync().expect("something to sync");
    spool.synced(&sync).expect("saved");
    drop(spool);
    let path = &segments(folder.path())[0];
    let mut bytes = crate::store::read_capped(path, u64::MAX).expect("read");
    damage(&mut bytes);
    fs::write(path, &bytes).expect("written");
    let (spool, reader) = Spool::open(settings(folder.path())).expect("opened in spite of it");
    (folder, spool, reader)
}

/// Damages a spool of ten records and checks what is left.
#[track_caller]
fn damaged(damage: impl Fn(&mut Vec<u8>, usize), expected: &[u64], missing: u64) {
    let (_folder, mut spool, mut reader) = reopened(|bytes| {
        // Records 1 to 9 have the same size.
        let size = (bytes.len() - 1) / 10;
        damage(bytes, size);
    });
    fill(&mut spool, 11..=12);
    let expected: Vec<u64> = expected.iter().copied().chain([11, 12]).collect();
    assert_eq!(drain(&mut spool, &mut reader), (expected, missing));
}

#[test]
fn damage_costs_what_it_hit_and_is_counted() {
    // A torn last record, as a power loss leaves it.
    damaged(|bytes, _| bytes.truncate(bytes.len() - 3), &[1, 2, 3, 4, 5, 6, 7, 8, 9], 1);
    // Cut by hand, in a record and between two.
    damaged(|bytes, size| bytes.truncate(3 * size + 20), &[1, 2, 3], 7);
    damaged(|bytes, size| bytes.truncate(4 * size), &[1, 2, 3, 4], 6);
    damaged(|bytes, _| bytes.clear(), &[], 10);
    // A flipped bit in a payload, in a length, and in the first mark.
    damaged(|bytes, size| bytes[4 * size + 50] ^= 1, &[1, 2, 3, 4, 6, 7, 8, 9, 10], 1);
    damaged(|bytes, size| bytes[4 * size + 6] ^= 1, &[1, 2, 3, 4, 6, 7, 8, 9, 10], 1);
    damaged(|bytes, _| bytes[0] ^= 1, &[2, 3, 4, 5, 6, 7, 8, 9, 10], 1);
    // Zeros, as some file systems leave them, and rubbish behind the end.
    damaged(|bytes, size| bytes[2 * size..4 * size].fill(0), &[1, 2, 5, 6, 7, 8, 9, 10], 2);
    // Bytes removed and put in.
    damaged(|bytes, size| drop(bytes.drain(size..size + 5)), &[1, 3, 4, 5, 6, 7, 8, 9, 10], 1);
    damaged(|bytes, size| drop(bytes.splice(size..size, *b"\xbeWF\x01rubbish")), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0);
}

#[test]
fn a_torn_record_that_the_state_does_not_know_is_counted_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut spool, _) = Spool::open(settings(folder.path())).expect("opened");
    fill(&mut spool, 1..=5);
    drop(spool);
    let path = &segments(folder.path())[0];
    let bytes = crate::store::read_capped(path, u64::MAX).expect("read");
    fs::write(path, &bytes[..bytes.len() - 1]).expect("written");
    let (mut spool, mut reader) = Spool::open(settings(folder.path())).expect("opened");
    assert_eq!(drain(&mut spool, &mut reader), (vec![1, 2, 3, 4], 1));
    // Deleted altogether, state and all: it begins anew.
    drop(spool);
    fs::remove_dir_all(folder.path().join("spool")).expect("removed");
    let (mut spool, mut reader) = Spool::open(settings(folder.path())).expect("opened");
    fill(&mut spool, 1..=1);
    assert_eq!(drain(&mut spool, &mut reader), (vec![1], 0));
}

#[test]
fn a_segment_cut_or_deleted_below_us_costs_only_what_was_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut spool, mut reader) = Spool::open(settings(folder.path())).expect("opened");
    fill(&mut spool, 1..=10);
    assert_eq!(drain(&mut spool, &mut reader).0.len(), 10);
    let path = segments(folder.path())[0].clone();
    fs::OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(700)).expect("cut");
    fill(&mut spool, 11..=20);
    assert_eq!(drain(&mut spool, &mut reader), ((11..=20).collect(), 0));
    fill(&mut spool, 21..=22);
    fs::remove_file(&path).expect("deleted");
    fill(&mut spool, 23..=24);
    // The open file still has 21 and 22.
    assert_eq!(drain(&mut spool, &mut reader), ((21..=24).collect(), 0));
    assert_eq!(spool.rewind(&mut reader), 0);
    assert_eq!(drain(&mut spool, &mut reader), (vec![23, 24], 22));
}

#[test]
fn a_full_spool_keeps_the_first_or_the_last() {
    for when_full in [WhenFull::DropNewest, WhenFull::DropOldest] {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Settings { when_full, ..settings(folder.path()) };
        let max = settings.max_bytes;
        let (mut spool, mut reader) = Spool::open(settings).expect("opened");
        let (mut refused, mut dropped, mut numbers) = (0, 0, 0);
        for _ in 0..5000 {
            match spool.append(1, &payload(numbers + 1)) {
                Ok(appended) => {
                    numbers += 1;
                    dropped += appended.dropped.iter().map(|gone| gone.count).sum::<u64>();
                    assert!(appended.dropped.iter().all(|gone| gone.tag == Some(1)));
                }
                Err(Refused::Full) => refused += 1,
                Err(other) => panic!("{other}"),
            }
            assert!(spool.fill().bytes <= max);
        }
        let (found, missing) = drain(&mut spool, &mut reader);
        assert_eq!(missing, 0);
        assert_eq!(found.len() as u64 + dropped + refused, 5000);
        match when_full {
            WhenFull::DropNewest => assert_eq!((dropped, found.first()), (0, Some(&1))),
            WhenFull::DropOldest => assert_eq!((refused, found.last()), (0, Some(&5000))),
        }
        // Once it is delivered there is room again.
        spool.acknowledge(numbers).expect("saved");
        assert!(spool.append(1, &payload(numbers + 1)).expect("taken").dropped.is_empty());
        assert!(matches!(spool.append(1, &vec![0; 1 << 20]), Err(Refused::TooLong(_))));
    }
}

#[test]
fn records_dropped_while_they_were_under_way_are_counted_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { when_full: WhenFull::DropOldest, ..settings(folder.path()) };
    let (mut spool, mut reader) = Spool::open(settings).expect("opened");
    fill(&mut spool, 1..=20);
    let plan = spool.plan(&mut reader, 5);
    let batch = reader.read(plan, 5, 1 << 20).expect("read");
    assert_eq!((batch.entries.len(), spool.settle(&mut reader, &batch)), (5, 0));
    let mut dropped = 0;
    for number in 21..=3000 {
        let appended = spool.append(1, &payload(number)).expect("taken");
        dropped += appended.dropped.iter().map(|gone| gone.count).sum::<u64>();
    }
    assert!(dropped > 100);
    // The five never arrive: the connection broke.
    let lost = spool.rewind(&mut reader);
    assert_eq!(lost, 5);
    assert_eq!(spool.rewind(&mut reader), 0);
    let (found, missing) = drain(&mut spool, &mut reader);
    assert_eq!(found.len() as u64 + lost + dropped + missing, 3000);
    assert_eq!((found.last(), missing), (Some(&3000), 0));
}

/// In a small file system of its own, whose path the caller gives.
pub(crate) fn on_a_full_disk(folder: &Path) {
    let (mut spool, mut reader) = Spool::open(settings(folder)).expect("opened");
    fill(&mut spool, 1..=3);
    let filler = folder.join("filler");
    let mut file = File::create(&filler).expect("made");
    for size in [4096, 512, 1] {
        while file.write(&vec![b'.'; size]).is_ok_and(|written| written > 0) {}
    }
    let (mut number, mut in_memory, mut refused) = (3, 0, 0);
    while refused < 5 {
        match spool.append(1, &payload(number + 1)) {
            Ok(_) => number += 1,
            Err(Refused::Disk(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
        in_memory = in_memory.max(spool.fill().in_memory);
    }
    assert_eq!(in_memory, 10);
    // Delivery goes on from memory, in order.
    let (found, missing) = drain(&mut spool, &mut reader);
    assert_eq!((found, missing), ((1..=number).collect(), 0));
    spool.acknowledge(number - 3).expect("the state has its blocks");
    assert_eq!(spool.fill().in_memory, 3);
    drop(file);
    fs::remove_file(&filler).expect("room again");
    std::thread::sleep(DISK_PAUSE);
    fill(&mut spool, number + 1..=number + 2);
    assert_eq!(spool.fill().in_memory, 0);
    spool.rewind(&mut reader);
    assert_eq!(drain(&mut spool, &mut reader), ((number - 2..=number + 2).collect(), 0));
    drop(spool);
    let (mut spool, mut reader) = Spool::open(settings(folder)).expect("opened");
    assert_eq!(drain(&mut spool, &mut reader), ((number - 2..=number + 2).collect(), 0));
}

#[test]
fn a_full_disk_costs_nothing_while_memory_has_room() {
    const INSIDE: &str = "BEEWOLF_TEST_SPOOL_DISK";
    if let Some(folder) = std::env::var_os(INSIDE) {
        on_a_full_disk(Path::new(&folder));
        return;
    }
    if !rustix::process::geteuid().is_root() {
        println!("skipped: a small file system can only be mounted by root");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    // The mount is in a namespace of its own and ends with it.
    let output = std::process::Command::new("unshare")
        .args(["-m", "sh", "-c", "mount -t tmpfs -o size=1m,mode=700 beewolf-test \"$0\" && exec \"$@\""])
        .arg(folder.path())
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", "store::spool::tests::a_full_disk_costs_nothing_while_memory_has_room", "--nocapture"])
        .env(INSIDE, folder.path())
        .output()
        .expect("unshare runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if text.contains("unshare: ") || text.contains("mount: ") {
        println!("skipped: no mount namespace here: {text}");
        return;
    }
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    /// Whatever happens to the file: what is handed out was handed in, in order, and the rest is counted.
    #[test]
    fn no_damage_forges_or_hides_a_record(
        changes in proptest::collection::vec((0_usize..5400, proptest::prelude::any::<u8>()), 0..40),
        cut in 0_usize..6000,
        added in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..100),
    ) {
        let (_folder, mut spool, mut reader) = reopened(|bytes| {
            for (place, byte) in changes {
                if let Some(changed) = bytes.get_mut(place) {
                    *changed = byte;
                }
            }
            bytes.truncate(cut);
            bytes.extend(added);
        });
        let before = spool.next;
        fill_any(&mut spool);
        let (found, missing) = drain(&mut spool, &mut reader);
        assert!(found.is_sorted_by(|a, b| a < b) && found.last() == Some(&before), "{found:?}");
        assert_eq!(found.len() as u64 + missing, before);
        assert!(before == 11 || before == 12, "a torn end may have been an eleventh: {before}");
    }
}

fn fill_any(spool: &mut Spool) {
    let number = spool.next;
    fill(spool, number..=number);
}
