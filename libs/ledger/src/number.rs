//! The number people know a case by (案件编号): derived from where and when it was raised, no counter.
//!
//! `20260305-371002-0004T7-B`: the date of recording in China, the district's code, the position in base 32, a check digit;
//! from the second epoch on the epoch stands before the check digit, `…-0004T7-2J`.
//!
//! Base 32 is Crockford's: no I, L, O or U, and I, L, O are read as 1, 1, 0. The check digit is a polynomial code over the
//! field of 32 elements (x⁵ + x² + 1, the element 2 generates it): the digits d₁…dₙ before it satisfy
//! d₁·2ⁿ + … + dₙ·2 = check. Every wrong character is found, and every two digits that changed places less than 31
//! apart, which Luhn's scheme does not promise. A wrong character that is or was a `-` changes the number of groups, which
//! is always four.

use std::fmt;
use std::str::FromStr;

use event_store::Position;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use registry::ids::{AreaCode, AreaLevel};

#[cfg(test)]
mod tests;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Base-32 digits of a position at least, so that a lost digit shows; larger positions take more.
const POSITION_DIGITS_MIN: usize = 6;
/// Longest text looked at; the longest number there can be has 43 characters.
const TEXT_BYTES_MAX: usize = 64;
/// China has kept UTC+8 without summer time since 1991.
const CHINA: Offset = Offset::constant(8);

/// What a number says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number {
    /// When the case was recorded, in China.
    pub date: Date,
    /// The district's code; of a longer one only the district's part is shown.
    pub code: AreaCode,
    /// Where in the ledger it was raised.
    pub position: Position,
    /// In which epoch of the ledger.
    pub epoch: u32,
}

/// Why a text is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// It does not look like one.
    #[error("a case number looks like 20260305-371002-0004T7-B")]
    Form,
    /// It looks like one, but a character is wrong or two changed places.
    #[error("the case number has a slip: its check digit does not fit")]
    Check,
}

/// The date in China, which the number begins with.
#[must_use]
pub fn date(recorded_at: Timestamp) -> Date {
    CHINA.to_datetime(recorded_at).date()
}

/// The number of a case.
#[must_use]
pub fn display(recorded_at: Timestamp, code: &AreaCode, position: Position, epoch: u32) -> String {
    Number { date: date(recorded_at), code: code.clone(), position, epoch }.to_string()
}

/// Reads a number as people write it: small letters and I, L, O are taken for what they stand for.
///
/// # Errors
/// [`NumberError`]
pub fn parse(text: &str) -> Result<Number, NumberError> {
    text.parse()
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.date.strftime("%Y%m%d").to_string();
        let district = self.code.at(AreaLevel::District);
        let code = district.as_ref().unwrap_or(&self.code).as_str();
        let position = base32(self.position.get());
        let epoch = if self.epoch > 1 { self.epoch.to_string() } else { String::new() };
        let check = check_digit(&[&date, code, &position, &epoch]).unwrap_or('0');
        write!(f, "{date}-{code}-{position}-{epoch}{check}")
    }
}

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(NumberError::Form);
        }
        let plain: String = text.trim().chars().map(plain).collect();
        let groups: Vec<&str> = plain.split('-').collect();
        let [date, code, position, last] = groups.as_slice() else { return Err(NumberError::Form) };
        let check = last.chars().next_back().ok_or(NumberError::Form)?;
        let epoch = last.strip_suffix(check).ok_or(NumberError::Form)?;
        let number = Self {
            date: parse_date(date).ok_or(NumberError::Form)?,
            code: parse_code(code).ok_or(NumberError::Form)?,
            position: parse_position(position).ok_or(NumberError::Form)?,
            epoch: parse_epoch(epoch).ok_or(NumberError::Form)?,
        };
        let expected = check_digit(&[date, code, position, epoch]).ok_or(NumberError::Form)?;
        if check == expected { Ok(number) } else { Err(NumberError::Check) }
    }
}

fn plain(c: char) -> char {
    match c.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    }
}

fn is_digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_date(text: &str) -> Option<Date> {
    if !is_digits(text, 8) {
        return None;
    }
    let year = text.get(..4)?.parse().ok()?;
    Date::new(year, text.get(4..6)?.parse().ok()?, text.get(6..)?.parse().ok()?).ok()
}

fn parse_code(text: &str) -> Option<AreaCode> {
    is_digits(text, 6).then(|| AreaCode::new(text).ok()).flatten()
}

fn parse_position(text: &str) -> Option<Position> {
    if text.len() < POSITION_DIGITS_MIN || (text.len() > POSITION_DIGITS_MIN && text.starts_with('0')) {
        return None;
    }
    let push = |value: u64, c: char| value.checked_mul(32)?.checked_add(u64::from(digit(c)?));
    text.chars().try_fold(0, push).map(Position)
}

/// Nothing stands for the first epoch; later ones have no leading zero.
fn parse_epoch(text: &str) -> Option<u32> {
    if text.is_empty() {
        return Some(1);
    }
    let digits = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    let epoch = digits.then(|| text.parse().ok()).flatten()?;
    (epoch > 1).then_some(epoch)
}

fn base32(mut value: u64) -> String {
    let mut digits = Vec::new();
    while value > 0 || digits.len() < POSITION_DIGITS_MIN {
        digits.push(ALPHABET.get((value % 32) as usize).copied().map_or('0', char::from));
        value /= 32;
    }
    digits.iter().rev().collect()
}

fn digit(c: char) -> Option<u8> {
    let found = ALPHABET.iter().position(|known| char::from(*known) == c)?;
    u8::try_from(found).ok()
}

fn check_digit(groups: &[&str]) -> Option<char> {
    let mut sum = 0;
    for c in groups.iter().flat_map(|group| group.chars()) {
        sum = twice(sum) ^ digit(c)?;
    }
    ALPHABET.get(usize::from(twice(sum))).copied().map(char::from)
}

/// Multiplies by 2 in the field of 32 elements.
fn twice(element: u8) -> u8 {
    let doubled = element << 1;
    if doubled & 0b10_0000 == 0 { doubled } else { doubled ^ 0b10_0101 }
}
