//! Syslog messages of RFC 5424, over UDP (RFC 5426), TCP with octet counting (RFC 6587) or a local
//! datagram socket.

mod format;
mod transport;

use std::io::{self, ErrorKind};

use super::{FORMAT, Failure, Output, Record, Sink, SinkConfig};
use crate::setting::{Preset, Row, Type};
use format::{FACILITIES, Formatter};
use transport::Transport;

/// See the module.
pub(super) struct Syslog;

impl Sink for Syslog {
    fn name(&self) -> &'static str {
        "syslog"
    }
    fn doc(&self) -> &'static str {
        "Syslog as RFC 5424 has it: over UDP, over TCP with octet counting, or to the local socket. A receiver that is away is tried again after 0.1 to 10 seconds while the queue fills. UDP gives no receipt, and TCP none for what was under way when a connection broke."
    }
    fn rows(&self) -> &'static [Row] {
        &[
            Row {
                name: "transport",
                ty: Type::Word(&["unix", "udp", "tcp"]),
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
                doc: "Receiver as host:port or [address]:port, for `udp` and `tcp`. Names are looked up at each connect.",
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
    fn open(&self, config: &SinkConfig) -> Result<Box<dyn Output>, io::Error> {
        let values = &config.values;
        let address = || {
            values.text("address").map(str::to_owned).ok_or_else(|| {
                io::Error::new(ErrorKind::InvalidInput, "`address` is missing: the receiver as host:port")
            })
        };
        let transport = match values.text("transport") {
            Some("tcp") => Transport::tcp(address()?),
            Some("udp") => Transport::udp(address()?),
            _ => Transport::unix(values.path("socket").unwrap_or("/dev/log".as_ref()).to_owned()),
        };
        Ok(Box::new(Sender { formatter: Formatter::new(config), transport }))
    }
}

struct Sender {
    formatter: Formatter,
    transport: Transport,
}

impl Output for Sender {
    fn deliver(&mut self, record: &Record) -> Result<(), Failure> {
        let message = self.formatter.message(record);
        self.transport.send(&message)
    }
}
