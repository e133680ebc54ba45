//! The vault's key file, for roles that run apart from the log.

use std::path::PathBuf;

use clap::Subcommand;

use crate::exit::{Exit, Failure};
use crate::lang::Text;
use crate::output;

/// What can be done with key files.
#[derive(Debug, Subcommand)]
pub(crate) enum VaultKey {
    /// Makes a key file; never over another. Without it nothing that was sealed under it is ever read again: keep a copy apart from
    /// the vault's backups.
    #[command(after_help = "Example:\n  whistle vault-key new /etc/whistle/vault.key")]
    New {
        /// Where to.
        file: PathBuf,
    },
}

/// Runs `vault-key`.
pub(crate) fn run(command: &VaultKey) -> Result<Exit, Failure> {
    let VaultKey::New { file } = command;
    vault::new_key_file(file).map_err(|error| {
        Failure::new(
            Exit::Io,
            "KEY_FILE",
            Text::new("无法生成密钥文件", "the key file cannot be made"),
            Text::new("换一个尚不存在的路径", "name a path where nothing is yet"),
        )
        .with([crate::all::chain(&error)])
    })?;
    output::lines(&[file.display().to_string()])?;
    Ok(Exit::Ok)
}
