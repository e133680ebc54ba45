use case::Refusal;
use case::refusal::{StateReason, Violation};
use ledger::{ExecuteError, LedgerError};
use tonic::Status;
use wire::Failure;

#[cfg(test)]
mod tests;

/// What the API calls a command that has no success to show.
#[must_use]
pub fn of_execute(error: ExecuteError) -> Failure {
    match error {
        ExecuteError::Refused(refusal) => Failure::Refused(refusal),
        ExecuteError::Conflict { actual_version } => Failure::Conflict { current: actual_version },
        ExecuteError::CommandIdReused => Failure::CommandIdReused,
        ExecuteError::StaleExpectedVersion { expected, actual } => Failure::StaleVersion { expected, actual },
        ExecuteError::TooLarge(too_large) => Failure::TooLarge {
            what: too_large.what,
            limit: too_large.limit as u64,
            actual: too_large.actual as u64,
        },
        ExecuteError::Invalid(detail) => {
            tracing::error!(detail, "a command was put together wrongly");
            Failure::Internal
        }
        ExecuteError::Busy => Failure::Busy,
        ExecuteError::Unavailable | ExecuteError::Away => Failure::Unavailable,
        ExecuteError::RiderRefused => {
            tracing::error!("what came with a command was refused, and nobody prepared it anew");
            Failure::Internal
        }
        ExecuteError::Ledger(error) => of_ledger(&error),
    }
}

/// What the API calls a log that cannot be read.
#[must_use]
pub fn of_ledger(error: &LedgerError) -> Failure {
    if let LedgerError::Away | LedgerError::Stopped | LedgerError::Alien(_) = error {
        return Failure::Unavailable;
    }
    // In the middle of an upgrade the two sides are of different versions, and nothing happens; afterwards the same succeeds.
    if let LedgerError::Protocol(_) | LedgerError::OtherVersion { .. } = error {
        tracing::error!(%error, "the ledger is not understood");
        return Failure::Unavailable;
    }
    tracing::error!(%error, "the log cannot be read");
    Failure::DataLoss
}

/// What the API calls a vault that cannot seal or open.
#[must_use]
pub fn of_vault(error: &vault::Error) -> Status {
    if let vault::Error::KeyDestroyed { .. } = error {
        let (part, why) = ("personal data of the case".to_owned(), StateReason::Erased);
        return Failure::Refused(Refusal::StateForbids { part, why }).into();
    }
    if error.is_away() {
        tracing::warn!(%error, "the vault cannot seal or open");
    } else {
        tracing::error!(%error, "the vault cannot seal or open");
    }
    beyond(error).map_or(Failure::Unavailable, |violation| Failure::Invalid(vec![violation])).into()
}

/// What is more than the vault takes. It is no less the next time, so nobody is told to come again.
fn beyond(error: &vault::Error) -> Option<Violation> {
    if let vault::Error::TooLong = error {
        let (text, contact) = (vault::TEXT_BYTES_MAX, vault::CONTACT_BYTES_MAX);
        let expected = format!("texts of at most {text} bytes, names and phones of at most {contact}");
        return Some(Violation::new("request", "TOO_LONG", expected));
    }
    if let vault::Error::TooMany = error {
        let expected = format!("at most {} texts and contacts", vault::REQUESTS_MAX);
        return Some(Violation::new("request", "TOO_MANY", expected));
    }
    None
}
