//! Users whom no server lists: an account signs for them, and an operator for the account (JWT and seed in one file).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bus::{Bus, Settings};
use nats_child::NatsChild;
use nkeys::KeyPair;
use serde_json::{Value, json};

use crate::world::{Files, PATIENCE, bytes, is_away, serve_echo, soon, subject, until};

/// Who signs for whom, and a server that believes it.
struct Trust {
    account: KeyPair,
    files: Files,
    server: NatsChild,
}

impl Trust {
    fn new() -> Self {
        let (operator, account, files) = (KeyPair::new_operator(), KeyPair::new_account(), Files::new());
        let unlimited = json!({
            "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1,
        });
        let own = signed(&operator, &operator, json!({ "type": "operator", "version": 2 }));
        let of_account =
            signed(&operator, &account, json!({ "type": "account", "version": 2, "limits": unlimited }));
        let config = format!(
            "operator: {own}\nresolver: MEMORY\nresolver_preload: {{ {}: {of_account} }}\n",
            account.public_key()
        );
        let server = files.server(&config);
        Self { account, files, server }
    }

    /// A user who may publish there, with a file that an account signed.
    fn user(&self, name: &str, signs: &KeyPair, publish: &[&str]) -> Settings {
        let user = KeyPair::new_user();
        let claims = json!({
            "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1, "pub": { "allow": publish }, "sub": {},
        });
        let text = format!(
            "-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
            signed(signs, &user, claims),
            user.seed().unwrap()
        );
        let file = self.files.write(&format!("{name}.creds"), &text);
        Settings {
            credentials_file: file.to_string_lossy().into_owned(),
            ..Settings::local(self.server.url())
        }
    }
}

/// A token as NATS wants it (nats-io/jwt, version 2): the claims of one key, signed by another.
fn signed(issuer: &KeyPair, subject: &KeyPair, claims: Value) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({ "typ": "JWT", "alg": "ed25519-nkey" }));
    let body = part(json!({
        "jti": "test", "iat": 0, "iss": issuer.public_key(), "sub": subject.public_key(), "name": "test", "nats": claims,
    }));
    let text = format!("{header}.{body}");
    let signature = issuer.sign(text.as_bytes()).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn a_user_whom_an_account_signed_for_may_do_what_the_token_says() {
    let trust = Trust::new();
    let connected = async |settings: Settings| {
        let bus = Bus::connect(&settings, "test").await.unwrap();
        soon(bus.connected()).await;
        bus
    };
    let ledger = connected(trust.user("ledger", &trust.account, &[">"])).await;
    let _serving = serve_echo(&ledger).await;
    let board = connected(trust.user("board", &trust.account, &["test.echo"])).await;
    let echo = subject(&["test", "echo"]);
    assert_eq!(board.request(&echo, bytes("?"), None, PATIENCE).await, Ok(bytes("|?")));

    let mut refusals = board.refusals();
    board.publish(&subject(&["test", "log"]), bytes("?"), None).await.unwrap();
    let refused = soon(refusals.wait_for(|refusals| refusals.count == 1)).await.unwrap().clone();
    assert!(refused.last.contains("Publish to \"test.log\""), "{refused:?}");
}

#[tokio::test]
async fn a_user_whom_a_stranger_signed_for_stays_outside() {
    let trust = Trust::new();
    let settings = trust.user("stranger", &KeyPair::new_account(), &[">"]);
    let stranger = Bus::connect(&settings, "test").await.unwrap();
    until(&stranger, is_away).await;
    assert!(stranger.refusals().borrow().count > 0);
}
