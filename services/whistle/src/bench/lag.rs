//! How long after a command was acknowledged the department's feed tells of it; beside a bare stream of the same messages.

pub(in crate::bench) mod matching;
pub(in crate::bench) mod paced;
mod reader;
mod reference;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use service_kit::clock::Clock;

use self::paced::{Paced, Sent};
use self::reader::Reader;
use super::acks::Acks;
use super::args::Args;
use super::caller::Script;
use super::district::{District, Tokens};
use super::load::{self, Load, Until};
use super::stats::{Latencies, Round, median, precise, tenths, thousandths, whole};
use super::system::System;
use super::{folds, sample};
use crate::client::Wire;
use crate::exit::Failure;
use crate::lang::Lang;
use crate::output;

/// How long the full rate is measured for, at most.
const FULL_RATE_TIME: Duration = Duration::from_secs(5);
/// What the p99 may be at most, in p99s of the reference.
const AIM: f64 = 5.0;

/// What all rounds came to: medians. Times are in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Figures {
    bench: &'static str,
    /// Of half of the commands the feed told so soon.
    pub p50_us: u64,
    /// Of 99 of 100 it told so soon.
    pub p99_us: u64,
    /// The reference's half.
    pub reference_p50_us: u64,
    /// The reference's 99 of 100.
    pub reference_p99_us: u64,
    /// Median of the rounds' ratios of the p99s, ours to the reference: lower is better.
    pub ratio: f64,
    /// What the ratio is to be at most.
    aim: f64,
    /// Commands a second the machine took, when that was measured.
    pub full_rate_per_s: Option<f64>,
    /// Commands a second that were answered while the lag was measured.
    pub commands_per_s: f64,
    /// Commands a second that the feed told of; so many messages a second the reference sent.
    pub told_per_s: f64,
    /// Commands that were timed, in all rounds.
    pub ops: u64,
    /// Of those, commands the feed told of before their caller had the acknowledgement; they count as nothing.
    pub early: u64,
    /// Calls that failed; the client stops at its first.
    pub errors: u64,
    /// Rounds measured.
    pub rounds: usize,
}

/// One round of both.
struct Both {
    ours: Round,
    reference: Round,
    commands_per_s: f64,
    early: u64,
    errors: u64,
}

/// The measured district and those who call it.
struct Bench<'a> {
    args: &'a Args,
    system: &'a System,
    callers: Vec<Wire>,
    reader: Wire,
    district: Arc<District>,
}

/// Measures both, alternately.
///
/// # Errors
/// A server that does not start, is not reached, refuses the first command, or a feed that does not tell.
pub(super) async fn measure(args: &Args, token: Option<&str>) -> Result<Figures, Failure> {
    let (content, sandbox, mut district) = sample()?;
    if let Some(token) = token {
        district.tokens = Tokens::one(token);
    }
    let system = System::start(args, content, &sandbox).await?;
    let bench = Bench {
        args,
        system: &system,
        callers: load::connect(system.address(), args.clients.into()).await?,
        reader: Wire::connect(system.address()).await?,
        district: Arc::new(district),
    };
    let measured = Box::pin(bench.measure()).await;
    drop(bench);
    system.stop().await;
    measured
}

