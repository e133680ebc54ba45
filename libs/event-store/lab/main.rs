//! The writer that the kill test and the power-cut lab kill.

fn main() {}
