use proptest::prelude::*;

use crate::*;

use super::{beigangyuan, huancui};

const EVENT_BYTES_MAX: usize = 48 * 1024;

#[test]
fn a_registry_survives_being_stored_in_parts() {
    for registry in [huancui(), beigangyuan(), sample::registry()] {
        let content = registry.content().clone();
        let mut parts = content.clone().into_parts(EVENT_BYTES_MAX).unwrap();
        for part in &parts {
            assert!(serde_json::to_string(&part.json).unwrap().len() <= EVENT_BYTES_MAX, "{}", part.name);
        }
        parts.reverse();
        let again = Content::from_parts(&parts).unwrap();
        assert_eq!(again.digest(), content.digest());
        assert_eq!(again, content);
    }
}

#[test]
fn the_digest_tells_contents_apart_and_nothing_else() {
    let content = sample::content();
    assert_eq!(content.digest(), sample::content().digest());
    assert_eq!(content.digest().len(), 64);
    let mut changed = content.clone();
    changed.policies.limits.reopen_days += 1;
    assert_ne!(changed.digest(), content.digest());
}

#[test]
fn parts_that_are_not_complete_are_refused() {
    let parts = sample::content().into_parts(4_096).unwrap();
    for missing in 0..parts.len() {
        let mut fewer = parts.clone();
        fewer.remove(missing);
        assert!(Content::from_parts(&fewer).is_err(), "{}", parts[missing].name);
    }
    let mut doubled = parts.clone();
    doubled.push(parts[0].clone());
    assert!(matches!(Content::from_parts(&doubled), Err(PartsError::Incomplete(_))));
    let mut broken = parts;
    broken[0].json.truncate(3);
    assert!(matches!(Content::from_parts(&broken), Err(PartsError::Unreadable(_))));
}

#[test]
fn an_entry_larger_than_a_part_is_told() {
    assert!(matches!(sample::content().into_parts(64), Err(PartsError::EntryTooLarge { .. })));
}

proptest! {
    // Each case reads a whole registry back.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_size_of_part_gives_the_same_registry(bytes_max in 4_096_usize..20_000, seed in any::<u64>()) {
        thread_local!(static CONTENT: Content = sample::content());
        let content = CONTENT.with(Content::clone);
        let mut parts = content.clone().into_parts(bytes_max).unwrap();
        let turn = usize::try_from(seed % 97).unwrap() % parts.len();
        parts.rotate_left(turn);
        prop_assert_eq!(Content::from_parts(&parts).unwrap(), content);
    }
}

proptest! {
    #[test]
    fn degrees_read_back_as_written(micro in -180_000_000_i32..=180_000_000) {
        let degrees = Degrees::new(f64::from(micro) / 1e6).unwrap();
        prop_assert_eq!(degrees.micro(), micro);
        let json = serde_json::to_string(&degrees).unwrap();
        prop_assert_eq!(serde_json::from_str::<Degrees>(&json).unwrap(), degrees);
    }
}
