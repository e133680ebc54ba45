//! TLS: the files are looked at once before the first attempt, and read anew for every connection.

use std::path::PathBuf;

use async_nats::ConnectOptions;
use async_nats::rustls::RootCertStore;
use async_nats::rustls::crypto::ring;
use async_nats::rustls::pki_types::pem::PemObject;
use async_nats::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::ConnectError;
use super::credentials::{malformed, read};
use crate::Settings;

const KEY_CA: &str = "tls_ca_file";
const KEY_CERT: &str = "tls_cert_file";
const KEY_KEY: &str = "tls_key_file";

pub(super) async fn demand(
    mut options: ConnectOptions,
    settings: &Settings,
) -> Result<ConnectOptions, ConnectError> {
    // Without a choice made rustls panics as soon as another crate brings a second library; an earlier choice stands.
    ring::default_provider().install_default().ok();
    if !settings.tls_ca_file.is_empty() {
        check_roots(&settings.tls_ca_file).await?;
        options = options.add_root_certificates(PathBuf::from(&settings.tls_ca_file));
    }
    if !settings.tls_cert_file.is_empty() {
        certificates(KEY_CERT, &settings.tls_cert_file).await?;
        let text = read(KEY_KEY, &settings.tls_key_file).await?;
        if PrivateKeyDer::from_pem_slice(text.as_bytes()).is_err() {
            return Err(malformed(KEY_KEY, &settings.tls_key_file, "holds no private key"));
        }
        let (cert, key) = (PathBuf::from(&settings.tls_cert_file), PathBuf::from(&settings.tls_key_file));
        options = options.add_client_certificate(cert, key);
    }
    Ok(options.require_tls(settings.demands_tls()))
}

async fn check_roots(path: &str) -> Result<(), ConnectError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(KEY_CA, path).await? {
        if roots.add(certificate).is_err() {
            return Err(malformed(KEY_CA, path, "holds a certificate that cannot sign others"));
        }
    }
    Ok(())
}

async fn certificates(key: &'static str, path: &str) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let text = read(key, path).await?;
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match parsed {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(malformed(key, path, "holds no certificate")),
        Err(_) => Err(malformed(key, path, "is no PEM")),
    }
}
