//! `/status` and `/metrics` over a local socket and, if asked for, over TCP on loopback: HTTP/1.0, `GET` only.
//!
//! One thread serves one connection at a time; each has [`PATIENCE`] in all and [`MAX_REQUEST`]
//! bytes, so that nobody keeps others waiting for long. Sockets are opened before the engine
//! confines itself, afterwards it cannot listen.

use std::{
    fs, io,
    net::SocketAddr,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{fs::FileTypeExt, net::UnixStream},
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, fchmod},
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, listen, socket_with},
};

use super::{Board, metrics};

/// Longest exchange with one client.
const PATIENCE: Duration = Duration::from_secs(2);
/// Largest request; a longer one is refused.
const MAX_REQUEST: usize = 4096;
/// Largest answer that `ask` takes.
const MAX_ANSWER: usize = 16 << 20;
/// Clients that wait for their turn.
const BACKLOG: i32 = 16;

/// Why a socket could not be opened. The operator mends path, address or permissions.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another sensor answers there.
    #[error("{}: another beewolf answers there", .0.display())]
    InUse(PathBuf),
    /// There is something else, which is not ours to remove.
    #[error("{}: is there and no socket", .0.display())]
    NoSocket(PathBuf),
    /// The system refused the local socket.
    #[error("{}: {error}", path.display())]
    Local {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The system refused the TCP address.
    #[error("{address}: {error}")]
    Tcp {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
}

/// Open sockets that nobody serves yet.
#[derive(Debug, Default)]
pub struct Server {
    listeners: Vec<OwnedFd>,
}

impl Server {
    /// Opens a local socket that only its owner may use. What a sensor that was killed left there is removed.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn listen_local(&mut self, path: &Path) -> Result<(), BindError> {
        let failed = |error: io::Error| BindError::Local { path: path.to_owned(), error };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        match fs::symlink_metadata(path) {
            Ok(facts) if !facts.file_type().is_socket() => return Err(BindError::NoSocket(path.to_owned())),
            Ok(_) if UnixStream::connect(path).is_ok() => return Err(BindError::InUse(path.to_owned())),
            Ok(_) => fs::remove_file(path).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let open = || -> Result<OwnedFd, Errno> {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
            // The file gets the mode of its socket: there is no moment in which others may connect.
            fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
            bind(&socket, &SocketAddrUnix::new(path)?)?;
            listen(&socket, BACKLOG)?;
            Ok(socket)
        };
        self.listeners.push(open().map_err(|errno| failed(errno.into()))?);
        Ok(())
    }

    /// Opens a TCP socket.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn listen_tcp(&mut self, address: SocketAddr) -> Result<(), BindError> {
        let failed = |error| BindError::Tcp { address, error };
        let listener = std::net::TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        self.listeners.push(listener.into());
        Ok(())
    }

    /// Starts the thread that answers; it ends with the process.
    ///
    /// # Errors
    /// If the system has no more threads.
    pub fn start(self, board: Board) -> io::Result<()> {
        if self.listeners.is_empty() {
            return Ok(());
        }
        std::thread::Builder::new().name("status".to_owned()).spawn(move || serve(&self.listeners, &board))?;
        Ok(())
    }
}

fn serve(listeners: &[OwnedFd], board: &Board) {
    loop {
        let mut wait: Vec<_> = listeners.iter().map(|it| PollFd::new(it, PollFlags::IN)).collect();
        match poll(&mut wait, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => {
                tracing::warn!(%error, "the status is not served any more");
                return;
            }
        }
        for listener in listeners {
            let client = match accept_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
                Ok(client) => client,
                Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => continue,
                Err(error) => {
                    tracing::debug!(%error, "status connection");
                    // Out of descriptors or memory: the connection stays in the backlog.
                    std::thread::sleep(Duration::from_millis(100));
                    continue;
                }
            };
            if let Err(error) = answer(&client, board) {
                tracing::debug!(%error, "status client");
            }
        }
    }
}

