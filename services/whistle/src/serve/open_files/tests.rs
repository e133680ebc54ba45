use super::too_few;

#[test]
fn a_limit_below_the_connections_and_what_else_is_open_is_told() {
    assert_eq!(too_few(Some(1_024), 4_096), Some(1_024));
    assert_eq!(too_few(Some(5_119), 4_096), Some(5_119));
    assert_eq!(too_few(Some(5_120), 4_096), None);
    assert_eq!(too_few(None, 4_096), None);
}
