//! The one integration test binary: a module per area.

#[cfg(test)]
mod command_line;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod sinks;
