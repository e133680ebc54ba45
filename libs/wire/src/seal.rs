//! Words on their way into a command: named by key and field, sealed by whoever holds the keys.

use case::ids::KeyId;
use case::sealed::{SealAlgorithm, Sealed};

/// Seals texts while a request becomes a command.
pub trait Seal {
    /// Seals one text. `field` is the JSON key under which it will stand in the event, which its additional data names.
    fn seal(&mut self, key: &KeyId, field: &'static str, text: &str) -> Sealed;

    /// The keyed MAC of a presence code, as it is kept and compared.
    fn code_mac(&mut self, code: &str) -> String;
}

/// Notes what there is to seal and seals nothing: the first of the two runs.
#[derive(Default)]
pub struct CollectingSeal {
    /// Key, field and text, in the order met.
    pub texts: Vec<(KeyId, &'static str, String)>,
    /// Presence codes, in the order met.
    pub codes: Vec<String>,
}

impl std::fmt::Debug for CollectingSeal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CollectingSeal").field("texts", &self.texts.len()).finish()
    }
}

impl Seal for CollectingSeal {
    fn seal(&mut self, key: &KeyId, field: &'static str, text: &str) -> Sealed {
        self.texts.push((key.clone(), field, text.to_owned()));
        empty(key)
    }

    fn code_mac(&mut self, code: &str) -> String {
        self.codes.push(code.to_owned());
        String::new()
    }
}

/// Gives out texts that were sealed before, in the order they were collected: the second run.
#[derive(Debug, Default)]
pub struct ReplayingSeal {
    sealed: std::vec::IntoIter<Sealed>,
    code_macs: std::vec::IntoIter<String>,
}

impl ReplayingSeal {
    /// Holds what the vault made of [`CollectingSeal::texts`], in their order.
    #[must_use]
    pub fn new(sealed: Vec<Sealed>) -> Self {
        Self { sealed: sealed.into_iter(), code_macs: Vec::new().into_iter() }
    }

    /// Holds as well the MACs of [`CollectingSeal::codes`], in their order.
    #[must_use]
    pub fn with_code_macs(self, code_macs: Vec<String>) -> Self {
        Self { code_macs: code_macs.into_iter(), ..self }
    }
}

impl Seal for ReplayingSeal {
    /// Gives an empty seal once there are no more, or the next one is of another key: such a command opens to nothing, and a text
    /// never stands where it does not belong. It takes a conversion that is not deterministic.
    fn seal(&mut self, key: &KeyId, _field: &'static str, _text: &str) -> Sealed {
        self.sealed.next().filter(|sealed| sealed.key_id == *key).unwrap_or_else(|| empty(key))
    }

    /// Gives an empty MAC once there are no more: no code has it, so presence is not shown by it.
    fn code_mac(&mut self, _code: &str) -> String {
        self.code_macs.next().unwrap_or_default()
    }
}

/// Seals each text as it is met, where there is nobody to wait for: one run is enough.
pub struct SealingAtOnce<F, E> {
    seal: F,
    failed: Option<E>,
}

impl<F, E> SealingAtOnce<F, E> {
    /// Seals with this: the key, the field and the text.
    pub fn new(seal: F) -> Self {
        Self { seal, failed: None }
    }

    /// # Errors
    /// The first reason why a text was not sealed. What was made of the request then is not to be used.
    pub fn done(self) -> Result<(), E> {
        self.failed.map_or(Ok(()), Err)
    }
}

impl<F, E> std::fmt::Debug for SealingAtOnce<F, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealingAtOnce").field("failed", &self.failed.is_some()).finish()
    }
}

impl<F, E> Seal for SealingAtOnce<F, E>
where
    F: FnMut(&KeyId, &'static str, &str) -> Result<Sealed, E>,
{
    fn seal(&mut self, key: &KeyId, field: &'static str, text: &str) -> Sealed {
        (self.seal)(key, field, text).unwrap_or_else(|error| {
            self.failed.get_or_insert(error);
            empty(key)
        })
    }

    /// Gives an empty MAC, which no code has: who shows a code is at a case that exists.
    fn code_mac(&mut self, _code: &str) -> String {
        String::new()
    }
}

fn empty(key: &KeyId) -> Sealed {
    let alg = SealAlgorithm::Chacha20Poly1305;
    Sealed { alg, key_id: key.clone(), nonce: Vec::new(), ciphertext: Vec::new() }
}
