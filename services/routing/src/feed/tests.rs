mod damaged;
mod interrupted;
mod moved;
mod reading;
mod rules;
mod support;
mod telling;
