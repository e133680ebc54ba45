//! TLS under our own authority.

use std::path::Path;

use bus::{Bus, Settings, State};
use nats_child::NatsChild;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

use crate::world::{Files, is_away, soon, until};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    Authority { issuer: Issuer::new(params, key), pem }
}

impl Authority {
    /// Certificate and key for a name.
    fn signed(&self, name: &str, purpose: ExtendedKeyUsagePurpose) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A server that shows a certificate of `authority`, and with `verify` wants one.
fn server(files: &Files, authority: &Authority, verify: bool) -> NatsChild {
    let (cert, key) = authority.signed("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let (cert, key) = (files.write("server.pem", &cert), files.write("server.key", &key));
    let ca = files.write("ca.pem", &authority.pem);
    files.server(&format!(
        "tls {{ cert_file: {cert:?}, key_file: {key:?}, ca_file: {ca:?}, verify: {verify} }}"
    ))
}

fn settings(server: &NatsChild, ca: &Path) -> Settings {
    Settings { tls_ca_file: text(ca), ..Settings::local(format!("tls://localhost:{}", server.port())) }
}

async fn reason_away(settings: &Settings) -> String {
    let bus = Bus::connect(settings, "test").await.unwrap();
    let State::Away { reason, .. } = until(&bus, is_away).await else { panic!("not away") };
    reason
}

#[tokio::test]
async fn our_own_authority_is_trusted_and_no_other() {
    let (files, ours, theirs) = (Files::new(), authority(), authority());
    let server = server(&files, &ours, false);
    let bus = Bus::connect(&settings(&server, &files.write("ours.pem", &ours.pem)), "test").await.unwrap();
    soon(bus.connected()).await;
    assert!(bus.is_connected());

    let reason = reason_away(&settings(&server, &files.write("theirs.pem", &theirs.pem))).await;
    assert!(reason.contains("certificate"), "{reason}");
}

#[tokio::test]
async fn a_server_without_tls_is_turned_down_where_it_is_demanded() {
    let files = Files::new();
    let server = NatsChild::start().unwrap();
    let ca = files.write("ca.pem", &authority().pem);
    let plain = Settings { tls_ca_file: text(&ca), ..Settings::local(server.url()) };
    assert!(!reason_away(&plain).await.is_empty());
}

#[tokio::test]
async fn a_certificate_of_ones_own_is_shown_where_it_is_wanted() {
    let (files, ours) = (Files::new(), authority());
    let server = server(&files, &ours, true);
    let ca = files.write("ours.pem", &ours.pem);
    assert!(!reason_away(&settings(&server, &ca)).await.is_empty());

    let (cert, key) = ours.signed("board", ExtendedKeyUsagePurpose::ClientAuth);
    let (tls_cert_file, tls_key_file) =
        (text(&files.write("board.pem", &cert)), text(&files.write("board.key", &key)));
    let settings = Settings { tls_cert_file, tls_key_file, ..settings(&server, &ca) };
    let bus = Bus::connect(&settings, "test").await.unwrap();
    soon(bus.connected()).await;
    assert!(bus.is_connected());
}
