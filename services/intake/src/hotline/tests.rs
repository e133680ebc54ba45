mod outcomes;
mod reading;
mod streams;
mod support;
mod taking;
