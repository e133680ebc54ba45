//! How many new reporters a second the vault takes: each with a key of its own, a sealed text and contact details, durable
//! before the answer. `cargo run -p vault --example seal_rate -- DIR [CLIENTS] [SECONDS]`; DIR must be new or empty and on the
//! disk to be measured.
#![expect(clippy::print_stdout, reason = "prints its figures")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use case::ids::{CaseId, KeyId};
use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::Instant;
use vault::{Contact, NewContact, SealRequest, Vault};

const WORDS: &str = "前进街8号楼下夜里停车又堵了消防通道，说了三次没人来，今天两家人动了手。";

async fn client(vault: Vault, number: usize, until: Instant) -> Result<Vec<Duration>, vault::Error> {
    let key_id = KeyId::reporter(1);
    let contact = Contact { name: Some("样例".to_owned()), phone: Some("13800000000".to_owned()) };
    let mut took = Vec::new();
    while Instant::now() < until {
        let case = CaseId::derived("seal-rate", &[&number.to_be_bytes(), &took.len().to_be_bytes()]);
        let seal = SealRequest { case, key_id: &key_id, field: "CaseRaised.text", plaintext: WORDS };
        let begun = Instant::now();
        vault.seal_all(&[seal], &[NewContact { case, key_id: &key_id, contact: &contact }]).await?;
        took.push(begun.elapsed());
    }
    Ok(took)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir: PathBuf = arguments.next().ok_or("usage: seal_rate DIR [CLIENTS] [SECONDS]")?.into();
    let clients: usize = arguments.next().map_or(Ok(64), |text| text.parse())?;
    let seconds: u64 = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let vault = Vault::open(&dir, "measured", Arc::new(|| Timestamp::UNIX_EPOCH))?;
    let (begun, length) = (Instant::now(), Duration::from_secs(seconds));
    let mut running = JoinSet::new();
    for number in 0..clients {
        running.spawn(client(vault.clone(), number, begun + length));
    }
    let mut took = Vec::new();
    for of_one in running.join_all().await {
        took.extend(of_one?);
    }
    took.sort();
    let rate = took.len() as f64 / begun.elapsed().as_secs_f64();
    let at = |permille: usize| took.get(took.len() * permille / 1000).copied().unwrap_or_default();
    println!("{clients} clients: {rate:.0} reporters/s, p50 {:?}, p99 {:?}", at(500), at(990));
    Ok(())
}
