//! Ways a syslog message travels; each connects when needed and again after a failure.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket},
    os::unix::net::UnixDatagram,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};

use crate::{sink::Failure, store::spool::Entry};

/// Longest wait for a connection, and for a receiver to take a message.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest frame sent at once, unless a single message is longer.
const MAX_FRAMES: usize = 64 << 10;

pub(super) enum Transport {
    /// TCP, with TLS on it or without: octet counting either way.
    Stream(Box<Stream>),
    Udp {
        address: String,
        socket: Option<UdpSocket>,
    },
    Unix {
        path: PathBuf,
        socket: Option<UnixDatagram>,
    },
}

/// Where a stream leads, and the connection if there is one.
pub(super) struct Stream {
    pub(super) address: String,
    pub(super) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// How long what was sent counts as under way; if not zero, a connection that broke is told, not mended.
    pub(super) resend: Duration,
    pub(super) open: Option<Connection>,
    pub(super) frames: Vec<u8>,
}

pub(super) enum Connection {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Transport {
    pub(super) fn udp(address: String) -> Self {
        Self::Udp { address, socket: None }
    }

    pub(super) fn unix(path: PathBuf) -> Self {
        Self::Unix { path, socket: None }
    }

    /// Sends some of the first messages and says how many.
    pub(super) fn send(&mut self, batch: &[Entry]) -> Result<usize, Failure> {
        let first = batch.first().map(|entry| entry.payload.as_slice()).unwrap_or_default();
        match self {
            Self::Stream(stream) => stream.send(batch),
            Self::Udp { address, socket } => {
                let open = match socket.take() {
                    Some(open) => open,
                    None => datagrams(address).map_err(Failure::Again)?,
                };
                match open.send(first) {
                    Ok(_) => {}
                    // The answer to the datagram before: nobody listens. The name may lead elsewhere by now: connect again.
                    Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                        return Err(Failure::PreviousLost(error));
                    }
                    Err(error) if too_long(&error) => {
                        *socket = Some(open);
                        return Err(Failure::Lost(error));
                    }
                    Err(error) => return Err(Failure::Again(error)),
                }
                *socket = Some(open);
                Ok(1)
            }
            Self::Unix { path, socket } => {
                let open = match socket.take() {
                    Some(open) => open,
                    None => {
                        let open = UnixDatagram::unbound().map_err(Failure::Again)?;
                        open.connect(path).map_err(Failure::Again)?;
                        open.set_write_timeout(Some(PATIENCE)).map_err(Failure::Again)?;
                        open
                    }
                };
                match open.send(first) {
                    Ok(_) => {
                        *socket = Some(open);
                        Ok(1)
                    }
                    Err(error) if too_long(&error) => {
                        *socket = Some(open);
                        Err(Failure::Lost(error))
                    }
                    Err(error) => Err(Failure::Again(error)),
                }
            }
        }
    }
}

fn too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EMSGSIZE)
}

impl Stream {
    fn send(&mut self, batch: &[Entry]) -> Result<usize, Failure> {
        let mut count = 0;
        self.frames.clear();
        for entry in batch {
            if count > 0 && self.frames.len() + entry.payload.len() > MAX_FRAMES {
                break;
            }
            // RFC 6587, 3.4.1, and RFC 5425, 4.3: length, space, message.
            self.frames.extend_from_slice(format!("{} ", entry.payload.len()).as_bytes());
            self.frames.extend_from_slice(&entry.payload);
            count += 1;
        }
        let mut open = match self.open.take() {
            None => self.connect().map_err(Failure::Again)?,
            Some(mut open) => {
                if open.alive() {
                    open
                } else if self.resend.is_zero() {
                    self.connect().map_err(Failure::Again)?
                } else {
                    return Err(Failure::Again(closed()));
                }
            }
        };
        // A stream that failed in the middle of a frame is useless: it is dropped, and the whole message is sent on the next.
        open.write(&self.frames).map_err(Failure::Again)?;
        self.open = Some(open);
        Ok(count)
    }

    pub(super) fn alive(&mut self) -> bool {
        let alive = self.open.as_mut().is_some_and(Connection::alive);
        if !alive {
            self.open = None;
        }
        alive
    }