/// One request, one answer.
fn answer(client: &OwnedFd, board: &Board) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    let mut request = Vec::new();
    let mut buffer = [0; MAX_REQUEST];
    let end = |request: &[u8]| memchr::memmem::find(request, b"\r\n\r\n").is_some();
    while !end(&request) && request.len() < MAX_REQUEST {
        wait(client.as_fd(), PollFlags::IN, until)?;
        match rustix::io::read(client, &mut buffer) {
            Ok(0) => break,
            Ok(count) => request.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let (status, content, body) = if end(&request) {
        respond(&request, board)
    } else {
        ("400 Bad Request", TEXT, "no whole request\n".to_owned())
    };
    let head = format!(
        "HTTP/1.0 {status}\r\nContent-Type: {content}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let whole = [head.into_bytes(), body.into_bytes()].concat();
    let mut rest = whole.as_slice();
    while !rest.is_empty() {
        wait(client.as_fd(), PollFlags::OUT, until)?;
        match rustix::net::send(client, rest, rustix::net::SendFlags::NOSIGNAL) {
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

const TEXT: &str = "text/plain; charset=utf-8";
/// Before the first snapshot.
const STARTING: &str = "503 Service Unavailable";

fn respond(request: &[u8], board: &Board) -> (&'static str, &'static str, String) {
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ');
    let page = match (words.next(), words.next()) {
        (Some(b"GET"), Some(page @ (b"/status" | b"/metrics"))) => page,
        (Some(b"GET"), _) => return ("404 Not Found", TEXT, "there are /status and /metrics\n".to_owned()),
        _ => return ("405 Method Not Allowed", TEXT, "only GET\n".to_owned()),
    };
    let Some(snapshot) = board.last() else { return (STARTING, TEXT, "the sensor is starting\n".to_owned()) };
    if page == b"/metrics" {
        return ("200 OK", "text/plain; version=0.0.4; charset=utf-8", metrics(&snapshot));
    }
    match serde_json::to_string(&*snapshot) {
        Ok(json) => ("200 OK", "application/json", json + "\n"),
        Err(error) => ("500 Internal Server Error", TEXT, format!("{error}\n")),
    }
}

/// Waits until a descriptor is ready, not beyond a moment.
fn wait(fd: BorrowedFd<'_>, flags: PollFlags, until: Instant) -> io::Result<()> {
    let left = until.saturating_duration_since(Instant::now());
    let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
    match poll(&mut [PollFd::from_borrowed_fd(fd, flags)], Some(&timeout)) {
        Ok(0) => Err(io::ErrorKind::TimedOut.into()),
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Asks the sensor behind a local socket for one of its pages; gives the body.
///
/// # Errors
/// If nobody answers, in time and with success. [`io::ErrorKind::WouldBlock`] while the sensor starts.
pub fn ask(path: &Path, page: &str) -> io::Result<Vec<u8>> {
    use io::{Read, Write};
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE * 4))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("GET {page} HTTP/1.0\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER as u64).read_to_end(&mut answer)?;
    let head = memchr::memmem::find(&answer, b"\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    if !answer.starts_with(b"HTTP/1.0 200 ") {
        let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let is_starting = line.ends_with(STARTING.as_bytes());
        let kind = if is_starting { io::ErrorKind::WouldBlock } else { io::ErrorKind::Other };
        return Err(io::Error::new(kind, String::from_utf8_lossy(line).into_owned()));
    }
    Ok(answer.split_off(head + 4))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        os::unix::fs::{MetadataExt, PermissionsExt},
    };

    use super::super::Snapshot;
    use super::*;

    #[test]
    fn the_status_is_served_on_a_socket_of_its_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("made/status.sock");
        let board = Board::default();
        let mut server = Server::default();
        server.listen_local(&path).expect("a socket");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        server.start(board.clone()).expect("a thread");
        let parsed = |body: Vec<u8>| serde_json::from_slice::<Snapshot>(&body).expect("a snapshot");
        assert_eq!(ask(&path, "/status").expect_err("no numbers yet").kind(), io::ErrorKind::WouldBlock);
        board.publish(Snapshot { version: "9.9".to_owned(), ..Snapshot::default() });
        assert_eq!(Some(parsed(ask(&path, "/status").expect("an answer"))).as_ref(), board.last().as_deref());
        board.publish(Snapshot { version: "10".to_owned(), ..Snapshot::default() });
        let text = String::from_utf8(ask(&path, "/metrics").expect("an answer")).expect("text");
        assert!(text.contains("beewolf_build_info{version=\"10\"} 1\n"), "{text}");
        assert!(ask(&path, "/other").expect_err("no such page").to_string().contains("404"));
        // Neither a client that says nothing nor one that says too much, or nonsense, keeps others out.
        let silent = UnixStream::connect(&path).expect("connected");
        let mut babbler = UnixStream::connect(&path).expect("connected");
        babbler.write_all(&[b'x'; MAX_REQUEST]).expect("written");
        let mut answered = Vec::new();
        babbler.read_to_end(&mut answered).unwrap_or_default();
        assert!(answered.starts_with(b"HTTP/1.0 400 "), "{}", String::from_utf8_lossy(&answered));
        drop(silent);
        let mut poster = UnixStream::connect(&path).expect("connected");
        poster.write_all(b"POST /status HTTP/1.1\r\n\r\n").expect("written");
        let mut answered = Vec::new();
        poster.read_to_end(&mut answered).expect("an answer");
        assert!(answered.starts_with(b"HTTP/1.0 405 "));
    }

    #[test]
    fn a_socket_left_behind_is_taken_over_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("status.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
        let before = fs::metadata(&path).expect("left behind").ino();
        let mut server = Server::default();
        server.listen_local(&path).expect("taken over");
        assert!(UnixStream::connect(&path).is_ok(), "a new socket instead of inode {before}");
        assert!(matches!(Server::default().listen_local(&path), Err(BindError::InUse(_))));
        let file = folder.path().join("file");
        fs::write(&file, "precious").expect("written");
        assert!(matches!(Server::default().listen_local(&file), Err(BindError::NoSocket(_))));
        assert!(file.exists());
    }

    #[test]
    fn tcp_serves_the_same() {
        let mut server = Server::default();
        // Port 0 is any: the address is read back from the socket.
        server.listen_tcp(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a socket");
        let address = rustix::net::getsockname(&server.listeners[0]).expect("a name");
        let address = SocketAddr::try_from(address).expect("an address");
        let board = Board::default();
        board.publish(Snapshot::default());
        server.start(board).expect("a thread");
        let mut stream = std::net::TcpStream::connect(address).expect("connected");
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").expect("written");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        assert!(text.starts_with("HTTP/1.0 200 OK\r\n") && text.contains("\nbeewolf_rules 0\n"), "{text}");
    }
}
