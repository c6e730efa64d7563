//! Beewolf's eBPF probes: the compiled objects and the layout of their records.
//!
//! `include/wire.h` is the only truth for the layout; [`wire`] is made from it at build time.

/// An ELF file in memory, aligned as its parser wants it.
macro_rules! aligned {
    ($path:expr) => {{
        #[repr(C, align(8))]
        struct Aligned<B: ?Sized>(B);
        static BYTES: &Aligned<[u8]> = &Aligned(*include_bytes!($path));
        &BYTES.0
    }};
}

include!(concat!(env!("OUT_DIR"), "/objects.rs"));

/// Constants and member offsets of the records, from `include/wire.h`.
pub mod wire {
    include!(concat!(env!("OUT_DIR"), "/wire.rs"));
}
