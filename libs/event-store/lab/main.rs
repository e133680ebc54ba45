//! The writer that the kill test and the power-cut lab kill, and the checks both make afterwards.
//!
//! ```text
//! store-lab write DIR SEED [FAULT]  commits until killed; prints `opening`, `opened`, `ack ID` per acknowledged commit;
//!                                    FAULT is `fail-N`: the N-th sync of the data fails, or `die-P-N`: at the N-th
//!                                    time at sync point P (0 to 3) it kills itself; the same SEED repeats its commands
//! store-lab check DIR ACKS           opens, looks for every `ack ID` of the file, prints one JSON object
//! store-lab verify DIR COPY          verifies a copy made in COPY, prints the report as JSON
//! ```

mod check;
mod write;

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use event_store::{Options, copy_for_verify, verify_copy_in_place};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match args.as_slice() {
        ["write", dir, seed] => write::run(Path::new(dir), seed, None),
        ["write", dir, seed, fault] => write::run(Path::new(dir), seed, Some(fault)),
        ["check", dir, acks] => check::run(Path::new(dir), Path::new(acks)),
        ["verify", dir, copy] => verify(Path::new(dir), Path::new(copy)),
        _ => Err("usage: store-lab write DIR SEED [FAULT] | check DIR ACKS | verify DIR COPY".into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // Nobody to tell when standard error is closed.
            writeln!(std::io::stderr(), "store-lab: {error}").ok();
            ExitCode::from(2)
        }
    }
}

fn options() -> Options {
    Options { ledger: "lab".to_owned(), cache_bytes: 16 << 20, queue_max: 1024 }
}

fn verify(dir: &Path, copy: &Path) -> Outcome<bool> {
    copy_for_verify(dir, copy)?;
    let report = verify_copy_in_place(copy);
    say(&serde_json::to_string(&report)?)?;
    Ok(report.ok)
}

/// One line, in one write: a kill leaves it whole or away.
fn say(line: &str) -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes())?;
    out.flush()?;
    Ok(())
}
