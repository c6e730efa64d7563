//! Who has signed the texts of rules: Ed25519 signatures as minisign makes them, in a file beside each.
//!
//! `minisign -S -m rules.yml` writes `rules.yml.minisig`. A file may hold any number of documents, so a
//! bundle of rules is one file and one signature.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use minisign_verify::{PublicKey, Signature};

use super::{
    diagnostic::{Diagnostic, Diagnostics, Place, Source},
    file,
};

/// What the file of a signature ends in, after the name of what is signed.
const ENDING: &str = "minisig";

/// Whose signatures count, and whether there must be one.
#[derive(Clone, Default)]
pub struct Trust {
    keys: Vec<PublicKey>,
    /// What the keys were read from.
    written: Vec<String>,
    required: bool,
}

impl PartialEq for Trust {
    fn eq(&self, other: &Self) -> bool {
        (&self.written, self.required) == (&other.written, other.required)
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").field("keys", &self.written).field("required", &self.required).finish()
    }
}

impl Trust {
    /// Trusts the owners of some keys: what `minisign -G` prints, `RW...`. With `required` every text
    /// must be signed by one of them.
    ///
    /// # Errors
    /// The place of the first that is no such key.
    pub fn new(keys: &[String], required: bool) -> Result<Self, usize> {
        let read = keys.iter().enumerate().map(|(place, key)| PublicKey::from_base64(key.trim()).map_err(|_| place));
        Ok(Self { keys: read.collect::<Result<_, _>>()?, written: keys.to_vec(), required })
    }

    /// Reports a text that has no signature and should have, or one that does not hold.
    pub(super) fn check(&self, source: &Arc<Source>, signature: Option<&str>, diagnostics: &mut Diagnostics) {
        let refused = match signature {
            None if self.required => Some(("unsigned", "is not signed".to_owned())),
            None => None,
            // Nobody to ask.
            Some(_) if self.keys.is_empty() => None,
            Some(signature) => self.verify(source, signature).err().map(|why| ("bad-signature", why)),
        };
        if let Some((code, why)) = refused {
            let message = format!("`{}` {why}", source.name);
            let hint = format!("sign it with a key of `signatures.keys`: minisign -S -m {}", source.name);
            diagnostics.push(Diagnostic::error(code, Place::whole(source), message).hint(hint));
        }
    }

    fn verify(&self, source: &Source, signature: &str) -> Result<(), String> {
        let signature = Signature::decode(signature).map_err(|_| "has a signature that is damaged".to_owned())?;
        // Signatures of the older form, too, which hash nothing beforehand.
        let holds = |key: &PublicKey| key.verify(source.text.as_bytes(), &signature, true).is_ok();
        if self.keys.iter().any(holds) {
            Ok(())
        } else {
            Err("is not what a trusted key has signed, or was signed by another".to_owned())
        }
    }
}

/// Where the signature of a file is.
pub(super) fn path_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ENDING);
    name.into()
}

/// The signature of a file, if there is one.
pub(super) fn beside(path: &Path, diagnostics: &mut Diagnostics) -> Option<String> {
    let path = path_of(path);
    if !path.exists() {
        return None;
    }
    file::load(&path, diagnostics).map(|source| source.text.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../../../testdata/signature/signed_rules/key.pub");
    const OTHER: &str = include_str!("../../../testdata/signature/signed_rules/other.pub");
    const RULES: &str = include_str!("../../../testdata/signature/signed_rules/rules.yml");
    const SIGNATURE: &str = include_str!("../../../testdata/signature/signed_rules/rules.yml.minisig");
    const LEGACY: &str = include_str!("../../../testdata/signature/signed_rules/legacy.minisig");

    fn key(file: &str) -> String {
        file.lines().nth(1).expect("two lines").to_owned()
    }

    /// The codes of what is wrong with a text and its signature.
    fn check(keys: &[&str], required: bool, text: &str, signature: Option<&str>, expected: &[&str]) {
        let keys: Vec<String> = keys.iter().map(|file| key(file)).collect();
        let trust = Trust::new(&keys, required).expect("keys");
        let mut diagnostics = Diagnostics::default();
        trust.check(&Source::new("rules.yml", text), signature, &mut diagnostics);
        let codes: Vec<_> = diagnostics.sorted().iter().map(|problem| problem.code).collect();
        assert_eq!(codes, expected, "{diagnostics}");
    }

    #[test]
    fn a_text_is_what_a_trusted_key_has_signed() {
        for signature in [SIGNATURE, LEGACY] {
            check(&[KEY], true, RULES, Some(signature), &[]);
            check(&[OTHER, KEY], true, RULES, Some(signature), &[]);
            check(&[OTHER], false, RULES, Some(signature), &["bad-signature"]);
            check(&[KEY], true, &format!("{RULES} "), Some(signature), &["bad-signature"]);
        }
        check(&[KEY], true, RULES, Some("nonsense"), &["bad-signature"]);
        check(
            &[KEY],
            true,
            RULES,
            Some(&SIGNATURE.replace("trusted comment: t", "trusted comment: T")),
            &["bad-signature"],
        );
    }

    #[test]
    fn unsigned_texts_are_refused_only_where_signatures_are_required() {
        check(&[KEY], false, RULES, None, &[]);
        check(&[KEY], true, RULES, None, &["unsigned"]);
        check(&[], false, RULES, Some("nonsense"), &[]);
        assert_eq!(Trust::new(&[key(KEY), "RWnonsense".to_owned()], false).map(drop), Err(1));
    }
}
