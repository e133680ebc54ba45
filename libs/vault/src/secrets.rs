//! The constant secrets of a ledger and what is made with them.

use std::fmt;

use case::ids::CaseId;
use registry::ids::SourceId;
use ring::hmac;

use crate::crypt::{Crypt, joined};
use crate::error::Error;
use crate::rows::{SECRET_NAMES, WrappedSecrets};

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Characters of a search token: 50 bits, so that among a million bigrams two share a token with a chance below 1 in 2,000.
const TOKEN_CHARS: usize = 10;

/// The constant secrets of a ledger, never rotated: a ticket that comes again in ten years must find its case. What is made with
/// them needs no row, and no round trip where the rows lie elsewhere.
pub struct Secrets {
    request: hmac::Key,
    ticket: hmac::Key,
    search: hmac::Key,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

/// New secrets, to be kept if the ledger has none.
pub(crate) fn propose(crypt: &Crypt) -> Result<WrappedSecrets, Error> {
    let new = |name| crypt.wrap_secret(name, &crypt.new_secret()?);
    let [request, ticket, search] = SECRET_NAMES;
    Ok(WrappedSecrets([new(request)?, new(ticket)?, new(search)?]))
}

impl Secrets {
    /// Unwraps what is stored; a key that does not is another vault's.
    pub(crate) fn unwrap(crypt: &Crypt, stored: &WrappedSecrets) -> Result<Self, Error> {
        let [request, ticket, search] = SECRET_NAMES;
        let [of_request, of_ticket, of_search] = &stored.0;
        let key = |name, wrapped| {
            let bytes = crypt.unwrap_secret(name, wrapped).map_err(|_| Error::WrongKey)?;
            Ok::<_, Error>(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
        };
        Ok(Self {
            request: key(request, of_request)?,
            ticket: key(ticket, of_ticket)?,
            search: key(search, of_search)?,
        })
    }

    /// HMAC-SHA256 of a request's canonical bytes: tells whether a repeated command id has the same body, and cannot be guessed
    /// from the log once the body's key is destroyed.
    #[must_use]
    pub fn request_mac(&self, canonical: &[u8]) -> [u8; 32] {
        first_bytes(&hmac::sign(&self.request, canonical))
    }

    /// The case of a ticket: always the same for a source's ticket, and not to be guessed from its number.
    #[must_use]
    pub fn case_id_for_ticket(&self, source: &SourceId, ticket: &str) -> CaseId {
        let tag = hmac::sign(&self.ticket, &joined(&[source.as_str().as_bytes(), ticket.as_bytes()]));
        CaseId(uuid::Builder::from_custom_bytes(first_bytes(&tag)).into_uuid())
    }

    /// The keyed token of a bigram, ten characters of a-z and 2-7. Equal bigrams have equal tokens, so an index of tokens tells
    /// how often each occurs, and nothing else.
    #[must_use]
    pub fn search_token(&self, bigram: &str) -> String {
        let bits = u64::from_be_bytes(first_bytes(&hmac::sign(&self.search, bigram.as_bytes())));
        let digit = |index: usize| BASE32.get(usize::try_from(bits >> (5 * index) & 31).unwrap_or(0));
        (0..TOKEN_CHARS).filter_map(digit).map(|byte| char::from(*byte)).collect()
    }
}

fn first_bytes<const N: usize>(tag: &hmac::Tag) -> [u8; N] {
    let mut bytes = [0; N];
    for (to, from) in bytes.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    bytes
}
