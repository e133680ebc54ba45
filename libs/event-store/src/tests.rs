mod commits;
mod durability;
mod following;
mod model;
mod opening;
mod support;
mod verifying;
