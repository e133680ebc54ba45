//! A vault that was written when key and rows were one: the files of `format-1/`, and what was given out then.

use case::ids::KeyId;
use case::sealed::{SealAlgorithm, Sealed};

use super::{FIELD, LEDGER, WORDS, at, case, reporter, text};
use crate::{Contact, Host, Opened, Vault};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().collect();
    let pair = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn sealed(key_id: KeyId, nonce: &str, ciphertext: &str) -> Sealed {
    let alg = SealAlgorithm::Chacha20Poly1305;
    Sealed { alg, key_id, nonce: bytes(nonce), ciphertext: bytes(ciphertext) }
}

#[tokio::test]
async fn a_vault_of_the_first_format_opens_as_it_is_also_after_a_host_had_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("vault.key"), include_bytes!("format-1/vault.key")).unwrap();
    std::fs::write(dir.path().join("vault.sqlite"), include_bytes!("format-1/vault.database")).unwrap();
    for _ in 0..2 {
        let vault = Vault::open(dir.path(), LEDGER, std::sync::Arc::new(|| at(0))).unwrap();
        let kept = sealed(
            reporter(),
            "c76bce73c7c16e5fa51aadfe",
            "a01a9009dd5432e4f6924a25008f256067c651aebf54299aab3fc6d50417350260d95c5be50895d7a6bc6958d09a7706ad41239eef96dc063505cb",
        );
        assert_eq!(vault.open_text(case(1), FIELD, &kept).await.unwrap(), text(WORDS));
        let gone = sealed(
            KeyId::case_file(),
            "6a07a109a8086b681fe8f905",
            "d10c89fb16a32937a4bb7c8091ad9cbc5b398a11",
        );
        assert_eq!(vault.open_text(case(2), FIELD, &gone).await.unwrap(), Opened::Erased);
        let contact = Contact { name: Some("样例".to_owned()), phone: Some("13800006310".to_owned()) };
        assert_eq!(vault.contact(case(1), &reporter()).await.unwrap(), Some(contact));
        let secrets = vault.secrets().unwrap();
        let mac = bytes("de2e5282a5e43f1fa965505b5f5e607d7152696e238f7970702598f375c952c3");
        assert_eq!(secrets.request_mac(b"body").as_slice(), mac);
        let ticket = secrets.case_id_for_ticket(&"hotline-12345".parse().unwrap(), "20261121-7");
        assert_eq!(ticket.to_string(), "a0d08df8-b722-8bac-ac1f-a81c42a17d00");
        assert_eq!(secrets.search_token("井盖"), "xb7cjpgete");
        drop(vault);
        drop(Host::open(dir.path(), LEDGER, std::sync::Arc::new(|| at(0))).unwrap());
    }
}
