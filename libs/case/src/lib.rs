//! What a case is and what may happen to it: its events, its state, its rules.
//!
//! Belongs here: every event type, the one `evolve`, the decisions of the four deciding services, the edge table and the function
//! that derives clock events. Does not belong: I/O, the time of day, randomness, async, transport types, texts for people.

pub mod actor;
pub mod clocks;
pub mod closure;
pub mod escalation;
pub mod event;
mod evolve;
pub mod flow;
pub mod hands;
pub mod ids;
pub mod import;
pub mod intake;
pub mod refusal;
pub mod routing;
pub mod rules;
pub mod sealed;
pub mod state;
mod text;
pub mod time;

pub use crate::actor::Actor;
pub use crate::evolve::registry_version;
pub use crate::refusal::Refusal;
pub use crate::rules::Rules;
pub use crate::state::Case;

#[cfg(test)]
mod tests;
