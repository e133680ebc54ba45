//! How to reach the server, and as whom.

use std::time::Duration;

use async_nats::ServerAddr;
use serde::Deserialize;

use crate::subject;

/// How the subjects begin that answers go to, ours and those of NATS's own tools. Endpoints answer nowhere else: an answer could pass
/// for something that only they may say. The questions of `$SRV` are not theirs: the client library answers wherever it is told to,
/// so the server's rules must say who may ask.
pub(crate) const INBOX: &str = "_INBOX";

/// Servers that may be listed; a cluster of ours has three.
const SERVERS_MAX: usize = 16;

/// Ten minutes: whoever waits longer for one answer waits for nothing.
const REQUEST_TIMEOUT_MS_MAX: u64 = 600_000;

/// Settings of a connection. Secrets are files: nothing here is secret. An empty text means none.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `nats://host:port` or `tls://host:port`, several separated by commas. Without user and password.
    pub url: String,
    /// User name, with `password_file`.
    pub user: String,
    /// File with the password of `user`; white space around it is not part of it.
    pub password_file: String,
    /// File with a user's JWT and seed, as `nsc` writes it.
    pub credentials_file: String,
    /// File with a user's nkey seed (`SU...`).
    pub nkey_seed_file: String,
    /// File with the certificates (PEM) that sign the server's; empty: the system's. If set, TLS is demanded.
    pub tls_ca_file: String,
    /// File with our own certificate (PEM), with `tls_key_file`. If set, TLS is demanded.
    pub tls_cert_file: String,
    /// File with the key (PEM) of `tls_cert_file`.
    pub tls_key_file: String,
    /// Subject that answers to us come under, in tokens joined by dots, beginning with `_INBOX`; empty: `_INBOX_<user>`, or `_INBOX` without a user.
    pub inbox_prefix: String,
    /// How long an answer is waited for, in milliseconds, 1 to 600,000.
    pub request_timeout_ms: u64,
}

impl Settings {
    /// A server at `url` without users and TLS, and 5 s for a request.
    pub fn local(url: impl Into<String>) -> Settings {
        Settings {
            url: url.into(),
            user: String::new(),
            password_file: String::new(),
            credentials_file: String::new(),
            nkey_seed_file: String::new(),
            tls_ca_file: String::new(),
            tls_cert_file: String::new(),
            tls_key_file: String::new(),
            inbox_prefix: String::new(),
            request_timeout_ms: 5_000,
        }
    }

    /// How long an answer is waited for.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    /// Everything that is wrong, as (key, what). Files are not looked at.
    pub fn faults(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, what: String| faults.push((key.to_owned(), what));
        if let Err(what) = self.servers() {
            fault("url", what);
        }
        if self.user.is_empty() != self.password_file.is_empty() {
            fault("user", "goes together with password_file".to_owned());
        }
        let ways = [&self.password_file, &self.credentials_file, &self.nkey_seed_file];
        if ways.into_iter().filter(|file| !file.is_empty()).count() > 1 {
            let what = "only one of password_file, credentials_file and nkey_seed_file can be used";
            fault("credentials_file", what.to_owned());
        }
        if self.tls_cert_file.is_empty() != self.tls_key_file.is_empty() {
            fault("tls_cert_file", "goes together with tls_key_file".to_owned());
        }
        if !self.inbox().starts_with(INBOX) {
            fault("inbox_prefix", format!("must begin with {INBOX}: services answer nowhere else"));
        }
        for (index, token) in self.inbox().split('.').enumerate() {
            if let Err(bad) = subject::check_token(index, token) {
                let key = if self.inbox_prefix.is_empty() { "user" } else { "inbox_prefix" };
                fault(key, format!("makes no inbox: {bad}"));
            }
        }
        if !(1..=REQUEST_TIMEOUT_MS_MAX).contains(&self.request_timeout_ms) {
            fault("request_timeout_ms", format!("must be 1 to {REQUEST_TIMEOUT_MS_MAX}"));
        }
        faults
    }

    /// The prefix in force.
    pub(crate) fn inbox(&self) -> String {
        match (self.inbox_prefix.as_str(), self.user.as_str()) {
            ("", "") => "_INBOX".to_owned(),
            ("", user) => format!("_INBOX_{user}"),
            (prefix, _) => prefix.to_owned(),
        }
    }

    /// Whether a server without TLS is turned down.
    pub(crate) fn demands_tls(&self) -> bool {
        !self.tls_ca_file.is_empty() || !self.tls_cert_file.is_empty()
    }

    /// The listed servers, or what is wrong with the list. The text is not repeated: it may hold a password by mistake.
    pub(crate) fn servers(&self) -> Result<Vec<ServerAddr>, String> {
        let servers: Vec<_> = self.url.split(',').map(str::trim).collect();
        if servers.len() > SERVERS_MAX {
            return Err(format!("lists more than {SERVERS_MAX} servers"));
        }
        servers.into_iter().enumerate().map(|(index, url)| server(index + 1, url)).collect()
    }
}

fn server(number: usize, url: &str) -> Result<ServerAddr, String> {
    if !url.starts_with("nats://") && !url.starts_with("tls://") {
        return Err(format!("server {number} must be nats://host:port or tls://host:port"));
    }
    let address: ServerAddr = url.parse().map_err(|_| format!("server {number} is no url"))?;
    if address.username().is_some() || address.password().is_some() {
        return Err(format!("server {number}: user and password do not belong in the url"));
    }
    if address.host().is_empty() {
        return Err(format!("server {number} has no host"));
    }
    Ok(address)
}
