//! Test helpers: manual clock, servers on port 0, waiting for conditions, builders.
