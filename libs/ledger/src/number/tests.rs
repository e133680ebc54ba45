use event_store::Position;
use jiff::Timestamp;
use proptest::prelude::*;
use registry::ids::AreaCode;

use super::{ALPHABET, Number, NumberError, date, display, parse};

fn number() -> impl Strategy<Value = Number> {
    let position = prop_oneof![0..100_000_u64, any::<u64>()];
    let epoch = prop_oneof![Just(1_u32), 2..30_u32, 2..u32::MAX];
    (0..4_000_000_000_i64, 100_000..999_999_u32, position, epoch).prop_map(|(at, code, position, epoch)| {
        Number {
            date: date(Timestamp::from_second(at).unwrap()),
            code: AreaCode::new(code.to_string()).unwrap(),
            position: Position(position),
            epoch,
        }
    })
}

proptest! {
    #[test]
    fn a_number_reads_back_as_what_it_said(number in number()) {
        prop_assert_eq!(parse(&number.to_string()), Ok(number));
    }

    #[test]
    fn any_single_wrong_character_is_found(number in number(), at in any::<prop::sample::Index>(), with in any::<prop::sample::Index>()) {
        let right = number.to_string();
        let at = at.index(right.len());
        let characters: Vec<char> = ALPHABET.iter().map(|byte| char::from(*byte)).chain("-U* é".chars()).collect();
        let with = characters[with.index(characters.len())];
        let mut wrong: Vec<char> = right.chars().collect();
        wrong[at] = with;
        let wrong: String = wrong.into_iter().collect();
        prop_assume!(wrong.trim() != right);
        prop_assert!(parse(&wrong).is_err(), "{} for {}", wrong, right);
    }

    #[test]
    fn two_neighbours_that_changed_places_are_found(number in number(), at in any::<prop::sample::Index>()) {
        let right: Vec<char> = number.to_string().chars().collect();
        let at = at.index(right.len() - 1);
        let mut wrong = right.clone();
        wrong.swap(at, at + 1);
        prop_assume!(wrong != right && wrong[at] != '-' && wrong[at + 1] != '-');
        prop_assert!(parse(&wrong.into_iter().collect::<String>()).is_err());
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,80}") {
        prop_assert!(parse(&text).is_err());
    }
}

#[test]
fn a_number_looks_as_documented() {
    let code = AreaCode::new("371002").unwrap();
    let late: Timestamp = "2026-03-04T16:30:00Z".parse().unwrap();
    assert_eq!(display(late, &code, Position(4_327), 1), "20260305-371002-000477-G");
    assert_eq!(display(late, &code, Position(4_327), 2), "20260305-371002-000477-21");
}

#[test]
fn the_code_of_a_grid_is_cut_to_its_district() {
    let grid = AreaCode::new("371002001002003").unwrap();
    let district = AreaCode::new("371002").unwrap();
    let at = Timestamp::UNIX_EPOCH;
    assert_eq!(display(at, &grid, Position(1), 1), display(at, &district, Position(1), 1));
}

#[test]
fn letters_people_take_for_digits_are_read_as_digits() {
    let code = AreaCode::new("371002").unwrap();
    let right = display(Timestamp::UNIX_EPOCH, &code, Position(32), 1);
    let spoken = right.replace('0', "o").replace('1', "l");
    assert_eq!(parse(&spoken), parse(&right));
    assert!(parse(&right).is_ok());
}

#[test]
fn a_text_of_another_form_is_told_apart_from_a_slip() {
    let code = AreaCode::new("371002").unwrap();
    let right = display(Timestamp::UNIX_EPOCH, &code, Position(32), 1);
    let slip = right.replace("000010", "000011");
    assert_eq!(parse(&slip), Err(NumberError::Check));
    for other in ["", "-", "---", "20260305-371002", "20261305-371002-000010-0", &"9".repeat(100)] {
        assert_eq!(parse(other), Err(NumberError::Form), "{other}");
    }
}
