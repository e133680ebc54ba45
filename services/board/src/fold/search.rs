//! Search by bigrams: a text is cut into overlapping pairs of characters, each pair becomes a keyed token, and a query is the
//! phrase of its own tokens. Two characters of Chinese are found; trigrams would miss 井盖.

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
    id: i64,
    position: i64,
    change: &CaseChange<'_>,
    keys: &Keys,
    secrets: &Secrets,
) -> Result<(), FoldError> {
    let case = change.after.as_ref();
    let (before, mut wanted) = (texts(&change.before), texts(case));
    let goes = change.before.destroyed_keys != case.destroyed_keys
        || before.iter().any(|text| !wanted.contains(text));
    if goes {
        let rows = "DELETE FROM search WHERE rowid IN (SELECT position FROM said WHERE case_no = ?1)";
        super::clear(tx, rows, id)?;
        super::clear(tx, "DELETE FROM said WHERE case_no = ?1", id)?;
    } else {
        wanted.retain(|text| !before.contains(text));
    }
    let mut tokens = Vec::new();
    for text in opened(case, wanted, keys)? {
        for part in parts(&text) {
            tokens.extend(bigrams(&part).map(|bigram| secrets.search_token(&bigram)));
            tokens.push(GAP.to_owned());
        }
    }
    if !tokens.is_empty() {
        let mut insert = tx.prepare_cached("INSERT INTO search (rowid, tokens) VALUES (?1, ?2)")?;
        insert.execute(params![position, tokens.join(" ")])?;
        tx.prepare_cached("INSERT INTO said VALUES (?1, ?2)")?.execute(params![position, id])?;
    }
    Ok(())
}

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
        let tokens: Vec<String> = bigrams(part).map(|bigram| secrets.search_token(&bigram)).collect();
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

fn bigrams(part: &str) -> impl Iterator<Item = String> + '_ {
    part.chars().zip(part.chars().skip(1)).map(|(a, b)| [a, b].iter().collect())
}
