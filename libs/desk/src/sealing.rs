//! What a command brings for the vault: words to be sealed, contacts to be kept.
//!
//! A contact that is kept takes the place of the one before. So nobody keeps one for a case that is there already, unless a commit
//! says that it is the case's.

use case::Refusal;
use case::ids::{CaseId, KeyId};
use case::sealed::Sealed;
use tonic::Status;
use vault::{Contact, NewContact, SealRequest};
use wire::{CollectingSeal, Failure};

use crate::{Desk, of_ledger, of_vault};

impl Desk {
    /// Seals what a command says; the keys are durable when this returns.
    ///
    /// # Errors
    /// UNAVAILABLE when the vault is; FAILED_PRECONDITION when the subject was erased.
    pub async fn seal(&self, case: CaseId, collected: &CollectingSeal) -> Result<Vec<Sealed>, Status> {
        self.seal_and_keep(case, collected, &[]).await
    }

    /// Seals what is said of a case that is to be made, and keeps how its reporters can be reached; both are durable when this
    /// returns. Of a case that is there already the words are sealed alone. Whoever has contacts has a turn at the case
    /// ([`ledger::Ledger::turn`]) until it is made, so that none of another command come between.
    ///
    /// # Errors
    /// As [`Desk::seal`]; DATA_LOSS when the log cannot be read.
    pub async fn seal_new(
        &self,
        case: CaseId,
        collected: &CollectingSeal,
        contacts: Vec<wire::Contact>,
    ) -> Result<Vec<Sealed>, Status> {
        let is_new = contacts.is_empty() || !self.has_case(case).await?;
        let contacts = if is_new { contacts } else { Vec::new() };
        self.seal_and_keep(case, collected, &as_kept(contacts)).await
    }

    /// Keeps how the reporters of a case can be reached, durably. What is kept already is not written again.
    ///
    /// # Errors
    /// As [`Desk::seal`].
    pub async fn keep_contacts(&self, case: CaseId, contacts: Vec<wire::Contact>) -> Result<(), Status> {
        for (key_id, contact) in as_kept(contacts) {
            let kept = self.vault.contact(case, &key_id).await.map_err(|error| of_vault(&error))?;
            if kept.as_ref() != Some(&contact) {
                let put = self.vault.put_contact(case, &key_id, &contact).await;
                put.map_err(|error| of_vault(&error))?;
            }
        }
        Ok(())
    }

    /// Before anything is sealed for a case that is to be there, so that a made-up id leaves no key behind.
    ///
    /// # Errors
    /// NOT_FOUND, as for a case that may not be seen; DATA_LOSS when the log cannot be read.
    pub async fn must_exist(&self, case: CaseId) -> Result<(), Status> {
        if self.has_case(case).await? { Ok(()) } else { Err(Failure::Refused(Refusal::NotFound).into()) }
    }

    async fn has_case(&self, case: CaseId) -> Result<bool, Status> {
        self.ledger.has_case(case).await.map_err(|error| of_ledger(&error).into())
    }

    async fn seal_and_keep(
        &self,
        case: CaseId,
        collected: &CollectingSeal,
        contacts: &[(KeyId, Contact)],
    ) -> Result<Vec<Sealed>, Status> {
        if collected.texts.is_empty() && contacts.is_empty() {
            return Ok(Vec::new());
        }
        let texts = collected.texts.iter();
        let seals: Vec<_> =
            texts.map(|(key_id, field, plaintext)| SealRequest { case, key_id, field, plaintext }).collect();
        let kept: Vec<_> =
            contacts.iter().map(|(key_id, contact)| NewContact { case, key_id, contact }).collect();
        self.vault.seal_all(&seals, &kept).await.map_err(|error| of_vault(&error))
    }
}

/// As the vault takes them.
pub(crate) fn as_kept(contacts: Vec<wire::Contact>) -> Vec<(KeyId, Contact)> {
    let contact = |told: wire::Contact| (told.key_id, Contact { name: told.name, phone: told.phone });
    contacts.into_iter().map(contact).collect()
}
