//! Text that only a key of the vault opens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::KeyId;
use crate::text::read_text;

/// Sealed text (密封文字): ciphertext in the log, readable while its key lives, and provable after it is destroyed.
///
/// Sealed before any decision is made, so the chain covers ciphertext. Additional data is (ledger, case, key id, field), each
/// prefixed with its length: a text cannot be moved to another case or field unnoticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The algorithm of the seal.
    pub alg: SealAlgorithm,
    /// The data subject's key in this case.
    pub key_id: KeyId,
    /// The nonce, 12 bytes with [`SealAlgorithm::Chacha20Poly1305`].
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub nonce: Vec<u8>,
    /// Ciphertext with its tag.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub ciphertext: Vec<u8>,
}

/// How a text is sealed. The name is stored; a new algorithm is a new name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SealAlgorithm {
    /// RFC 8439, 96-bit random nonces; one key seals few messages, so they do not collide.
    #[serde(rename = "CHACHA20_POLY1305")]
    Chacha20Poly1305,
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    read_text(deserializer, |text| STANDARD.decode(text).map_err(|e| e.to_string()))
}
