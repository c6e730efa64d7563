//! What alerts are delivered to in tests: Debian's rsyslog, a TCP receiver and a web server of our own
//! that can misbehave, and the certificates for them.

use std::{
    collections::HashSet,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};

/// The ids of all alerts in a text: the `id` inside `"alert":{...}`.
pub(crate) fn ids(text: &str) -> Vec<String> {
    let expression = regex::Regex::new(r#""alert":\{[^{}]*"id":"([0-9a-f]{32})""#).expect("an expression");
    expression.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// An authority, and what it has signed, as PEM files.
pub(crate) struct Certificates(tempfile::TempDir);

impl Certificates {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let named = |name: &str, names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let mut params = CertificateParams::new(names).expect("names");
            params.distinguished_name.push(DnType::CommonName, name);
            params
        };
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).expect("written");
        for authority in ["ca", "other-ca"] {
            let mut params = named(authority, &[]);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let key = KeyPair::generate().expect("a key");
            write(&format!("{authority}.pem"), params.self_signed(&key).expect("signed").pem());
            let issuer = Issuer::new(params, key);
            for (name, names) in [
                ("server", &["localhost", "127.0.0.1"][..]),
                ("elsewhere", &["elsewhere.example"]),
                ("agent", &["agent.example"]),
            ] {
                let key = KeyPair::generate().expect("a key");
                let signed = named(name, names).signed_by(&key, &issuer).expect("signed");
                let prefix = if authority == "ca" { "" } else { "other-" };
                write(&format!("{prefix}{name}.pem"), signed.pem());
                write(&format!("{prefix}{name}.key"), key.serialize_pem());
            }
        }
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A server that is `name` and lets nobody in without a certificate.
    pub(crate) fn server(&self, name: &str) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain = |name: &str| -> Vec<_> {
            CertificateDer::pem_file_iter(self.path(name)).expect("a file").map(|it| it.expect("PEM")).collect()
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(chain("ca.pem"));
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
        let key = PrivateKeyDer::from_pem_file(self.path(&format!("{name}.key"))).expect("a key");
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(verifier.expect("a verifier"))
            .with_single_cert(chain(&format!("{name}.pem")), key)
            .expect("a certificate");
        Arc::new(config)
    }
}

/// A free port of this host.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("an address").port()
}

/// Debian's rsyslog as a process of the test's own, with nothing of the system's configuration.
pub(crate) struct Rsyslog {
    pub(crate) port: u16,
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Rsyslog {
    /// Absent where rsyslog or its TLS module is not installed.
    pub(crate) fn new(certificates: &Certificates) -> Option<Self> {
        let modules = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
        let installed = Path::new("/usr/sbin/rsyslogd").exists()
            && modules.iter().any(|folder| Path::new(folder).join("rsyslog/lmnsd_gtls.so").exists());
        if !installed {
            return None;
        }
        let it = Self { port: free_port(), folder: tempfile::tempdir().expect("a folder"), child: None };
        let file = |name: &str| certificates.path(name).display().to_string();
        let folder = it.folder.path().display();
        let text = format!(
            r#"global(workDirectory="{folder}" maxMessageSize="64k" defaultNetstreamDriver="gtls"
  defaultNetstreamDriverCAFile="{}" defaultNetstreamDriverCertFile="{}" defaultNetstreamDriverKeyFile="{}")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/name"
  permittedPeer=["agent.example"])
input(type="imtcp" port="{}" address="127.0.0.1")
template(name="raw" type="string" string="%rawmsg%\n")
action(type="omfile" file="{folder}/received" template="raw")
"#,
            file("ca.pem"),
            file("server.pem"),
            file("server.key"),
            it.port
        );
        fs::write(it.folder.path().join("rsyslog.conf"), text).expect("written");
        Some(it)
    }

    pub(crate) fn start(&mut self) {
        let path = |name: &str| self.folder.path().join(name);
        drop(fs::remove_file(path("pid")));
        let child = Command::new("/usr/sbin/rsyslogd")
            .args(["-n", "-C", "-f"])
            .arg(path("rsyslog.conf"))
            .arg("-i")
            .arg(path("pid"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(path("stderr")).expect("a file"))
            .spawn();
        self.child = Some(child.expect("rsyslog starts"));
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("ended");
        }
    }

    pub(crate) fn received(&self) -> String {
        let bytes = beewolf::store::read_capped(&self.folder.path().join("received"), u64::MAX).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What arrived, in order, repetitions included.
#[derive(Clone, Default)]
pub(crate) struct Arrived(Arc<Mutex<Vec<String>>>);

impl Arrived {
    pub(crate) fn add(&self, text: &str) {
        self.0.lock().expect("a lock").extend(ids(text));
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().expect("a lock").clone()
    }

    pub(crate) fn distinct(&self) -> HashSet<String> {
        self.all().into_iter().collect()
    }
}

/// Takes syslog frames over TCP until the process ends. Reads little at a time, so that it sees each message's end.
pub(crate) fn tcp() -> (SocketAddr, Arrived) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address");
    let arrived = Arrived::default();
    let shared = arrived.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let arrived = shared.clone();
            std::thread::spawn(move || frames(&mut BufReader::new(stream), &arrived));
        }
    });
    (address, arrived)
}

