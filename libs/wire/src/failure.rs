//! Everything that can keep a call from succeeding, before it has a status.

use case::Refusal;
use case::refusal::Violation;

/// What is wrong with the token a caller shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// There is none.
    Missing,
    /// It is not one `Bearer` token.
    Malformed,
    /// Nobody issued it, or it was taken back.
    Unknown,
}

/// Why a call did not succeed. Each has one status, see [`status`](crate::status()).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The domain says no.
    Refused(Refusal),
    /// The request reads, but is wrong; every violation of it.
    Invalid(Vec<Violation>),
    /// The bytes are no such message.
    Undecodable {
        /// What the decoder stumbled over, in its own words.
        detail: String,
    },
    /// The caller is nobody we know.
    Unauthenticated(Token),
    /// The command id was used before, with another body.
    CommandIdReused,
    /// Somebody else was faster, five times.
    Conflict {
        /// The version seen last.
        current: u64,
    },
    /// The case does not stand at the version the caller expected.
    StaleVersion {
        /// The version expected.
        expected: u64,
        /// The version it stands at.
        actual: u64,
    },
    /// A message, event or commit is larger than its limit.
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit in bytes.
        limit: u64,
        /// What it was, in bytes; 0 when only the limit is known.
        actual: u64,
    },
    /// A queue is full, or a rate is reached.
    Busy,
    /// The ledger or the vault is away, the time of the call is up, or this process is about to end. Whether a command was done is
    /// open.
    Unavailable,
    /// A position from the future, of another ledger or epoch, or pruned.
    FutureToken {
        /// The oldest position there is to begin from.
        oldest: String,
    },
    /// A position that nobody issued.
    MalformedToken,
    /// No registry was published yet, so nothing can be decided.
    NoRegistry,
    /// The content was never put, or nothing in sight names it.
    EvidenceNotFound,
    /// Stored bytes are broken.
    DataLoss,
    /// Has its place in the API and is not done yet.
    NotSupportedYet,
    /// Our mistake.
    Internal,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Vec<Violation>> for Failure {
    fn from(violations: Vec<Violation>) -> Self {
        Self::Invalid(violations)
    }
}
