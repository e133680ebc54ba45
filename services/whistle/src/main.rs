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

fn main() -> std::process::ExitCode {
    cli::run()
}
