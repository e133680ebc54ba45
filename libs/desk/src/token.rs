//! Opaque positions for outside: where in which ledger, of which epoch. Callers keep them and give them back, nothing else.

use ledger::{Ledger, Position};
use wire::Failure;

use crate::failure::of_ledger;

/// Longest token taken, in bytes; ours are shorter.
const TOKEN_BYTES_MAX: usize = 256;
/// Marks the form, so that another may follow.
const FORM: &str = "w1";

/// A position as callers see it.
#[must_use]
pub fn encode(ledger: &Ledger, position: Position) -> String {
    let head = ledger.head();
    format!("{FORM}.{}.{}.{}", ledger.id(), head.epoch, position.get())
}

/// The position a caller gives back.
///
/// # Errors
/// INVALID_ARGUMENT for what is no token; OUT_OF_RANGE for one of another ledger or epoch, or from the future; UNAVAILABLE when
/// that cannot be told because the ledger is away.
pub async fn decode(ledger: &Ledger, token: &str) -> Result<Position, Failure> {
    let malformed = || Failure::MalformedToken;
    if token.len() > TOKEN_BYTES_MAX {
        return Err(malformed());
    }
    let mut parts = token.rsplitn(3, '.');
    let (position, epoch, rest) = (parts.next(), parts.next(), parts.next());
    let position: u64 = position.and_then(|text| text.parse().ok()).ok_or_else(malformed)?;
    let epoch: u32 = epoch.and_then(|text| text.parse().ok()).ok_or_else(malformed)?;
    let id = rest.and_then(|rest| rest.strip_prefix(FORM)?.strip_prefix('.')).ok_or_else(malformed)?;
    let head = ledger.head();
    // What another process just gave out may be ahead of what was heard here.
    let is_future = position > head.position.get()
        && position > ledger.ask_head().await.map_err(|error| of_ledger(&error))?.position.get();
    if id != ledger.id() || epoch != head.epoch || is_future {
        return Err(Failure::FutureToken { oldest: encode(ledger, Position(0)) });
    }
    Ok(Position(position))
}
