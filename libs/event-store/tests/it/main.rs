//! What only a process of its own can show: being killed, ending itself, crashing on damaged files.

#[cfg(test)]
mod damage;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod seed;