impl Bench<'_> {
    async fn measure(&self) -> Result<Figures, Failure> {
        self.system.warm(&self.callers, &self.district).await?;
        let time = Duration::from_secs(self.args.seconds.into());
        let (full, rate) = match self.args.rate {
            Some(rate) => (None, f64::from(rate)),
            None => {
                let full = self.full_rate(time.min(FULL_RATE_TIME)).await?;
                output::say(&format!("the machine takes {full:.0} commands a second; sending half of that"));
                (Some(full), full / 2.0)
            }
        };
        let mut rounds = Vec::new();
        for number in 1..=self.args.rounds {
            let both = self.round(rate, time).await?;
            let Both { ours, reference, .. } = &both;
            output::say(&format!(
                "round {number}: p50 {} µs, p99 {} µs; reference p50 {} µs, p99 {} µs",
                ours.p50_us, ours.p99_us, reference.p50_us, reference.p99_us
            ));
            let failed = both.errors > 0;
            rounds.push(both);
            if failed {
                break;
            }
        }
        Ok(Figures::of(full, &rounds))
    }

    /// Commands a second that clients get answered who do not wait in between.
    async fn full_rate(&self, time: Duration) -> Result<f64, Failure> {
        let load = self.load(Until::Time(time));
        let loaded = load.put(&self.callers, &Arc::new(Acks::none())).await?;
        if let Some(first) = loaded.failures.into_iter().next() {
            return Err(first.into());
        }
        folds::caught_up(&self.reader, &self.district.tokens.receptionist, &loaded.last, false).await?;
        Ok(Round::of(&loaded.latencies, loaded.busy, Duration::ZERO).ops_per_s)
    }

    fn load(&self, until: Until) -> Load {
        let now = Clock::system(Duration::from_secs(60)).now();
        Load {
            script: Script::Lifecycle,
            until,
            district: Arc::clone(&self.district),
            now,
            insist: self.args.insist,
        }
    }

    async fn round(&self, rate: f64, time: Duration) -> Result<Both, Failure> {
        let reader = Reader::subscribe(&self.reader, &self.district).await?;
        let load = self.load(Until::Time(time));
        let Sent { clients, busy, failures } = Paced { load, rate, time }.put(&self.callers).await?;
        let errors = u64::try_from(failures.len()).unwrap_or(u64::MAX);
        let last = clients.iter().flatten().map(|ack| ack.position).max().unwrap_or_default();
        if let (0, Some(first)) = (last, failures.into_iter().next()) {
            return Err(first.into());
        }
        let arrivals = reader.until(last).await?;
        let mut latencies = Latencies::new().map_err(Failure::internal)?;
        let (mut commands, mut early) = (0, 0);
        for client in &clients {
            commands += u64::try_from(client.len()).unwrap_or_default();
            for lag in matching::lags(client, &arrivals.at) {
                early += u64::from(lag.is_none());
                latencies.record(lag.unwrap_or_default());
            }
        }
        let sample = arrivals.sample.ok_or_else(|| Failure::internal("the feed told of nothing"))?;
        let ours = Round::of(&latencies, busy, Duration::ZERO);
        let stream = reference::Stream { sample, per_s: ours.ops_per_s.max(1.0), time };
        let reference = stream.measure(self.system.nats()).await?;
        let commands_per_s = precise(commands) / busy.as_secs_f64().max(f64::MIN_POSITIVE);
        Ok(Both { ours, reference, commands_per_s, early, errors })
    }
}

impl Figures {
    fn of(full_rate_per_s: Option<f64>, rounds: &[Both]) -> Self {
        let middle = |value: fn(&Both) -> u64| whole(median(rounds.iter().map(|both| precise(value(both)))));
        let ratios = rounds.iter().filter(|both| both.reference.p99_us > 0);
        let ratios = ratios.map(|both| precise(both.ours.p99_us) / precise(both.reference.p99_us));
        Self {
            bench: "lag",
            p50_us: middle(|both| both.ours.p50_us),
            p99_us: middle(|both| both.ours.p99_us),
            reference_p50_us: middle(|both| both.reference.p50_us),
            reference_p99_us: middle(|both| both.reference.p99_us),
            ratio: thousandths(median(ratios)),
            aim: AIM,
            full_rate_per_s: full_rate_per_s.map(tenths),
            commands_per_s: tenths(median(rounds.iter().map(|both| both.commands_per_s))),
            told_per_s: tenths(median(rounds.iter().map(|both| both.ours.ops_per_s))),
            ops: rounds.iter().map(|both| both.ours.ops).sum(),
            early: rounds.iter().map(|both| both.early).sum(),
            errors: rounds.iter().map(|both| both.errors).sum(),
            rounds: rounds.len(),
        }
    }

    /// The figures for people.
    pub(super) fn table(&self, lang: Lang) -> Vec<String> {
        let headings = [
            "",
            lang.pick("每秒", "a second"),
            lang.pick("中位 µs", "p50 µs"),
            lang.pick("99% µs", "p99 µs"),
        ];
        let row = |name: &str, p50: u64, p99: u64| {
            vec![name.to_owned(), format!("{:.1}", self.told_per_s), p50.to_string(), p99.to_string()]
        };
        let rows = vec![
            row(self.bench, self.p50_us, self.p99_us),
            row(lang.pick("参照", "reference"), self.reference_p50_us, self.reference_p99_us),
        ];
        let mut lines = output::table(&headings, rows);
        lines.push(match lang {
            Lang::Zh => format!("p99 之比 {:.3}(越低越好,目标不超过 {:.0})", self.ratio, self.aim),
            Lang::En => {
                format!(
                    "ratio of the p99s {:.3} (lower is better; {:.0} at most is the aim)",
                    self.ratio, self.aim
                )
            }
        });
        lines
    }
}
