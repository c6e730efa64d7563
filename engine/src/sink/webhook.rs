//! HTTPS POST of records as JSON.
//!
//! A record counts as delivered when the receiver has answered with 2xx and its answer was read to the
//! end. What the receiver answers otherwise decides: it is tried again, or, if the answer speaks of the
//! record itself (400, 413, 415, 422), given up after a few tries, so that one bad record does not hold
//! up all others.

use std::{
    io::{self, ErrorKind},
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ureq::{
    Agent,
    http::{HeaderName, HeaderValue, Uri, header},
    tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider},
};

use super::{
    Carrier, Encoder, FORMAT, Failure, Opened, Record, Remote, Sink, SinkConfig,
    tls::{self, Material},
};
use crate::{
    event::json::Form,
    setting::{Preset, Row, Type, Values},
    store::{self, spool::Entry},
};

/// See the module.
pub(super) struct Webhook;

/// Largest file of headers, in bytes.
const MAX_HEADERS: u64 = 64 << 10;
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest answer that is read; more is not waited for.
const MAX_ANSWER: u64 = 256 << 10;

impl Sink for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }
    fn doc(&self) -> &'static str {
        "HTTPS POST of JSON to any receiver that takes it. Answers other than 2xx, a connection that breaks, also in the middle of an answer, and a receiver that does not answer in time are tried again after 0.1 to 10 seconds, or after what `Retry-After` says. Redirects are not followed, and proxies not asked."
    }
    fn rows(&self) -> &'static [Row] {
        const {
            &[
                Row {
                    name: "url",
                    ty: Type::Text,
                    preset: Preset::Required,
                    doc: "Receiver as https://host[:port]/path. Plain http is taken for this host only.",
                },
                Row {
                    name: "headers_file",
                    ty: Type::Path,
                    preset: Preset::Absent,
                    doc: "File with headers for each request, `Name: value` line by line, such as `Authorization: Bearer ...`; empty lines and those that begin with `#` do not count. It is read once, at the start, and holds secrets: nobody else should be able to read it.",
                },
                Row {
                    name: "body",
                    ty: Type::Word(&["array", "lines", "single"]),
                    preset: Preset::Text("array"),
                    doc: "What a request holds: a JSON array of records, records line by line (`application/x-ndjson`), or a single record.",
                },
                Row {
                    name: "batch",
                    ty: Type::Integer { min: 1, max: 10_000 },
                    preset: Preset::Number(100),
                    doc: "Most records in a request. A request is sent as soon as there is one record; more go together when they wait.",
                },
                Row {
                    name: "batch_bytes",
                    ty: Type::Size { min: 1024, max: 64 << 20 },
                    preset: Preset::Number(1 << 20),
                    doc: "Size at which a request is full; the last record may exceed it.",
                },
                FORMAT,
                Row {
                    name: "timeout",
                    ty: Type::Duration { min: Duration::from_millis(100), max: Duration::from_secs(300) },
                    preset: Preset::Duration(Duration::from_secs(10)),
                    doc: "Longest time for a request with all that belongs to it, from the look-up of the name to the end of the answer.",
                },
                Row {
                    name: "attempts",
                    ty: Type::Integer { min: 1, max: 1000 },
                    preset: Preset::Number(3),
                    doc: "How often a record that the receiver refuses as such (400, 413, 415, 422) is tried before it is lost and counted. Records refused together are tried one by one. All other answers, 401 and 404 among them, speak of the receiver or its settings: the records wait.",
                },
                tls::CA_FILE,
                tls::CERTIFICATE_FILE,
                tls::KEY_FILE,
            ]
        }
    }
    fn remote(&self) -> bool {
        true
    }
    fn check(&self, values: &Values) -> Vec<(String, Option<String>)> {
        let mut problems = tls::check(values);
        if let Some(Err(why)) = values.text("url").map(address) {
            problems.push((why, Some("url: https://host/path".to_owned())));
        }
        problems
    }
    fn reads(&self, values: &Values) -> Vec<PathBuf> {
        values.path("headers_file").map(Path::to_owned).into_iter().chain(tls::inputs(values)).collect()
    }
    fn open(&self, config: &SinkConfig) -> Result<Opened, io::Error> {
        let values = &config.values;
        let invalid = |why: String| io::Error::new(ErrorKind::InvalidInput, why);
        let url = address(values.text("url").unwrap_or_default()).map_err(invalid)?;
        let body = match values.text("body") {
            Some("lines") => Body::Lines,
            Some("single") => Body::Single,
            _ => Body::Array,
        };
        let headers = values.path("headers_file").map(headers).transpose()?.unwrap_or_default();
        let batch = if body == Body::Single { 1 } else { values.length("batch").max(1) };
        let poster = Poster {
            agent: agent(&url, values)?,
            url,
            headers,
            body,
            batch: (batch, values.length("batch_bytes")),
            attempts: values.number("attempts"),
            careful: 0,
            refused: 0,
            request: Vec::new(),
        };
        let encoder = Arc::new(Json(config.form()));
        Ok(Opened::Remote(Remote { encoder, carrier: Box::new(poster) }))
    }
}

