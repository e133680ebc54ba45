//! Roles with the key and a host without it, over a real nats-server.

#[cfg(test)]
mod listener;
#[cfg(test)]
mod riders;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod served;
