mod golden;
mod names;
