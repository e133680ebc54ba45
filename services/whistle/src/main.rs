//! 吹哨报到 (whistle-blowing report-in): all roles in one process, the demonstration, and the command line.

mod all;
mod bench;
mod cli;
mod client;
mod commands;
mod demo;
mod exit;
mod import;
mod lang;
mod output;
mod rebuild;
mod roles;
mod running;
mod sandbox;
mod seeds;
mod serve;
mod split;
mod verify;

/// The log's engine and the decoding of events allocate much in little pieces, on many threads: a seventh of the processor time of a
/// raise went into the system's allocator, a third of that goes into this one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::run()
}
