//! Bytes that should be text, read as well as they can be.

use encoding_rs::GB18030;

/// What bytes may say, likeliest first, and whether they had to be mended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Readings {
    pub texts: Vec<String>,
    pub damaged: bool,
}

/// Reads UTF-8; where it is none, GB18030, which is what systems in China send when they do not send UTF-8.
pub(super) fn readings(bytes: &[u8]) -> Readings {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Readings { texts: vec![text.to_owned()], damaged: false },
        Err(_) => {
            let mut texts = vec![mixed(bytes), String::from_utf8_lossy(bytes).into_owned()];
            if let Some(whole) = gb18030(bytes) {
                // Two bytes of GBK often pass for a letter of two bytes in UTF-8 (联通 is the famous case), rarely for one of
                // three; Chinese in UTF-8 is made of threes.
                let threes = |chunk: std::str::Utf8Chunk<'_>| {
                    chunk.valid().chars().filter(|c| c.len_utf8() > 2).count()
                };
                let broken = bytes.utf8_chunks().filter(|chunk| !chunk.invalid().is_empty()).count();
                let likelier = bytes.utf8_chunks().map(threes).sum::<usize>() < broken;
                texts.insert(if likelier { 0 } else { 1 }, whole);
            }
            Readings { texts, damaged: true }
        }
    }
}

/// The likeliest reading, and whether it had to be mended.
pub(super) fn likeliest(bytes: &[u8]) -> (String, bool) {
    let Readings { texts, damaged } = readings(bytes);
    (texts.into_iter().next().unwrap_or_default(), damaged)
}

fn gb18030(bytes: &[u8]) -> Option<String> {
    GB18030.decode_without_bom_handling_and_without_replacement(bytes).map(std::borrow::Cow::into_owned)
}

/// UTF-8 with here and there a character of GBK, which takes two bytes.
fn mixed(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        let valid = match std::str::from_utf8(rest) {
            Ok(valid) => {
                text.push_str(valid);
                return text;
            }
            Err(error) => error.valid_up_to(),
        };
        let (good, bad) = rest.split_at_checked(valid).unwrap_or((rest, &[]));
        text.push_str(&String::from_utf8_lossy(good));
        match bad.split_at_checked(2).and_then(|(pair, after)| Some((gb18030(pair)?, after))) {
            Some((character, after)) => {
                text.push_str(&character);
                rest = after;
            }
            None => {
                text.push('\u{FFFD}');
                rest = bad.get(1..).unwrap_or_default();
            }
        }
    }
}

/// JSON with the slips mended that strict readers stumble over: raw control characters, and halves of surrogate pairs where a
/// text was cut through an emoji.
pub(super) fn mended_json(json: &str) -> String {
    let mut mended = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find(|c: char| c == '\\' || c.is_control()) {
        let (plain, from) = rest.split_at(at);
        mended.push_str(plain);
        let taken = match surrogate(from) {
            Some(unit) if (0xd800..0xdc00).contains(&unit) && is_low(from.get(6..)) => {
                mended.push_str(from.get(..12).unwrap_or_default());
                12
            }
            Some(_half) => {
                mended.push_str("\\ufffd");
                6
            }
            None if from.starts_with('\\') => {
                let escape = from.chars().take(2).map(char::len_utf8).sum();
                mended.push_str(from.get(..escape).unwrap_or_default());
                escape
            }
            None => {
                mended.push(' ');
                from.chars().next().map_or(1, char::len_utf8)
            }
        };
        rest = from.get(taken..).unwrap_or_default();
    }
    mended.push_str(rest);
    mended
}

/// The surrogate an escape at the beginning stands for.
fn surrogate(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok().filter(|unit| (0xd800..0xe000).contains(unit))
}

fn is_low(text: Option<&str>) -> bool {
    text.and_then(surrogate).is_some_and(|unit| unit >= 0xdc00)
}

/// The first characters of a text, and whether there were more.
pub(super) fn cut_chars(text: &str, chars_max: usize) -> (&str, bool) {
    match text.char_indices().nth(chars_max) {
        Some((at, _)) => (text.get(..at).unwrap_or_default(), true),
        None => (text, false),
    }
}

/// As much of a text as fits, and whether there was more.
pub(super) fn cut_bytes(text: &str, bytes_max: usize) -> (&str, bool) {
    let mut at = bytes_max.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    (text.get(..at).unwrap_or_default(), at < text.len())
}
