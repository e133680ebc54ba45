use std::fmt;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::Position;

/// The hash algorithm of this build, as written into every commit: 1 is SHA-256.
pub(crate) const ALGORITHM: u8 = 1;

const LEAF_TAG: &[u8] = b"whistle/leaf/1\0";
const CHAIN_TAG: &[u8] = b"whistle/chain/1\0";
const EVENT_ID_TAG: &[u8] = b"whistle/event-id/1\0";

/// Head of the hash chain after some commit. All zero before the first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChainHash(pub [u8; 32]);

impl ChainHash {
    /// What the first commit of a ledger names as its previous hash.
    pub const GENESIS: ChainHash = ChainHash([0; 32]);

    /// The chain after `stored`, the exact bytes of the next commit: H(tag, previous, H(tag, algorithm, stored)).
    #[must_use]
    pub fn after(self, stored: &[u8]) -> ChainHash {
        let leaf = sha256(&[LEAF_TAG, &[ALGORITHM], stored]);
        ChainHash(sha256(&[CHAIN_TAG, &self.0, &leaf]))
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What the ids of a commit's events are derived from. An id is the same wherever it is computed, so it is stored nowhere and computed
/// where somebody is told it.
#[derive(Debug, Clone, Copy)]
pub struct EventIds<'a> {
    /// The ledger's id.
    pub ledger: &'a str,
    /// Its epoch.
    pub epoch: u32,
    /// Who commanded.
    pub principal: &'a str,
    /// Under which id.
    pub command_id: Uuid,
    /// Position of the commit's first event.
    pub first: Position,
}

impl EventIds<'_> {
    /// The id of the event at a position of the commit: UUIDv8 of SHA-256(tag, ledger, epoch, principal, command id, index), where
    /// the index counts from the commit's first event in 32 bits; texts end in a zero byte, which none has.
    #[must_use]
    pub fn at(&self, position: Position) -> Uuid {
        let [_, _, _, _, index @ ..] = position.0.saturating_sub(self.first.0).to_be_bytes();
        let hash = sha256(&[
            EVENT_ID_TAG,
            self.ledger.as_bytes(),
            &[0],
            &self.epoch.to_be_bytes(),
            self.principal.as_bytes(),
            &[0],
            self.command_id.as_bytes(),
            &index,
        ]);
        let [head @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = hash;
        Uuid::new_v8(head)
    }
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    hash
}
