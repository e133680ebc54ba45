use bytes::Bytes;
use case::ids::KeyId;
use vault::{NewContact, Opened, RiderRefused, SealRequest, SealedNew, Vault};

use crate::served::{FIELD, Served, WORDS, case, contact, reporter, text};

/// A new case with words and a contact of one reporter, and words of the case file.
async fn raised(role: &Vault, number: u128) -> SealedNew {
    let (of_case, key_id, person) = (KeyId::case_file(), reporter(), contact());
    let seal = |key_id| SealRequest { case: case(number), key_id, field: FIELD, plaintext: WORDS };
    let kept = NewContact { case: case(number), key_id: &key_id, contact: &person };
    role.seal_new(&[seal(&key_id), seal(&of_case)], &[kept]).await.unwrap()
}

async fn keep(served: &Served, rider: &[u8]) -> Result<(), RiderRefused> {
    served.host.ensure_riders(&[rider]).await.pop().unwrap()
}

#[tokio::test]
async fn a_rider_makes_a_new_case_readable_for_all_once_it_is_kept() {
    let served = Served::start().await;
    let (one, other) = (served.role().await, served.role().await);
    let SealedNew { sealed, rider } = raised(&one, 1).await;
    let rider = rider.unwrap();
    assert_eq!(other.open_text(case(1), FIELD, &sealed[0]).await.unwrap(), Opened::Lost, "not yet");
    keep(&served, &rider).await.unwrap();
    keep(&served, &rider).await.unwrap();
    for sealed in &sealed {
        assert_eq!(other.open_text(case(1), FIELD, sealed).await.unwrap(), text(WORDS));
    }
    assert_eq!(other.contact(case(1), &reporter()).await.unwrap(), Some(contact()));
    let nothing = one.seal_new(&[], &[]).await.unwrap();
    assert_eq!(nothing, SealedNew { sealed: Vec::new(), rider: None });
}

#[tokio::test]
async fn a_rider_for_a_case_that_has_keys_is_refused_and_spoils_nothing() {
    let served = Served::start().await;
    let (one, other) = (served.role().await, served.role().await);
    let first = raised(&one, 1).await;
    let second = raised(&other, 1).await;
    keep(&served, &first.rider.unwrap()).await.unwrap();
    let refused = keep(&served, &second.rider.unwrap()).await;
    assert!(matches!(refused, Err(RiderRefused::Exists)), "{refused:?}");
    assert_eq!(other.open_text(case(1), FIELD, &first.sealed[0]).await.unwrap(), text(WORDS));
    assert_eq!(one.contact(case(1), &reporter()).await.unwrap(), Some(contact()));

    let again = other.seal(case(1), &reporter(), FIELD, "楼上").await.unwrap();
    assert_eq!(one.open_text(case(1), FIELD, &again).await.unwrap(), text("楼上"), "sealed the ordinary way");
}

#[tokio::test]
async fn a_rider_for_somebody_who_was_erased_is_refused() {
    let served = Served::start().await;
    let role = served.role().await;
    role.destroy_key(case(1), &reporter()).await.unwrap();
    let refused = keep(&served, &raised(&role, 1).await.rider.unwrap()).await;
    assert!(matches!(refused, Err(RiderRefused::Destroyed)), "{refused:?}");
}

#[tokio::test]
async fn bytes_that_are_no_rider_are_refused() {
    let served = Served::start().await;
    let rider = raised(&served.role().await, 1).await.rider.unwrap();
    let mut others: Vec<Bytes> = (0..rider.len()).map(|end| rider.slice(..end)).collect();
    others.push([rider.as_ref(), &[0]].concat().into());
    others.push([&[2], &rider[1..]].concat().into());
    for bytes in others {
        let refused = keep(&served, &bytes).await;
        assert!(matches!(refused, Err(RiderRefused::Malformed)), "{} bytes: {refused:?}", bytes.len());
    }
    keep(&served, &rider).await.unwrap();
}

#[tokio::test]
async fn riders_that_come_together_are_kept_or_refused_each_by_itself() {
    let served = Served::start().await;
    let role = served.role().await;
    role.destroy_key(case(3), &reporter()).await.unwrap();
    let mut riders = Vec::new();
    for number in [1, 2, 1, 3, 4] {
        riders.push(raised(&role, number).await.rider.unwrap());
    }
    riders[1] = Bytes::from_static(b"no rider");
    let together: Vec<&[u8]> = riders.iter().map(AsRef::as_ref).collect();
    let kept = served.host.ensure_riders(&together).await;
    use RiderRefused::{Destroyed, Exists, Malformed};
    assert!(
        matches!(kept.as_slice(), [Ok(()), Err(Malformed), Err(Exists), Err(Destroyed), Ok(())]),
        "{kept:?}"
    );
    for number in [1, 4] {
        assert_eq!(role.contact(case(number), &reporter()).await.unwrap(), Some(contact()));
    }
    assert_eq!(role.contact(case(2), &reporter()).await.unwrap(), None, "nothing of what does not read");
}

#[tokio::test]
async fn a_vault_with_rows_of_its_own_gives_no_rider() {
    let dir = tempfile::tempdir().unwrap();
    let now = std::sync::Arc::new(|| crate::served::at(0));
    let vault = Vault::open(dir.path(), crate::served::JURISDICTION, now).unwrap();
    let SealedNew { sealed, rider } = raised(&vault, 1).await;
    assert_eq!(rider, None);
    assert_eq!(vault.open_text(case(1), FIELD, &sealed[0]).await.unwrap(), text(WORDS));
    assert_eq!(vault.contact(case(1), &reporter()).await.unwrap(), Some(contact()));
}