    fn connect(&self) -> io::Result<Connection> {
        let socket = connect(&self.address)?;
        if !self.resend.is_zero() {
            // What the other host has not even received by then fails the connection, before it counts as arrived.
            let ms = u32::try_from((self.resend * 3 / 4).as_millis()).unwrap_or(u32::MAX);
            rustix::net::sockopt::set_tcp_user_timeout(&socket, ms)?;
        }
        let Some((config, name)) = &self.tls else { return Ok(Connection::Plain(socket)) };
        let mut tls = ClientConnection::new(Arc::clone(config), name.clone()).map_err(io::Error::other)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let deadline = Instant::now() + 2 * PATIENCE;
        let mut socket = socket;
        while tls.is_handshaking() {
            if tls.wants_write() {
                tls.write_tls(&mut socket)?;
            } else if tls.read_tls(&mut socket)? == 0 {
                return Err(closed());
            } else if let Err(error) = tls.process_new_packets() {
                // The receiver should learn why; that it does is not necessary.
                tls.write_tls(&mut socket).unwrap_or_default();
                return Err(io::Error::new(ErrorKind::InvalidData, format!("TLS: {error}")));
            }
            // Each step is short, but a receiver could make the steps many.
            if Instant::now() > deadline {
                return Err(ErrorKind::TimedOut.into());
            }
        }
        Ok(Connection::Tls(Box::new(StreamOwned::new(tls, socket))))
    }

    /// Says that nothing more comes, and waits until the receiver has read to that point and closes, too.
    pub(super) fn settle(&mut self, deadline: Instant) -> bool {
        let Some(mut open) = self.open.take() else { return false };
        let socket = match &mut open {
            Connection::Plain(socket) => &*socket,
            Connection::Tls(tls) => {
                tls.conn.send_close_notify();
                if tls.flush().is_err() {
                    return false;
                }
                &tls.sock
            }
        };
        if socket.shutdown(std::net::Shutdown::Write).is_err() {
            return false;
        }
        let mut reader = socket;
        let mut scratch = [0; 512];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || socket.set_read_timeout(Some(left)).is_err() {
                return false;
            }
            match reader.read(&mut scratch) {
                Ok(0) => return true,
                // Session tickets and the receiver's own farewell.
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }
}

fn closed() -> io::Error {
    io::Error::new(ErrorKind::ConnectionReset, "the receiver closed the connection")
}

impl Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.write_all(bytes),
            Self::Tls(tls) => tls.write_all(bytes).and_then(|()| tls.flush()),
        }
    }

    /// Whether the receiver has kept the connection: what is written after it closed would vanish without an error.
    fn alive(&mut self) -> bool {
        let socket = match self {
            Self::Plain(socket) => &*socket,
            Self::Tls(tls) => &tls.sock,
        };
        if socket.set_nonblocking(true).is_err() {
            return false;
        }
        // Syslog receivers say nothing; if one does, it is read away, a little at a time.
        let mut scratch = [0; 512];
        let result = match self {
            Self::Plain(socket) => socket.read(&mut scratch),
            // Session tickets, key updates and farewells come here too.
            Self::Tls(tls) => tls.read(&mut scratch),
        };
        let open = match result {
            Ok(0) => false,
            Ok(_) => true,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        };
        let socket = match self {
            Self::Plain(socket) => &*socket,
            Self::Tls(tls) => &tls.sock,
        };
        socket.set_nonblocking(false).is_ok() && open
    }
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, format!("`{address}` has no address"));
    for place in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&place, PATIENCE) {
            Ok(stream) => {
                stream.set_write_timeout(Some(PATIENCE))?;
                stream.set_nodelay(true)?;
                socket2::SockRef::from(&stream).set_keepalive(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn datagrams(address: &str) -> io::Result<UdpSocket> {
    let mut last = io::Error::new(ErrorKind::NotFound, format!("`{address}` has no address"));
    for place in address.to_socket_addrs()? {
        let local = match place {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let opened = UdpSocket::bind(local).and_then(|socket| socket.connect(place).map(|()| socket));
        match opened {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}
