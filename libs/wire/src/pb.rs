//! What is generated from `proto/`; the comments there are its documentation.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::missing_errors_doc,
    clippy::large_futures,
    clippy::too_many_lines,
    clippy::allow_attributes_without_reason,
    clippy::wildcard_enum_match_arm,
    reason = "generated"
)]

include!(concat!(env!("OUT_DIR"), "/pb.rs"));
