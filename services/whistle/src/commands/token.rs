//! Making tokens. The server's file holds their digests only.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use crate::cli::Common;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format};
use crate::sandbox::Sandbox;
use crate::seeds;

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Makes a random token and shows it once, with the digest that goes into the server's file.
    #[command(after_help = "\
Example:
  whistle token new

Put the digest into principals.toml:
  [[principal]]
  token_sha256 = \"...\"
  id = \"p-0001\"
  person = \"p-0001\"
  org = \"centre\"
  roles = [\"receptionist\"]")]
    New,
    /// Prints a principals file with fixed tokens for everybody in a registry, for trying things out. Anybody can guess them.
    #[command(after_help = "\
Example:
  whistle token sandbox seeds/huancui > sandbox.toml
  whistle serve --data ./try --principals sandbox.toml --registry seeds/huancui")]
    Sandbox {
        /// The directory of the registry's files.
        dir: PathBuf,
    },
}

/// Runs `token`.
pub(crate) fn run(command: &Token, common: &Common) -> Result<Exit, Failure> {
    match command {
        Token::New => new(common),
        Token::Sandbox { dir } => {
            let sandbox = Sandbox::of(&seeds::from_dir(dir)?)?;
            output::lines(&[sandbox.file()])?;
            Ok(Exit::Ok)
        }
    }
}

fn new(common: &Common) -> Result<Exit, Failure> {
    let random: [u8; 32] = ring::rand::generate(&ring::rand::SystemRandom::new())
        .map_err(|_unspecified| Failure::internal("the system gives no randomness"))?
        .expose();
    let token: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let digest = service_kit::principals::token_sha256(&token);
    match common.output {
        Format::Json => output::json(&json!({ "token": token, "token_sha256": digest }))?,
        Format::Table => {
            output::lines(&[format!("token: {token}"), format!("token_sha256 = \"{digest}\"")])?;
        }
    }
    Ok(Exit::Ok)
}
