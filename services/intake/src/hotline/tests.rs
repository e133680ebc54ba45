mod outcomes;
mod phones;
mod raw;
mod reading;
mod streams;
mod support;
mod taking;
