mod outcomes;
mod phones;
mod reading;
mod streams;
mod support;
mod taking;
