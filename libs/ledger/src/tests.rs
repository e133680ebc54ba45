mod execute;
mod reading;
pub(crate) mod support;