/// Reads the URL, or says what is wrong with it.
fn address(text: &str) -> Result<Uri, String> {
    let url: Uri = text.parse().map_err(|error| format!("`url` is no URL: {error}"))?;
    let host = url.host().unwrap_or_default();
    if host.is_empty() {
        return Err("`url` names no host".to_owned());
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let here = bare == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    match url.scheme_str() {
        Some("https") => Ok(url),
        Some("http") if here => Ok(url),
        Some("http") => Err("`url` is not encrypted".to_owned()),
        _ => Err("`url` must begin with https://".to_owned()),
    }
}

/// Reads `Name: value` lines; of the values, nothing gets into messages.
fn headers(path: &Path) -> Result<Vec<(HeaderName, HeaderValue)>, io::Error> {
    let text = store::read_text(path, MAX_HEADERS).map_err(|error| io::Error::other(error.to_string()))?;
    let mut headers = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |why: &str| io::Error::new(ErrorKind::InvalidInput, format!("{}:{number}: {why}", path.display()));
        let (name, value) = line.split_once(':').ok_or_else(|| wrong("no `Name: value`"))?;
        let name: HeaderName = name.trim().parse().map_err(|_| wrong("no name of a header"))?;
        if [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::HOST, header::CONNECTION, header::EXPECT]
            .contains(&name)
        {
            return Err(wrong("this header cannot be set"));
        }
        let mut value: HeaderValue = value.trim().parse().map_err(|_| wrong("no value of a header"))?;
        value.set_sensitive(true);
        headers.push((name, value));
    }
    Ok(headers)
}

