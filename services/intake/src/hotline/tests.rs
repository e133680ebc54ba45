mod outcomes;
mod reading;
mod support;
mod taking;
