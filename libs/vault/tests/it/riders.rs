use bytes::Bytes;
use case::ids::KeyId;
use case::sealed::Sealed;
use vault::{Contact, Error, Opened, RiderRefused, Vault};

use crate::served::{FIELD, Served, WORDS, case, contact, reporter, text};

/// A new case with words and a contact of one reporter, and words of the case file.
fn raised(role: &Vault, number: u128) -> (Vec<Sealed>, Bytes) {
    let mut new = role.new_case(case(number)).unwrap().unwrap();
    let sealed = [reporter(), KeyId::case_file()].map(|key_id| new.seal(&key_id, FIELD, WORDS).unwrap());
    new.keep(&reporter(), &contact()).unwrap();
    (sealed.into(), new.rider().unwrap().unwrap())
}

async fn keep(served: &Served, rider: &[u8]) -> Result<(), RiderRefused> {
    served.host.ensure_riders(&[rider]).await.pop().unwrap()
}

#[tokio::test]
async fn a_rider_makes_a_new_case_readable_for_all_once_it_is_kept() {
    let served = Served::start().await;
    let (one, other) = (served.role().await, served.role().await);
    let (sealed, rider) = raised(&one, 1);
    assert_eq!(other.open_text(case(1), FIELD, &sealed[0]).await.unwrap(), Opened::Lost, "not yet");
    keep(&served, &rider).await.unwrap();
    keep(&served, &rider).await.unwrap();
    for sealed in &sealed {
        assert_eq!(other.open_text(case(1), FIELD, sealed).await.unwrap(), text(WORDS));
    }
    assert_eq!(other.contact(case(1), &reporter()).await.unwrap(), Some(contact()));
    assert_eq!(
        one.new_case(case(2)).unwrap().unwrap().rider().unwrap(),
        None,
        "nothing said, nothing to keep"
    );
}

#[tokio::test]
async fn a_rider_for_a_case_that_has_keys_is_refused_and_spoils_nothing() {
    let served = Served::start().await;
    let (one, other) = (served.role().await, served.role().await);
    let (first, kept) = raised(&one, 1);
    let (_, late) = raised(&other, 1);
    keep(&served, &kept).await.unwrap();
    let refused = keep(&served, &late).await;
    assert!(matches!(refused, Err(RiderRefused::Exists)), "{refused:?}");
    assert_eq!(other.open_text(case(1), FIELD, &first[0]).await.unwrap(), text(WORDS));
    assert_eq!(one.contact(case(1), &reporter()).await.unwrap(), Some(contact()));

    let again = other.seal(case(1), &reporter(), FIELD, "楼上").await.unwrap();
    assert_eq!(one.open_text(case(1), FIELD, &again).await.unwrap(), text("楼上"), "sealed the ordinary way");
}

#[tokio::test]
async fn a_rider_for_somebody_who_was_erased_is_refused() {
    let served = Served::start().await;
    let role = served.role().await;
    role.destroy_key(case(1), &reporter()).await.unwrap();
    let refused = keep(&served, &raised(&role, 1).1).await;
    assert!(matches!(refused, Err(RiderRefused::Destroyed)), "{refused:?}");
}

#[tokio::test]
async fn bytes_that_are_no_rider_are_refused() {
    let served = Served::start().await;
    let (_, rider) = raised(&served.role().await, 1);
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
    let mut riders = [1, 2, 1, 3, 4].map(|number| raised(&role, number).1);
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

#[test]
fn a_vault_with_rows_of_its_own_needs_no_rider() {
    let dir = tempfile::tempdir().unwrap();
    let now = std::sync::Arc::new(|| crate::served::at(0));
    let vault = Vault::open(dir.path(), crate::served::JURISDICTION, now).unwrap();
    assert!(vault.new_case(case(1)).unwrap().is_none());
}

#[tokio::test]
async fn what_is_too_long_or_too_much_is_not_sealed_for_a_new_case() {
    let served = Served::start().await;
    let role = served.role().await;
    let mut new = role.new_case(case(1)).unwrap().unwrap();
    let long = |bytes| "x".repeat(bytes);
    let sealed = new.seal(&reporter(), FIELD, &long(vault::TEXT_BYTES_MAX + 1));
    assert!(matches!(sealed, Err(Error::TooLong)), "{sealed:?}");
    let person = Contact { name: Some(long(vault::CONTACT_BYTES_MAX + 1)), phone: None };
    assert!(matches!(new.keep(&reporter(), &person), Err(Error::TooLong)));
    for number in (1..).take(vault::REQUESTS_MAX) {
        new.seal(&KeyId::reporter(number), FIELD, WORDS).unwrap();
    }
    assert!(matches!(new.seal(&KeyId::case_file(), FIELD, WORDS), Err(Error::TooMany)));
    assert!(!format!("{new:?}").contains(WORDS));
}
