//! The binary from outside: what it prints, how it ends, what survives its death.

#[cfg(test)]
mod away;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod chaos;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod deploy;
#[cfg(test)]
mod district;
#[cfg(test)]
mod help;
#[cfg(test)]
mod nats_line;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod process;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod split;
#[cfg(test)]
mod units;
#[cfg(test)]
mod verify;
