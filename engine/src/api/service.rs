//! What the service manager is told: ready, alive, ending (the protocol of sd_notify(3)).

use std::{
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    time::{Duration, Instant},
};

/// The line to the service manager; none outside of one, and then all calls do nothing.
#[derive(Debug, Default)]
pub struct Service {
    socket: Option<UnixDatagram>,
    /// Half of the time in which it wants to hear something.
    interval: Option<Duration>,
    told: Option<Instant>,
}

impl Service {
    /// Takes up the line that the environment names (`NOTIFY_SOCKET`, `WATCHDOG_USEC`).
    ///
    /// `WATCHDOG_PID` is the helper, which started as the service; the engine speaks for both, so that
    /// what is reported alive is what does the work.
    ///
    /// # Errors
    /// If a line is named and cannot be used.
    pub fn from_environment() -> io::Result<Self> {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(Self::default()) };
        let microseconds = std::env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok());
        Self::connect(name.as_encoded_bytes(), microseconds.map(Duration::from_micros))
    }

    fn connect(name: &[u8], watchdog: Option<Duration>) -> io::Result<Self> {
        let address = match name.split_first() {
            Some((b'@', rest)) => SocketAddr::from_abstract_name(rest)?,
            _ => {
                use std::os::unix::ffi::OsStrExt;
                SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name))?
            }
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        // A manager that does not read must not hold the sensor up.
        socket.set_nonblocking(true)?;
        Ok(Self { socket: Some(socket), interval: watchdog.map(|time| time / 2), told: None })
    }

    /// The sensor watches.
    pub fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={}", first_line(status)));
    }

    /// One sentence for `systemctl status`.
    pub fn status(&self, status: &str) {
        self.tell(&format!("STATUS={}", first_line(status)));
    }

    /// The pipeline has come round once more; said as often as the watchdog wants it.
    pub fn alive(&mut self) {
        let Some(interval) = self.interval else { return };
        if self.told.is_none_or(|told| told.elapsed() >= interval) {
            self.told = Some(Instant::now());
            self.tell("WATCHDOG=1");
        }
    }

    /// The sensor ends.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    fn tell(&self, message: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(message.as_bytes()) {
            tracing::debug!(%error, "the service manager was not told");
        }
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_hears_what_is_said_and_the_watchdog_no_more_often_than_it_wants() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).expect("a socket");
        manager.set_nonblocking(true).expect("a flag");
        let name = path.to_str().expect("text").as_bytes();
        let mut service = Service::connect(name, Some(Duration::from_secs(3600))).expect("connected");
        service.ready("watching\nmore");
        service.alive();
        service.alive();
        service.stopping();
        let mut heard = Vec::new();
        let mut buffer = [0; 256];
        while let Ok(length) = manager.recv(&mut buffer) {
            heard.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
        assert_eq!(heard, ["READY=1\nSTATUS=watching", "WATCHDOG=1", "STOPPING=1"]);
        assert!(Service::connect(b"/nonexistent/socket", None).is_err());
        Service::default().ready("nobody listens");
    }
}
