//! The closure service.
