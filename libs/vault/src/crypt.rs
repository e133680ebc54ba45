//! Sealing, opening, wrapping.
//!
//! ChaCha20-Poly1305 with random 96-bit nonces. A subject's key seals the few texts of one person in one case, and the wrapping
//! key one message a subject: at 10⁸ of them two equal nonces have a chance below 10⁻¹². Key bytes are not wiped from memory;
//! they live as long as one call.

use case::ids::{CaseId, KeyId};
use case::sealed::{SealAlgorithm, Sealed};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::Error;

pub(crate) const KEY_BYTES: usize = 32;

/// Fields of the contact details. No event has a field so called.
pub(crate) const CONTACT_NAME: &str = "contact.name";
pub(crate) const CONTACT_PHONE: &str = "contact.phone";
/// Stands where a field stands when a key is wrapped.
const WRAPPED_KEY: &str = "wrapped-key";

/// Seals for one ledger, under one wrapping key.
pub(crate) struct Crypt {
    ledger: String,
    wrapping_key: LessSafeKey,
    random: SystemRandom,
}

/// A subject's key, unwrapped.
pub(crate) struct SubjectKey(LessSafeKey);

pub(crate) fn random_bytes<const N: usize>(random: &SystemRandom) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    random.fill(&mut bytes)?;
    Ok(bytes)
}

fn aead_key(bytes: &[u8]) -> Result<LessSafeKey, Error> {
    UnboundKey::new(&CHACHA20_POLY1305, bytes).map(LessSafeKey::new).map_err(|_| Error::Damaged)
}

/// The parts, each after its length, so that no two lists of parts give the same bytes.
pub(crate) fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

impl Crypt {
    pub(crate) fn new(ledger: &str, wrapping_key: LessSafeKey) -> Self {
        Self { ledger: ledger.to_owned(), wrapping_key, random: SystemRandom::new() }
    }

    fn aad(&self, case: CaseId, key_id: &KeyId, field: &str) -> Aad<Vec<u8>> {
        let case = case.0.as_bytes().as_slice();
        Aad::from(joined(&[self.ledger.as_bytes(), case, key_id.as_str().as_bytes(), field.as_bytes()]))
    }

    /// A nonce and the ciphertext with its tag.
    fn seal_bytes(
        &self,
        key: &LessSafeKey,
        aad: Aad<Vec<u8>>,
        plain: &[u8],
    ) -> Result<([u8; NONCE_LEN], Vec<u8>), Error> {
        let nonce = random_bytes(&self.random)?;
        let mut bytes = Vec::with_capacity(plain.len() + CHACHA20_POLY1305.tag_len());
        bytes.extend_from_slice(plain);
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut bytes)?;
        Ok((nonce, bytes))
    }

    fn open_bytes(
        key: &LessSafeKey,
        nonce: &[u8],
        aad: Aad<Vec<u8>>,
        sealed: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::Damaged)?;
        let mut bytes = sealed.to_vec();
        let length = key.open_in_place(nonce, aad, &mut bytes).map_err(|_| Error::Damaged)?.len();
        bytes.truncate(length);
        Ok(bytes)
    }

    fn seal_joined(&self, key: &LessSafeKey, aad: Aad<Vec<u8>>, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let (nonce, ciphertext) = self.seal_bytes(key, aad, plain)?;
        Ok([nonce.as_slice(), &ciphertext].concat())
    }

    fn open_joined(key: &LessSafeKey, aad: Aad<Vec<u8>>, blob: &[u8]) -> Result<Vec<u8>, Error> {
        let (nonce, ciphertext) = blob.split_at_checked(NONCE_LEN).ok_or(Error::Damaged)?;
        Self::open_bytes(key, nonce, aad, ciphertext)
    }

    /// A new key for a subject, as it is stored and to seal with.
    pub(crate) fn new_key(&self, case: CaseId, key_id: &KeyId) -> Result<(Vec<u8>, SubjectKey), Error> {
        let key: [u8; KEY_BYTES] = random_bytes(&self.random)?;
        let wrapped = self.seal_joined(&self.wrapping_key, self.aad(case, key_id, WRAPPED_KEY), &key)?;
        Ok((wrapped, SubjectKey(aead_key(&key)?)))
    }

    pub(crate) fn unwrap(&self, case: CaseId, key_id: &KeyId, wrapped: &[u8]) -> Result<SubjectKey, Error> {
        let key = Self::open_joined(&self.wrapping_key, self.aad(case, key_id, WRAPPED_KEY), wrapped)?;
        aead_key(&key).map(SubjectKey)
    }

    /// Wraps a constant secret of the ledger.
    pub(crate) fn wrap_secret(&self, name: &str, secret: &[u8]) -> Result<Vec<u8>, Error> {
        self.seal_joined(&self.wrapping_key, self.secret_aad(name), secret)
    }

    pub(crate) fn unwrap_secret(&self, name: &str, wrapped: &[u8]) -> Result<Vec<u8>, Error> {
        Self::open_joined(&self.wrapping_key, self.secret_aad(name), wrapped)
    }

    fn secret_aad(&self, name: &str) -> Aad<Vec<u8>> {
        Aad::from(joined(&[self.ledger.as_bytes(), b"secret", name.as_bytes()]))
    }

    pub(crate) fn new_secret(&self) -> Result<[u8; KEY_BYTES], Error> {
        random_bytes(&self.random)
    }

    pub(crate) fn seal(
        &self,
        key: &SubjectKey,
        case: CaseId,
        key_id: &KeyId,
        field: &str,
        plaintext: &str,
    ) -> Result<Sealed, Error> {
        let (nonce, ciphertext) =
            self.seal_bytes(&key.0, self.aad(case, key_id, field), plaintext.as_bytes())?;
        let alg = SealAlgorithm::Chacha20Poly1305;
        Ok(Sealed { alg, key_id: key_id.clone(), nonce: nonce.to_vec(), ciphertext })
    }

    pub(crate) fn open(
        &self,
        key: &SubjectKey,
        case: CaseId,
        field: &str,
        sealed: &Sealed,
    ) -> Result<String, Error> {
        match sealed.alg {
            SealAlgorithm::Chacha20Poly1305 => {
                let aad = self.aad(case, &sealed.key_id, field);
                let bytes = Self::open_bytes(&key.0, &sealed.nonce, aad, &sealed.ciphertext)?;
                String::from_utf8(bytes).map_err(|_| Error::Damaged)
            }
        }
    }

    pub(crate) fn seal_blob(
        &self,
        key: &SubjectKey,
        case: CaseId,
        key_id: &KeyId,
        field: &str,
        plaintext: &str,
    ) -> Result<Vec<u8>, Error> {
        self.seal_joined(&key.0, self.aad(case, key_id, field), plaintext.as_bytes())
    }

    pub(crate) fn open_blob(
        &self,
        key: &SubjectKey,
        case: CaseId,
        key_id: &KeyId,
        field: &str,
        blob: &[u8],
    ) -> Result<String, Error> {
        let bytes = Self::open_joined(&key.0, self.aad(case, key_id, field), blob)?;
        String::from_utf8(bytes).map_err(|_| Error::Damaged)
    }
}

/// The wrapping key, from the bytes of the key file.
pub(crate) fn wrapping_key(bytes: &[u8]) -> Result<LessSafeKey, Error> {
    if bytes.len() != KEY_BYTES {
        return Err(Error::WrongKey);
    }
    aead_key(bytes)
}
