//! A line of a recording: any bytes give an event or an error, and what was read is written and read
//! back the same.
#![no_main]

use beewolf::event::json::{Form, read, write};

libfuzzer_sys::fuzz_target!(|line: &[u8]| {
    let Ok((event, _)) = read(line) else { return };
    let mut first = Vec::new();
    write(&mut first, &event, Form::Ours);
    let (again, errors) = read(&first).expect("what was written reads back");
    assert!(errors.is_empty(), "{errors:?}");
    let mut second = Vec::new();
    write(&mut second, &again, Form::Ours);
    assert_eq!(first, second);
});