fn agent(url: &Uri, values: &Values) -> Result<Agent, io::Error> {
    let timeout = values.duration("timeout");
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent(concat!("beewolf/", env!("CARGO_PKG_VERSION")))
        .max_idle_connections(1)
        .timeout_global(Some(timeout))
        .timeout_connect(Some(timeout.min(CONNECT)));
    if url.scheme_str() == Some("https") {
        let material = Material::load(values)?;
        // What is wrong with the certificates is said here and not at the first alert.
        drop(material.client()?);
        let owned = |der: &[u8]| Certificate::from_der(der).to_owned();
        let roots: Vec<_> = material.roots.iter().map(|root| owned(root)).collect();
        let client = match &material.identity {
            None => None,
            Some(own) => {
                let chain: Vec<_> = own.chain.iter().map(|certificate| owned(certificate)).collect();
                let key = PrivateKey::from_pem(&own.key_pem).map_err(|error| io::Error::other(error.to_string()))?;
                Some(ClientCert::new_with_certs(&chain, key))
            }
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(tls::provider())
            .root_certs(RootCerts::new_with_certs(&roots))
            .client_cert(client)
            .build();
        config = config.tls_config(tls);
    }
    Ok(config.build().into())
}

struct Json(Form);

impl Encoder for Json {
    fn encode(&self, record: &Record) -> Vec<u8> {
        let mut out = Vec::new();
        record.write(&mut out, self.0);
        out
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Array,
    Lines,
    Single,
}

struct Poster {
    agent: Agent,
    url: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Body,
    batch: (usize, usize),
    attempts: u64,
    /// So many records were refused together: they go one by one.
    careful: usize,
    /// How often the first record was refused by itself.
    refused: u64,
    request: Vec<u8>,
}

impl Poster {
    fn write(&mut self, batch: &[Entry]) {
        self.request.clear();
        let (begin, between, end): (&[u8], &[u8], &[u8]) = match self.body {
            Body::Array => (b"[", b",\n", b"]"),
            Body::Lines => (b"", b"\n", b"\n"),
            Body::Single => (b"", b"", b""),
        };
        self.request.extend_from_slice(begin);
        for (place, entry) in batch.iter().enumerate() {
            if place > 0 {
                self.request.extend_from_slice(between);
            }
            self.request.extend_from_slice(&entry.payload);
        }
        self.request.extend_from_slice(end);
    }

    /// Status, and the pause that the receiver wishes.
    fn post(&self) -> Result<(u16, Option<Duration>), io::Error> {
        let kind = match self.body {
            Body::Array | Body::Single => "application/json",
            Body::Lines => "application/x-ndjson",
        };
        let mut request = self.agent.post(&self.url).header(header::CONTENT_TYPE, kind);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let failed = |error: ureq::Error| io::Error::other(error.to_string());
        let mut answer = request.send(self.request.as_slice()).map_err(failed)?;
        let wish = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        // An answer that breaks off is none: who knows what became of the receiver.
        match answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec() {
            Ok(_) | Err(ureq::Error::BodyExceedsLimit(_)) => {}
            Err(error) => return Err(failed(error)),
        }
        Ok((answer.status().as_u16(), wish.map(Duration::from_secs)))
    }
}

impl Carrier for Poster {
    fn batch(&self) -> (usize, usize) {
        self.batch
    }
    fn send(&mut self, batch: &[Entry]) -> Result<usize, Failure> {
        let count = if self.careful > 0 { 1 } else { batch.len().min(self.batch.0) };
        self.write(batch.get(..count).unwrap_or(batch));
        let (status, wish) = self.post().map_err(Failure::Again)?;
        let error = io::Error::other(format!("the receiver answered {status}"));
        match status {
            200..=299 => {
                self.careful = self.careful.saturating_sub(count);
                self.refused = 0;
                Ok(count)
            }
            400 | 413 | 415 | 422 if count > 1 => {
                self.careful = count;
                Err(Failure::Again(error))
            }
            400 | 413 | 415 | 422 => {
                self.refused += 1;
                if self.refused < self.attempts {
                    return Err(Failure::Again(error));
                }
                self.refused = 0;
                self.careful = self.careful.saturating_sub(1);
                Err(Failure::Lost(error))
            }
            _ => Err(wish.map_or_else(
                || Failure::Again(io::Error::other(error.to_string())),
                |wish| Failure::Later(io::Error::other(error.to_string()), wish),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_encrypted_or_stay_here() {
        for good in ["https://siem.example/in?x=1", "https://10.0.0.1:8443/", "http://127.0.0.1:1/", "http://[::1]:80/"]
        {
            assert!(address(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("http://siem.example/", "`url` is not encrypted"),
            ("ftp://siem.example/", "`url` must begin with https://"),
            ("siem.example", "`url` must begin with https://"),
            ("/in", "`url` names no host"),
        ] {
            assert_eq!(address(bad).expect_err(bad), why);
        }
        assert!(address("https://a b/").is_err());
    }

    #[test]
    fn header_files_are_read_strictly_and_secrets_stay_out_of_messages() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("headers");
        let check = |text: &str| {
            std::fs::write(&path, text).expect("written");
            headers(&path).map_err(|error| error.to_string())
        };
        let read = check("# a note\n\nAuthorization: Bearer s3cret\nX-Tenant: a:b\n").expect("good");
        assert_eq!(read.len(), 2);
        assert_eq!((read[1].0.as_str(), read[1].1.as_bytes()), ("x-tenant", &b"a:b"[..]));
        assert!(!format!("{read:?}").contains("s3cret"));
        for (bad, why) in [
            ("X: ok\ns3cret\n", "2: no `Name: value`"),
            ("na me: s3cret\n", "1: no name of a header"),
            ("Name: s3cret\u{1}\n", "1: no value of a header"),
            ("Content-Length: 5\n", "1: this header cannot be set"),
        ] {
            let error = check(bad).expect_err(bad);
            assert!(error.ends_with(why) && !error.contains("s3cret"), "{error}");
        }
    }
}