/// Reads frames with octet counts until the connection ends; what a killed sender has torn does not count.
fn frames(reader: &mut impl BufRead, arrived: &Arrived) {
    loop {
        let mut length = Vec::new();
        if reader.read_until(b' ', &mut length).is_err() || length.pop() != Some(b' ') {
            return;
        }
        let length = std::str::from_utf8(&length).expect("digits").parse().expect("a number");
        let mut message = vec![0; length];
        if reader.read_exact(&mut message).is_err() {
            return;
        }
        arrived.add(&String::from_utf8_lossy(&message));
    }
}

/// What the web server does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// Answers 503 and wishes no pause.
    Busy,
    /// Closes after a part of the request.
    ClosesEarly,
    /// Closes in the middle of its answer.
    ClosesLate,
    /// Says nothing for a second, then closes.
    Hangs,
    /// Sends elsewhere, where nobody should go.
    Redirects,
}

pub(crate) struct Web {
    pub(crate) address: SocketAddr,
    /// Of requests that were answered with 200 to the end.
    pub(crate) arrived: Arrived,
    pub(crate) requests: Arc<AtomicUsize>,
    pub(crate) authorized: Arc<AtomicBool>,
}

/// A web server. It asks `mood` with the number of the request; a request that holds `poison` gets 400.
pub(crate) fn web(
    tls: Option<Arc<ServerConfig>>,
    poison: Option<String>,
    mood: impl Fn(usize) -> Mood + Send + Sync + 'static,
) -> Web {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let web = Web {
        address: listener.local_addr().expect("an address"),
        arrived: Arrived::default(),
        requests: Arc::default(),
        authorized: Arc::new(AtomicBool::new(true)),
    };
    let (arrived, requests, authorized) = (web.arrived.clone(), Arc::clone(&web.requests), Arc::clone(&web.authorized));
    let shared = Arc::new((mood, poison));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (arrived, requests, authorized) = (arrived.clone(), Arc::clone(&requests), Arc::clone(&authorized));
            let (shared, tls) = (Arc::clone(&shared), tls.clone());
            std::thread::spawn(move || {
                let serve = |stream: &mut dyn Stream| {
                    let mut reader = BufReader::new(stream);
                    let next = || shared.0(requests.fetch_add(1, Ordering::SeqCst));
                    while answer(&mut reader, &next, shared.1.as_deref(), &arrived, &authorized).is_some() {}
                };
                match tls {
                    None => serve(&mut { stream }),
                    Some(config) => {
                        let connection = ServerConnection::new(config).expect("a connection");
                        serve(&mut StreamOwned::new(connection, stream));
                    }
                }
            });
        }
    });
    web
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// One request; nothing if the connection is over.
fn answer(
    reader: &mut BufReader<&mut dyn Stream>,
    mood: &dyn Fn() -> Mood,
    poison: Option<&str>,
    arrived: &Arrived,
    authorized: &AtomicBool,
) -> Option<()> {
    let (mut length, mut token) = (0, false);
    let mut line = String::new();
    let mut first = true;
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if first {
            assert!(line.starts_with("POST /in HTTP/1.1"), "{line}");
            first = false;
        }
        let lower = line.trim().to_ascii_lowercase();
        if let Some(number) = lower.strip_prefix("content-length: ") {
            length = number.parse().expect("a number");
        }
        token |= line.trim() == "authorization: Bearer s3cret";
        if lower.is_empty() {
            break;
        }
    }
    if !token {
        authorized.store(false, Ordering::SeqCst);
    }
    let mood = mood();
    let mut body = vec![0; if mood == Mood::ClosesEarly { length / 2 } else { length }];
    reader.read_exact(&mut body).ok()?;
    let text = String::from_utf8(body).expect("UTF-8");
    let mut send =
        |text: &str| reader.get_mut().write_all(text.as_bytes()).and_then(|()| reader.get_mut().flush()).ok();
    match mood {
        Mood::ClosesEarly => None,
        Mood::Busy => send("HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 4\r\n\r\nbusy"),
        Mood::ClosesLate => {
            send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")?;
            None
        }
        Mood::Hangs => {
            std::thread::sleep(Duration::from_secs(1));
            None
        }
        Mood::Redirects => send("HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"),
        Mood::Well if poison.is_some_and(|poison| text.contains(poison)) => {
            send("HTTP/1.1 400 No\r\nContent-Length: 2\r\n\r\nno")
        }
        Mood::Well => {
            let records = serde_json::from_str::<Vec<serde_json::Value>>(&text);
            assert!(records.is_ok_and(|records| !records.is_empty()), "no array: {text}");
            arrived.add(&text);
            send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
    }
}

/// Closes each connection at once.
pub(crate) fn closes(listener: &TcpListener) {
    while let Ok((stream, _)) = listener.accept() {
        drop::<TcpStream>(stream);
    }
}
