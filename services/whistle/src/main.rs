//! The whistle binary.

fn main() {}
