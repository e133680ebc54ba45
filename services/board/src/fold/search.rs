//! Search by bigrams: a text is cut into overlapping pairs of characters, each pair becomes a keyed token, and a query is the
//! phrase of its own tokens. Two characters of Chinese are found; trigrams would miss 井盖.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use case::Case;
use case::sealed::Sealed;
use projection::{CaseChange, FoldError};
use rusqlite::{Transaction, params};
use vault::{Opened, Secrets};

use super::keys::Keys;

/// Longest query, in characters.
pub(crate) const QUERY_CHARS_MAX: usize = 64;
/// Stands between parts of a text, so that no phrase reaches over. Tokens have a-z and 2-7, never this.
const GAP: &str = "0";
/// Tokens remembered, some 100 bytes each.
const TOKENS_MAX: usize = 8_192;

type Bigram = [char; 2];

/// Tokens made before, so that what is said again and again costs no MAC each time. Tells nothing of who said it, or where.
#[derive(Default)]
pub(super) struct Tokens(HashMap<Bigram, String>);

impl Tokens {
    fn of(&mut self, bigram: Bigram, secrets: &Secrets) -> &str {
        if self.0.len() >= TOKENS_MAX && !self.0.contains_key(&bigram) {
            self.0.clear();
        }
        self.0.entry(bigram).or_insert_with(|| token(bigram, secrets))
    }
}

fn token(bigram: Bigram, secrets: &Secrets) -> String {
    secrets.search_token(&String::from_iter(bigram))
}

/// A row of the index, and the case it belongs to.
pub(super) struct Row {
    pub(super) case_no: i64,
    pub(super) number: i64,
}

/// What texts are opened and hidden with.
pub(super) struct With<'a> {
    pub(super) keys: &'a Keys,
    pub(super) secrets: &'a Secrets,
    pub(super) tokens: &'a mut Tokens,
}

/// What is searched of a case, with the field each text was sealed for.
fn texts(case: &Case) -> Vec<(&'static str, &Sealed)> {
    let mut texts: Vec<(&'static str, &Sealed)> = Vec::new();
    texts.extend(case.text.as_ref().map(|text| ("text", text)));
    texts.extend(case.place.note.as_ref().map(|note| ("note", note)));
    texts.extend(case.whistles.iter().map(|whistle| ("purpose", &whistle.purpose)));
    texts.extend(case.measures.iter().map(|measure| ("text", &measure.text)));
    texts.extend(case.disposal.as_ref().map(|disposal| ("public_reply", &disposal.public_reply)));
    texts
}

/// Brings the rows of a case in line with its texts. What a commit adds is a row of its own: taking tokens out of the index costs
/// many times what adding them does, so that is done only when a text goes, or a key is destroyed.
pub(super) fn update(
    tx: &Transaction<'_>,
    row: Row,
    change: &CaseChange<'_>,
    with: With<'_>,
) -> Result<(), FoldError> {
    let Row { case_no, number } = row;
    let case = change.after.as_ref();
    let (before, mut wanted) = (texts(&change.before), texts(case));
    let goes = change.before.destroyed_keys != case.destroyed_keys
        || before.iter().any(|text| !wanted.contains(text));
    if goes {
        let rows = "DELETE FROM search WHERE rowid IN (SELECT ?1 UNION ALL SELECT position FROM said WHERE case_no = ?1)";
        super::clear(tx, rows, case_no)?;
        super::clear(tx, "DELETE FROM said WHERE case_no = ?1", case_no)?;
        with.tokens.0.clear();
    } else {
        wanted.retain(|text| !before.contains(text));
    }
    let mut tokens = String::new();
    for text in opened(case, wanted, with.keys)? {
        for part in parts(&text) {
            for bigram in bigrams(&part) {
                tokens.push_str(with.tokens.of(bigram, with.secrets));
                tokens.push(' ');
            }
            tokens.push_str(GAP);
            tokens.push(' ');
        }
    }
    if !tokens.is_empty() {
        let mut insert = tx.prepare_cached("INSERT INTO search (rowid, tokens) VALUES (?1, ?2)")?;
        insert.execute(params![number, tokens])?;
        if number != case_no {
            tx.prepare_cached("INSERT INTO said VALUES (?1, ?2)")?.execute(params![number, case_no])?;
        }
    }
    Ok(())
}

/// The cases in which a phrase is said.
pub(crate) const SAYING: &str = "SELECT ifnull(said.case_no, search.rowid)
    FROM search LEFT JOIN said ON said.position = search.rowid WHERE search MATCH ?";

/// Texts of a case, as far as they open; those under destroyed keys do not.
fn opened(
    case: &Case,
    mut sealed: Vec<(&'static str, &Sealed)>,
    keys: &Keys,
) -> Result<Vec<String>, FoldError> {
    sealed.retain(|(_, sealed)| !case.destroyed_keys.contains(&sealed.key_id));
    if sealed.is_empty() {
        return Ok(Vec::new());
    }
    keys.with(case, |keyring| {
        let mut opened = Vec::new();
        for (field, sealed) in sealed {
            match keyring.open_text(case.id, field, sealed) {
                Ok(Opened::Text(text)) => opened.push(text),
                Ok(Opened::Erased | Opened::Lost) => {}
                Err(error) => {
                    tracing::warn!(case = %case.id, field, %error, "a sealed text does not open and is not searched");
                }
            }
        }
        opened
    })
}

/// A query as FTS5 reads it: every part a phrase, all of them wanted somewhere in the case. None when no part has two characters.
pub(crate) fn phrases(query: &str, secrets: &Secrets) -> Option<Vec<String>> {
    let phrase = |part: &String| {
        let tokens: Vec<String> = bigrams(part).map(|bigram| token(bigram, secrets)).collect();
        (!tokens.is_empty()).then(|| format!("\"{}\"", tokens.join(" ")))
    };
    let phrases: Vec<String> = parts(query).iter().filter_map(phrase).collect();
    (!phrases.is_empty()).then_some(phrases)
}

/// Runs of letters, digits and Chinese characters, in small letters.
fn parts(text: &str) -> Vec<String> {
    let runs = text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty());
    runs.map(str::to_lowercase).collect()
}

fn bigrams(part: &str) -> impl Iterator<Item = Bigram> + '_ {
    part.chars().zip(part.chars().skip(1)).map(|(a, b)| [a, b])
}
