//! Raising and whole cases: rounds on ours and on the reference, in turn.

use std::sync::Arc;
use std::time::Duration;

use service_kit::clock::Clock;
use service_kit::shutdown::Shutdown;

use super::acks::Acks;
use super::args::Args;
use super::caller::Script;
use super::district::{District, Tokens};
use super::load::{self, Load, Loaded, Until};
use super::stats::{self, Round};
use super::system::System;
use super::{GRACE, folds, sample};
use crate::client::Wire;
use crate::exit::Failure;
use crate::output;

/// Measures both and gives the medians.
///
/// # Errors
/// A server that does not start, is not reached, or refuses the first command.
pub(super) async fn measure(
    args: &Args,
    token: Option<&str>,
    script: Script,
) -> Result<stats::Result, Failure> {
    let (content, sandbox, mut district) = sample()?;
    if let Some(token) = token {
        district.tokens = Tokens::one(token);
    }
    let acks = match &args.acks {
        None => Acks::none(),
        Some(path) => Acks::create(path).map_err(|error| Failure::io(path, &error))?,
    };
    let shutdown = Shutdown::new();
    let system = System::start(args, content, &sandbox).await?;
    let reference = system.reference(&shutdown).await?;
    let sides = Sides {
        ours: load::connect(system.address(), args.clients.into()).await?,
        reference: load::connect(&reference.address, args.clients.into()).await?,
        acks: Arc::new(acks),
    };
    let district = Arc::new(district);
    system.warm(&sides.ours, &district).await?;
    let measured = sides.measure(args, script, district).await;
    shutdown.drain(GRACE).await;
    reference.stop().await;
    system.stop().await;
    measured
}

/// Both servers, connected.
struct Sides {
    ours: Vec<Wire>,
    reference: Vec<Wire>,
    acks: Arc<Acks>,
}

/// One round on ours.
struct Ours {
    round: Round,
    /// How long the clients were at it.
    busy: Duration,
    /// Clients that stopped at a failure.
    failed: u64,
}

impl Sides {
    async fn measure(
        &self,
        args: &Args,
        script: Script,
        district: Arc<District>,
    ) -> Result<stats::Result, Failure> {
        let clock = Clock::system(Duration::from_secs(60));
        let mut rounds = Vec::new();
        let mut errors = 0;
        let time = Duration::from_secs(args.seconds.into());
        for number in 1..=args.rounds {
            let now = clock.now();
            let load = Load {
                script,
                until: args.commands.map_or(Until::Time(time), Until::Commands),
                district: Arc::clone(&district),
                now,
                insist: args.insist,
            };
            let Ours { round: ours, busy, failed } = self.ours(&load).await?;
            // As long as ours: a server that was killed under the load does not keep anybody waiting.
            let until = args.commands.map_or(Until::Time(busy.min(time)), Until::Commands);
            let as_long = Load { until, ..load };
            let theirs = as_long.put(&self.reference, &Arc::new(Acks::none())).await?;
            let theirs = Round::of(&theirs.latencies, theirs.busy, Duration::ZERO);
            errors += failed;
            output::say(&format!(
                "round {number}: {:.0}/s, folds {} ms behind; reference {:.0}/s",
                ours.ops_per_s, ours.folds_caught_up_ms, theirs.ops_per_s
            ));
            rounds.push((ours, theirs));
            if failed > 0 {
                break;
            }
        }
        Ok(stats::Result::of(args.what.name(), &rounds, errors))
    }

    async fn ours(&self, load: &Load) -> Result<Ours, Failure> {
        let Loaded { latencies, busy, last, failures } = load.put(&self.ours, &self.acks).await?;
        let failed = u64::try_from(failures.len()).unwrap_or(u64::MAX);
        let behind = match (failures.into_iter().next(), self.ours.first()) {
            (Some(first), _) if latencies.count() == 0 => return Err(first.into()),
            (Some(first), _) => {
                output::say(&format!("{failed} clients stopped: {:?}: {}", first.code(), first.message()));
                Duration::ZERO
            }
            (None, Some(channel)) => {
                folds::caught_up(channel, &load.district.tokens.receptionist, &last, load.insist).await?
            }
            (None, None) => Duration::ZERO,
        };
        Ok(Ours { round: Round::of(&latencies, busy, behind), busy, failed })
    }
}
