//! Syslog messages of RFC 5424, over TLS (RFC 5425), TCP with octet counting (RFC 6587), UDP (RFC 5426)
//! or a local datagram socket.
//!
//! Syslog has no receipts. Over TCP and TLS a message therefore counts as delivered only when the
//! connection over which it went has stood for a while longer; if it breaks before, the message is
//! sent again.

mod format;
mod transport;

use std::{
    io::{self, ErrorKind},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::pki_types::ServerName;

use super::{
    Carrier, Encoder, FORMAT, Failure, Opened, Record, Remote, Sink, SinkConfig,
    tls::{self, Material},
};
use crate::{
    setting::{Preset, Row, Type, Values},
    store::spool::Entry,
};
use format::{FACILITIES, Formatter};
use transport::{Stream, Transport};

/// See the module.
pub(super) struct Syslog;

impl Sink for Syslog {
    fn name(&self) -> &'static str {
        "syslog"
    }
    fn doc(&self) -> &'static str {
        "Syslog as RFC 5424 has it: over TLS (RFC 5425), over TCP with octet counting, over UDP, or to the local socket. A receiver that is away is tried again after 0.1 to 10 seconds. Syslog has no receipts: over TLS and TCP, `resend` makes up for that; over UDP what the network or the receiver drops is lost unnoticed."
    }
    fn rows(&self) -> &'static [Row] {
        const {
            &[
                Row {
                    name: "transport",
                    ty: Type::Word(&["unix", "udp", "tcp", "tls"]),
                    preset: Preset::Text("unix"),
                    doc: "How messages travel.",
                },
                Row {
                    name: "socket",
                    ty: Type::Path,
                    preset: Preset::Text("/dev/log"),
                    doc: "Local datagram socket, for `unix`.",
                },
                Row {
                    name: "address",
                    ty: Type::Text,
                    preset: Preset::Absent,
                    doc: "Receiver as host:port or [address]:port, for `udp`, `tcp` and `tls`. Names are looked up at each connect.",
                },
                tls::CA_FILE,
                tls::CERTIFICATE_FILE,
                tls::KEY_FILE,
                Row {
                    name: "tls.server_name",
                    ty: Type::Text,
                    preset: Preset::Absent,
                    doc: "Name or address that the receiver's certificate must have. Absent: the host of `address`.",
                },
                Row {
                    name: "resend",
                    ty: Type::Duration { min: Duration::ZERO, max: Duration::from_secs(300) },
                    preset: Preset::Duration(Duration::from_secs(10)),
                    doc: "What was sent over `tcp` or `tls` so shortly before the connection broke is sent again, since the receiver may not have read it; it can so arrive twice, with the same id. Needs the spool. 0: only what certainly was not sent.",
                },
                Row {
                    name: "facility",
                    ty: Type::Word(FACILITIES),
                    preset: Preset::Text("daemon"),
                    doc: "Syslog facility.",
                },
                Row {
                    name: "app_name",
                    ty: Type::Text,
                    preset: Preset::Text("beewolf"),
                    doc: "APP-NAME of the messages; at most 48 printable characters count.",
                },
                Row {
                    name: "enterprise_id",
                    ty: Type::Integer { min: 1, max: 4_294_967_295 },
                    preset: Preset::Number(32473),
                    doc: "Private enterprise number in the name of the structured data, `beewolf@32473`. The default is the one reserved for examples; take your own.",
                },
                Row {
                    name: "message",
                    ty: Type::Word(&["json", "text"]),
                    preset: Preset::Text("json"),
                    doc: "MSG part: the whole record as JSON, or one readable line. JSON that would not fit becomes a line, and the structured data says `cut=\"true\"`.",
                },
                FORMAT,
                Row {
                    name: "max_message_bytes",
                    ty: Type::Size { min: 480, max: 65_000 },
                    preset: Preset::Number(8192),
                    doc: "Longest message. RFC 5426 asks UDP receivers to take 2048 bytes; many cut what is longer than 8192.",
                },
            ]
        }
    }
    fn remote(&self) -> bool {
        true
    }
    fn check(&self, values: &Values) -> Vec<(String, Option<String>)> {
        let mut problems = tls::check(values);
        if values.text("transport") != Some("unix") && values.text("address").is_none() {
            problems.push(("`address` is missing".to_owned(), Some("address: host:port".to_owned())));
        }
        problems
    }
    fn reads(&self, values: &Values) -> Vec<PathBuf> {
        if values.text("transport") == Some("tls") { tls::inputs(values) } else { Vec::new() }
    }
    fn open(&self, config: &SinkConfig) -> Result<Opened, io::Error> {
        let values = &config.values;
        let address = || {
            values.text("address").map(str::to_owned).ok_or_else(|| {
                io::Error::new(ErrorKind::InvalidInput, "`address` is missing: the receiver as host:port")
            })
        };
        // Without a spool nothing is kept that could be sent again.
        let resend = if config.spool_folder().is_some() { values.duration("resend") } else { Duration::ZERO };
        let stream = |tls| -> Result<Transport, io::Error> {
            let stream = Stream { address: address()?, tls, resend, open: None, frames: Vec::new() };
            Ok(Transport::Stream(Box::new(stream)))
        };
        let transport = match values.text("transport") {
            Some("tcp") => stream(None)?,
            Some("tls") => {
                let name =
                    values.text("tls.server_name").map_or_else(|| address().map(host), |name| Ok(name.to_owned()))?;
                let name = ServerName::try_from(name.clone())
                    .map_err(|_| io::Error::new(ErrorKind::InvalidInput, format!("`{name}` is no name of a host")))?;
                stream(Some((Material::load(values)?.client()?, name)))?
            }
            Some("udp") => Transport::udp(address()?),
            _ => Transport::unix(values.path("socket").unwrap_or("/dev/log".as_ref()).to_owned()),
        };
        let encoder = Arc::new(Formatter::new(config));
        Ok(Opened::Remote(Remote { encoder, carrier: Box::new(Sender(transport)) }))
    }
}

/// The host of `host:port` or `[address]:port`.
fn host(address: String) -> String {
    let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

impl Encoder for Formatter {
    fn encode(&self, record: &Record) -> Vec<u8> {
        self.message(record)
    }
}

struct Sender(Transport);

impl Carrier for Sender {
    fn batch(&self) -> (usize, usize) {
        match &self.0 {
            Transport::Stream(_) => (64, 64 << 10),
            Transport::Udp { .. } | Transport::Unix { .. } => (1, 1),
        }
    }
    fn doubt(&self) -> Duration {
        match &self.0 {
            Transport::Stream(stream) => stream.resend,
            Transport::Udp { .. } | Transport::Unix { .. } => Duration::ZERO,
        }
    }
    fn alive(&mut self) -> bool {
        match &mut self.0 {
            Transport::Stream(stream) => stream.alive(),
            Transport::Udp { .. } | Transport::Unix { .. } => true,
        }
    }
    fn send(&mut self, batch: &[Entry]) -> Result<usize, Failure> {
        self.0.send(batch)
    }
    fn settle(&mut self, deadline: Instant) -> bool {
        match &mut self.0 {
            Transport::Stream(stream) => stream.settle(deadline),
            Transport::Udp { .. } | Transport::Unix { .. } => false,
        }
    }
}
