//! Threads that stand behind whoever watches: what they do can wait, events cannot.

use std::{io, thread::JoinHandle};

/// How far behind the sensor's other threads these stand for a CPU; the kernel's nice value.
const NICE: i32 = 10;

/// Starts a thread that others go before.
///
/// A kernel or a filter that refuses to put it behind changes nothing but the order; a line of the log says so.
///
/// # Errors
/// If the system gives no thread.
pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        // On Linux that of the calling thread alone.
        if let Err(error) = rustix::process::nice(NICE) {
            tracing::debug!(%error, thread = std::thread::current().name(), "it runs at the sensor's own priority");
        }
        body();
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn only_the_thread_stands_behind() {
        let own = rustix::process::getpriority_process(None).expect("a priority");
        let (sender, told) = sync_channel(1);
        let thread = spawn("behind", move || {
            let name = std::thread::current().name().map(str::to_owned);
            sender.send((name, rustix::process::getpriority_process(None))).expect("a listener");
        });
        let (name, theirs) = told.recv().expect("a priority");
        thread.expect("a thread").join().expect("no panic");
        assert_eq!((name.as_deref(), theirs), (Some("behind"), Ok((own + NICE).min(19))));
        assert_eq!(rustix::process::getpriority_process(None), Ok(own));
    }
}
