//! One file after the other through the rules, and what is told of each.

use std::{io, os::fd::AsFd, sync::Arc};

use sha2::{Digest, Sha256};

use super::{
    Failed, Limits,
    file::{Hit, Named, read},
    yara::{Rules, Scanner},
};
use crate::event::{
    Data, Event, FileIdentity, Kind,
    file::name_and_extension,
    value::{Bytes, FieldNames, Numeric, Time},
    yara_match::{Trigger, YaraMatch},
};

/// What was found in a file, with what else an event tells of it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The rules that match.
    pub hits: Arc<[Hit]>,
    /// Length of the file, bytes.
    pub size: u64,
    /// Bytes of it that were scanned.
    pub scanned: u64,
    /// SHA-256 in hexadecimal digits, if anything was found and all of it was scanned.
    pub sha256: Option<Arc<str>>,
}

/// Why nothing can be said of a file.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] io::Error),
    /// The rules cannot be asked.
    #[error(transparent)]
    Rules(#[from] Failed),
}

/// Scans files, one after the other.
pub struct Examiner<'r> {
    scanner: Scanner<'r>,
    max_bytes: u64,
    bytes: Vec<u8>,
}

impl<'r> Examiner<'r> {
    /// With some rules, within bounds.
    #[must_use]
    pub fn new(rules: &'r Rules, limits: Limits) -> Self {
        Self { scanner: rules.scanner(limits.timeout), max_bytes: limits.max_bytes, bytes: Vec::new() }
    }

    /// Scans a file of some length, or its beginning.
    ///
    /// # Errors
    /// [`Unread`] if it cannot be read or the rules cannot be asked.
    pub fn examine(&mut self, file: impl AsFd, size: u64, path: Option<&[u8]>) -> Result<Found, Unread> {
        read(file, self.max_bytes, &mut self.bytes)?;
        let scanned = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        let (name, extension) = path.map(name_and_extension).unwrap_or_default();
        let named = Named {
            path: path.unwrap_or_default(),
            name: name.as_deref().unwrap_or_default(),
            extension: extension.as_deref().unwrap_or_default(),
        };
        let hits = self.scanner.scan(&self.bytes, named)?;
        let whole = !hits.is_empty() && scanned >= size;
        let sha256 = whole.then(|| data_encoding::HEXLOWER.encode(&Sha256::digest(&self.bytes)).into());
        Ok(Found { hits: hits.into(), size: size.max(scanned), scanned, sha256 })
    }
}

/// What is scanned and why.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'e> {
    /// Why.
    pub trigger: Trigger,
    /// The event that led to it.
    pub cause: Option<&'e Event>,
    /// What it is called.
    pub path: Option<&'e [u8]>,
}

impl Subject<'_> {
    /// The event of one match: who and where as the event that led to it says.
    #[must_use]
    pub fn event(&self, found: &Found, hit: &Hit, identity: Option<FileIdentity>, now: Time) -> Event {
        let mut event = self.cause.map_or_else(|| Event::new(Kind::YaraMatch), Event::clone);
        // What they say is of another kind of event.
        event.cut.0.retain(|name| name.starts_with("process."));
        event.racy = FieldNames::default();
        (event.outcome, event.error, event.late) = (None, None, None);
        let cause = event.id.as_deref().map_or_else(
            || {
                identity
                    .map(|it| format!("scan.{}.{}.{}", it.device, it.inode, it.changed_ns))
                    .unwrap_or_default()
                    .into()
            },
            <[u8]>::to_vec,
        );
        let [namespace, rule] = [&hit.rule.namespace, &hit.rule.name].map(|part| part.as_deref().unwrap_or_default());
        event.id = Some([&cause, b".yara.".as_slice(), namespace, b".", rule].concat().into());
        event.time = Some(now);
        let (name, extension) = self.path.map(name_and_extension).unwrap_or_default();
        let number = |bytes: u64| i64::try_from(bytes).ok();
        event.data = Data::YaraMatch(YaraMatch {
            trigger: Some(self.trigger),
            rule: hit.rule.clone(),
            strings: hit.strings.clone(),
            scanned_bytes: number(found.scanned),
            partial: Some(found.scanned < found.size),
            path: self.path.map(Bytes::from),
            name,
            extension,
            size: number(found.size),
            sha256: found.sha256.as_ref().map(|digits| digits.as_bytes().into()),
            inode: identity.and_then(|it| number(it.inode)).map(Numeric),
        });
        event
    }
}
