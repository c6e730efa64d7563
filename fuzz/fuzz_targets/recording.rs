//! A recording: any bytes give items, each line an event, a loss, or the reason why it is neither.
#![no_main]

use beewolf::store::recording::{Item, Reader};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
    let mut reader = Reader::new(bytes, b"fuzz", 4096);
    let mut items = 0;
    for item in reader.by_ref() {
        items += 1;
        if let Item::Damaged { line, why } = item {
            assert!(!why.to_string().is_empty() && line as usize <= lines + 1);
        }
    }
    assert!(items <= lines + 1, "{items} items of {lines} lines");
    let _ = reader.summary();
});
