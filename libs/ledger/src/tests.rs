mod execute;
pub(crate) mod kit;
mod nats;
mod reading;
mod sim;
pub(crate) mod support;
