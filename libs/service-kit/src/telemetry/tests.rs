use super::{Error, begin, literal};

#[test]
fn a_filter_that_does_not_read_is_refused_and_a_second_start_too() {
    assert!(matches!(begin("info,a=b=c", true), Err(Error::Filter(_))));
    begin("off", true).unwrap();
    assert!(matches!(begin("off", false), Err(Error::Twice(_))));
}

#[test]
fn a_formatted_panic_text_is_withheld() {
    assert_eq!(literal(&"index out of step"), "index out of step");
    assert_eq!(literal(&String::from("caller is 13800000000")), "withheld, may hold data");
}
