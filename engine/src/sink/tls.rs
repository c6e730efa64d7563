//! Whom a sink trusts and who it says it is: certificates and keys from PEM files.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::{
    setting::{Preset, Row, Type, Values},
    store,
};

pub(super) const CA_FILE: Row = Row {
    name: "tls.ca_file",
    ty: Type::Path,
    preset: Preset::Absent,
    doc: "PEM file with the certificates of the authorities that may vouch for the receiver. Absent: those that the system trusts. Files of certificates and keys are read once, at the start.",
};
pub(super) const CERTIFICATE_FILE: Row = Row {
    name: "tls.certificate_file",
    ty: Type::Path,
    preset: Preset::Absent,
    doc: "PEM file with our certificate and those between it and its authority. Absent: we show none.",
};
pub(super) const KEY_FILE: Row = Row {
    name: "tls.key_file",
    ty: Type::Path,
    preset: Preset::Absent,
    doc: "PEM file with the private key of our certificate; readable by nobody else.",
};

/// Where systems keep the authorities they trust.
const SYSTEM: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// Largest PEM file, in bytes.
const MAX_BYTES: u64 = 8 << 20;

/// Certificates and key, read.
pub(super) struct Material {
    pub(super) roots: Vec<CertificateDer<'static>>,
    pub(super) identity: Option<Identity>,
}

/// Who we say we are.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// The key as its file has it.
    pub(super) key_pem: Vec<u8>,
}

fn ca_file(values: &Values) -> Option<PathBuf> {
    let system = || SYSTEM.iter().map(Path::new).find(|path| path.exists());
    values.path("tls.ca_file").or_else(system).map(Path::to_owned)
}

/// The files that will be read.
pub(super) fn inputs(values: &Values) -> Vec<PathBuf> {
    let own = ["tls.certificate_file", "tls.key_file"].into_iter().filter_map(|name| values.path(name));
    ca_file(values).into_iter().chain(own.map(Path::to_owned)).collect()
}

/// What is wrong with the settings together.
pub(super) fn check(values: &Values) -> Vec<(String, Option<String>)> {
    match (values.path("tls.certificate_file"), values.path("tls.key_file")) {
        (Some(_), None) => {
            vec![("`tls.certificate_file` without `tls.key_file`".to_owned(), Some("give both".to_owned()))]
        }
        (None, Some(_)) => {
            vec![("`tls.key_file` without `tls.certificate_file`".to_owned(), Some("give both".to_owned()))]
        }
        (Some(_), Some(_)) | (None, None) => Vec::new(),
    }
}

fn invalid(path: &Path, why: impl std::fmt::Display) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, format!("{}: {why}", path.display()))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    store::read_capped(path, MAX_BYTES).map_err(|error| io::Error::other(error.to_string()))
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    let found = found.map_err(|error| invalid(path, error))?;
    if found.is_empty() { Err(invalid(path, "no certificate in it")) } else { Ok(found) }
}

impl Material {
    pub(super) fn load(values: &Values) -> io::Result<Self> {
        let path = ca_file(values).ok_or_else(|| {
            io::Error::new(ErrorKind::NotFound, "this system has no list of trusted authorities: set `tls.ca_file`")
        })?;
        let roots = certificates(&path)?;
        let identity = match (values.path("tls.certificate_file"), values.path("tls.key_file")) {
            (Some(chain), Some(key)) => {
                let chain = certificates(chain)?;
                let key_pem = read(key)?;
                // Of a key nothing is said but that it is wrong.
                let key = PrivateKeyDer::from_pem_slice(&key_pem)
                    .map_err(|_| invalid(key, "no private key in PEM form in it"))?;
                Some(Identity { chain, key, key_pem })
            }
            _ => None,
        };
        Ok(Self { roots, identity })
    }

    /// A client that obeys it.
    pub(super) fn client(&self) -> io::Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        let (usable, _) = roots.add_parsable_certificates(self.roots.iter().cloned());
        if usable == 0 {
            return Err(io::Error::new(ErrorKind::InvalidInput, "no usable certificate of an authority"));
        }
        let wrong = |error: rustls::Error| io::Error::new(ErrorKind::InvalidInput, format!("TLS: {error}"));
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(wrong)?
            .with_root_certificates(roots);
        let config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(own) => builder.with_client_auth_cert(own.chain.clone(), own.key.clone_key()).map_err(wrong)?,
        };
        Ok(Arc::new(config))
    }
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
