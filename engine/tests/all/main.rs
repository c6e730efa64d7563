//! Tests of the whole: the program's modules together, on the real kernel where they need one.
//!
//! `kernel_*` tests need root and a cgroup2 hierarchy; `make vm-test` runs them in guests as well.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod attacks;
mod baselines;
mod bench;
mod command_line;
mod confine;
mod content;
mod convert;
mod correlations;
mod delivery;
mod falco;
mod house;
mod kernel;
mod recordings;
mod reload;
mod replays;
mod rules;
mod samples;
mod schemas;
mod sigma;
mod signatures;
mod sinks;
mod status;
mod support;
mod tables;
mod yara;
