mod away;
mod files;
mod folding;
mod reading;
mod support;
