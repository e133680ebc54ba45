use std::path::PathBuf;

use tonic::Code;

use super::of_vault;

#[test]
fn only_what_may_pass_is_said_to_be_away() {
    for (error, code) in [(vault::Error::TooLong, "TOO_LONG"), (vault::Error::TooMany, "TOO_MANY")] {
        let status = of_vault(&error);
        assert_eq!(status.code(), Code::InvalidArgument, "{error}");
        assert!(String::from_utf8_lossy(status.details()).contains(code), "{status:?}");
    }
    for error in [vault::Error::Away, vault::Error::Poisoned, vault::Error::Locked(PathBuf::new())] {
        assert_eq!(of_vault(&error).code(), Code::Unavailable, "{error}");
    }
}
