//! What the encoding modifiers make of a value: base64 at each offset, UTF-16, dashes of all sorts.

use data_encoding::BASE64;

use super::{
    modifier::{MAX_VALUES, Refusal},
    value::{Part, Wild},
};

/// What stays the same in the base64 of any text that has `bytes` at a place that is `offset` modulo 3.
fn base64_at(bytes: &[u8], offset: usize) -> Vec<u8> {
    let padded = [&b"   "[..offset], bytes].concat();
    let encoded = BASE64.encode(&padded).into_bytes();
    let skip = [0, 2, 3].get(offset).copied().unwrap_or(0);
    let cut = [0, 3, 2].get(padded.len() % 3).copied().unwrap_or(0);
    encoded.get(skip..encoded.len().saturating_sub(cut)).unwrap_or_default().to_vec()
}

/// The base64 of a text.
pub(super) fn base64(bytes: &[u8]) -> Wild {
    Wild::plain(BASE64.encode(bytes).into_bytes())
}

/// What the base64 of a longer text has of this one, at each of the three offsets.
pub(super) fn base64_offsets(bytes: &[u8]) -> Vec<Wild> {
    (0..3).map(|offset| Wild::plain(base64_at(bytes, offset))).collect()
}

/// A text as UTF-16.
pub(super) fn utf16(bytes: &[u8], order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    String::from_utf8_lossy(bytes).encode_utf16().flat_map(order).collect()
}

/// Every way to write the dashes that start an option.
pub(super) fn windash(wild: &Wild) -> Result<Vec<Wild>, Refusal> {
    let mut all: Vec<Vec<Part>> = vec![Vec::new()];
    for part in &wild.parts {
        let Part::Bytes(bytes) = part else {
            all.iter_mut().for_each(|parts| parts.push(part.clone()));
            continue;
        };
        let texts = dashes(&String::from_utf8_lossy(bytes), MAX_VALUES / all.len())?;
        all = all
            .iter()
            .flat_map(|parts| {
                texts.iter().map(move |text| [parts.as_slice(), &[Part::Bytes(text.clone().into_bytes())]].concat())
            })
            .collect();
    }
    Ok(all.into_iter().map(|parts| Wild { parts }).collect())
}

/// Every way to write a text, up to `most` of them.
fn dashes(text: &str, most: usize) -> Result<Vec<String>, Refusal> {
    let is_word = |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut texts = vec![String::new()];
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let starts_option = "-/".contains(character) && !is_word(before) && is_word(characters.peek().copied());
        before = Some(character);
        if starts_option {
            let dashes = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];
            texts = texts.iter().flat_map(|text| dashes.map(|dash| format!("{text}{dash}"))).collect();
        } else {
            texts.iter_mut().for_each(|text| text.push(character));
        }
        if texts.len() > most {
            return Err(Refusal::Unsupported(format!("`windash` makes more than {MAX_VALUES} values of one")));
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoded_offset_is_inside_the_encoding_of_a_longer_text() {
        let needle = b"secret token";
        for before in 0..6 {
            let text = [&b"abcdefgh"[..before], needle, b"xyz"].concat();
            let encoded = BASE64.encode(&text);
            let found = (0..3).any(|offset| {
                encoded.contains(&String::from_utf8(base64_at(needle, offset)).expect("base64 is ASCII"))
            });
            assert!(found, "with {before} bytes before");
        }
    }

    #[test]
    fn dashes_inside_words_stay() {
        let of = |text: &str| windash(&Wild::parse(text)).expect("few").len();
        assert_eq!(of("-f a-b"), 5);
        assert_eq!(of(" -a /b"), 25);
        assert_eq!(of("a*-b"), 5);
        assert_eq!(of("--long"), 5);
        assert_eq!(of("- -"), 1);
        assert!(matches!(windash(&Wild::parse(&"-a ".repeat(20))), Err(Refusal::Unsupported(_))));
        assert!(matches!(windash(&Wild::parse(&"-a *".repeat(20))), Err(Refusal::Unsupported(_))));
    }
}
