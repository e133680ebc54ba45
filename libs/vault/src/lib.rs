//! Sealed texts and contact details, under keys that can be destroyed.
