//! Places, organisations, matters, responsibility matrix and policies; pure, with a linter.
//!
//! Belongs here: what the district has laid down as data, and the questions asked of it. Does not belong: cases, time of day, I/O.

pub mod ids;
