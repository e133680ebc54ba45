//! Who we are for the server.

use std::path::{Path, PathBuf};

use async_nats::ConnectOptions;

use super::ConnectError;
use crate::Settings;

/// Far above every password, seed and certificate chain; keeps a wrong file from filling the memory.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A seed of a user in nkey's base 32.
const SEED_CHARS: usize = 58;

pub(super) async fn present(
    options: ConnectOptions,
    settings: &Settings,
) -> Result<ConnectOptions, ConnectError> {
    if !settings.password_file.is_empty() {
        let password = read(KEY_PASSWORD, &settings.password_file).await?;
        return Ok(options.user_and_password(settings.user.clone(), password.trim().to_owned()));
    }
    if !settings.credentials_file.is_empty() {
        let text = read(KEY_CREDENTIALS, &settings.credentials_file).await?;
        let what = "holds no user's JWT and seed";
        return options
            .credentials(&text)
            .map_err(|_| malformed(KEY_CREDENTIALS, &settings.credentials_file, what));
    }
    if !settings.nkey_seed_file.is_empty() {
        let seed = read(KEY_SEED, &settings.nkey_seed_file).await?;
        let seed = seed.trim();
        let is_base32 = |byte: u8| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte);
        if !seed.starts_with("SU") || seed.len() != SEED_CHARS || !seed.bytes().all(is_base32) {
            return Err(malformed(KEY_SEED, &settings.nkey_seed_file, "holds no seed of a user"));
        }
        return Ok(options.nkey(seed.to_owned()));
    }
    Ok(options)
}

const KEY_PASSWORD: &str = "password_file";
const KEY_CREDENTIALS: &str = "credentials_file";
const KEY_SEED: &str = "nkey_seed_file";

/// The text of a file that a key names.
pub(super) async fn read(key: &'static str, path: &str) -> Result<String, ConnectError> {
    let unreadable = |source| ConnectError::Unreadable { key, path: PathBuf::from(path), source };
    let metadata = tokio::fs::metadata(path).await.map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(malformed(key, path, "is no file"));
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(malformed(key, path, "is far too large"));
    }
    let text = tokio::fs::read_to_string(path).await.map_err(unreadable)?;
    if text.trim().is_empty() { Err(malformed(key, path, "is empty")) } else { Ok(text) }
}

pub(super) fn malformed(key: &'static str, path: &str, what: &str) -> ConnectError {
    ConnectError::Malformed { key, path: Path::new(path).to_path_buf(), what: what.to_owned() }
}
