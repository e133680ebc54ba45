//! What needs no server.

use std::ffi::OsStr;

use crate::child::port_in;
use crate::{Error, program};

#[test]
fn a_half_written_file_has_no_port_yet() {
    let whole = r#"{"nats":["nats://127.0.0.1:35771"]}"#;
    assert_eq!(port_in(whole), Some(35771));
    for cut in 0..whole.len() {
        assert_eq!(port_in(&whole[..cut]), None, "{cut}");
    }
}

#[test]
fn the_named_program_goes_before_the_installed_one() {
    let root = tempfile::tempdir().unwrap();
    let named = root.path().join("mine");
    std::fs::write(&named, "").unwrap();
    let installed = root.path().join("target/tools/nats-server/nats-server");
    std::fs::create_dir_all(installed.parent().unwrap()).unwrap();
    std::fs::write(&installed, "").unwrap();
    assert_eq!(program::find(Some(named.as_os_str()), root.path(), None).unwrap(), named);
    assert_eq!(program::find(None, root.path(), None).unwrap(), installed);
    assert_eq!(program::find(Some(OsStr::new("")), root.path(), None).unwrap(), installed);
}

#[test]
fn a_named_program_that_is_missing_is_not_replaced_by_another() {
    let root = tempfile::tempdir().unwrap();
    let missing = root.path().join("nowhere");
    assert!(matches!(program::find(Some(missing.as_os_str()), root.path(), None), Err(Error::NotAFile(_))));
}
