//! Pages: sizes, and opaque tokens that say where the last one ended.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use case::refusal::Violation;
use ring::digest;

/// Most rows of one page.
pub(crate) const SIZE_MAX: i32 = 200;
/// Longest token looked at, in bytes; ours are shorter.
const TOKEN_BYTES_MAX: usize = 512;
/// Marks the form, so that another may follow.
const FORM: &str = "b1";

/// How many rows a page has. Zero means what the API says.
pub(crate) fn size(asked: i32, default: usize, violations: &mut Vec<Violation>) -> usize {
    if !(0..=SIZE_MAX).contains(&asked) {
        violations.push(Violation::new("page_size", "OUT_OF_RANGE", format!("0 to {SIZE_MAX}")));
    }
    match usize::try_from(asked) {
        Ok(asked) if asked > 0 => asked,
        _ => default,
    }
}

/// What a page is of, in eight bytes: a token of another question is found out.
pub(crate) fn question(parts: &[&str]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let hash = context.finish();
    URL_SAFE_NO_PAD.encode(hash.as_ref().get(..8).unwrap_or_default())
}

/// A token: the question, and the keys of the last row.
pub(crate) fn token(question: &str, keys: &[&str]) -> String {
    let mut text = format!("{FORM} {question}");
    for key in keys {
        text.push(' ');
        text.push_str(key);
    }
    URL_SAFE_NO_PAD.encode(text)
}

/// The keys of the last row; none at the beginning.
pub(crate) fn keys(token: &str, question: &str, violations: &mut Vec<Violation>) -> Option<Vec<String>> {
    if token.is_empty() {
        return None;
    }
    let found = read(token, question);
    if found.is_none() {
        let expected = "the token the last page of this very question ended with";
        violations.push(Violation::new("page_token", "MALFORMED", expected));
    }
    found
}

fn read(token: &str, question: &str) -> Option<Vec<String>> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let mut parts = text.split(' ');
    let fits = parts.next() == Some(FORM) && parts.next() == Some(question);
    fits.then(|| parts.map(str::to_owned).collect())
}

/// The same as whole numbers.
pub(crate) fn numbers(token: &str, question: &str, violations: &mut Vec<Violation>) -> Option<Vec<i64>> {
    let keys = keys(token, question, violations)?;
    let numbers: Option<Vec<i64>> = keys.iter().map(|key| key.parse().ok()).collect();
    if numbers.is_none() {
        violations.push(Violation::new("page_token", "MALFORMED", "a token as it was given"));
    }
    numbers
}
