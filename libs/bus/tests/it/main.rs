//! With a real nats-server.

#[cfg(test)]
mod credentials;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod service;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod world;
