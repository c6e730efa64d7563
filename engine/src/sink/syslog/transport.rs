//! Ways a syslog message travels; each connects when needed and again after a failure.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket},
    os::unix::net::UnixDatagram,
    path::PathBuf,
    time::Duration,
};

use crate::sink::Failure;

/// Longest wait for a connection, and for a receiver to take a message.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) enum Transport {
    Tcp { address: String, stream: Option<TcpStream>, frame: Vec<u8> },
    Udp { address: String, socket: Option<UdpSocket> },
    Unix { path: PathBuf, socket: Option<UnixDatagram> },
}

impl Transport {
    pub(super) fn tcp(address: String) -> Self {
        Self::Tcp { address, stream: None, frame: Vec::new() }
    }

    pub(super) fn udp(address: String) -> Self {
        Self::Udp { address, socket: None }
    }

    pub(super) fn unix(path: PathBuf) -> Self {
        Self::Unix { path, socket: None }
    }

    pub(super) fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Tcp { address, stream, frame } => {
                // RFC 6587, 3.4.1: length, space, message.
                frame.clear();
                frame.extend_from_slice(format!("{} ", message.len()).as_bytes());
                frame.extend_from_slice(message);
                let mut open = match stream.take().filter(alive) {
                    Some(open) => open,
                    None => connect(address).map_err(Failure::Again)?,
                };
                // A stream that failed in the middle of a frame is useless: it is dropped, and the whole message is sent on the next.
                open.write_all(frame).map_err(Failure::Again)?;
                *stream = Some(open);
                Ok(())
            }
            Self::Udp { address, socket } => {
                let open = match socket.take() {
                    Some(open) => open,
                    None => datagrams(address).map_err(Failure::Again)?,
                };
                match open.send(message) {
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
                Ok(())
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
                match open.send(message) {
                    Ok(_) => {
                        *socket = Some(open);
                        Ok(())
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

/// Whether the receiver has kept the connection: what is written after it closed would vanish without an error.
fn alive(stream: &TcpStream) -> bool {
    let mut reader = stream;
    if stream.set_nonblocking(true).is_err() {
        return false;
    }
    let mut scratch = [0; 512];
    // Syslog receivers say nothing; if one does, it is read away, a little at a time.
    let open = match reader.read(&mut scratch) {
        Ok(0) => false,
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    };
    stream.set_nonblocking(false).is_ok() && open
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
