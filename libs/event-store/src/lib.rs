//! Append-only streams of bytes over sled: commit, read, follow, verify; knows no cases.
