//! Latencies, rates, medians of rounds.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// Longest latency told apart, in microseconds: ten minutes. Longer ones count as this.
const LATENCY_MAX_US: u64 = 600_000_000;
/// Significant digits kept: a thousandth of the value.
const DIGITS: u8 = 3;

/// Latencies of some operations.
#[derive(Debug, Clone)]
pub(super) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, LATENCY_MAX_US, DIGITS)?))
    }

    pub(super) fn record(&mut self, took: Duration) {
        self.0.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1));
    }

    pub(super) fn add(&mut self, other: &Self) {
        // Both were made with the same bounds, so adding cannot fail.
        self.0.add(&other.0).unwrap_or_default();
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len()
    }

    fn at(&self, quantile: f64) -> u64 {
        if self.0.is_empty() { 0 } else { self.0.value_at_quantile(quantile) }
    }
}

/// What one round of one side came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(super) struct Round {
    /// Operations a second, over the whole time.
    pub ops_per_s: f64,
    /// Half of the operations took at most so many microseconds.
    pub p50_us: u64,
    /// 99 of 100 took at most so many.
    pub p99_us: u64,
    /// How long the folds took to catch up after the last operation, in milliseconds; counted in the rate.
    pub folds_caught_up_ms: u64,
    /// Operations done.
    pub ops: u64,
}

impl Round {
    /// A round that took `busy`, and `behind` more until the folds had caught up.
    pub(super) fn of(latencies: &Latencies, busy: Duration, behind: Duration) -> Self {
        let seconds = (busy + behind).as_secs_f64();
        let ops = latencies.count();
        Self {
            ops_per_s: if seconds > 0.0 { precise(ops) / seconds } else { 0.0 },
            p50_us: latencies.at(0.5),
            p99_us: latencies.at(0.99),
            folds_caught_up_ms: u64::try_from(behind.as_millis()).unwrap_or(u64::MAX),
            ops,
        }
    }
}

/// What all rounds came to: medians.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Result {
    /// Which measurement.
    pub bench: &'static str,
    /// Operations a second.
    pub ops_per_s: f64,
    /// Half of the operations took at most so many microseconds.
    pub p50_us: u64,
    /// 99 of 100 took at most so many.
    pub p99_us: u64,
    /// The reference's operations a second.
    pub reference_ops_per_s: f64,
    /// The reference's median latency.
    pub reference_p50_us: u64,
    /// The reference's 99th of 100.
    pub reference_p99_us: u64,
    /// Median of the rounds' ratios, ours to the reference.
    pub ratio: f64,
    /// How long the folds took to catch up, in milliseconds.
    pub folds_caught_up_ms: u64,
    /// Operations of ours in all rounds.
    pub ops: u64,
    /// Calls that failed; the client stops at its first.
    pub errors: u64,
    /// Rounds measured.
    pub rounds: usize,
}

impl Result {
    /// The medians of rounds that were measured alternately.
    pub(super) fn of(bench: &'static str, rounds: &[(Round, Round)], errors: u64) -> Self {
        let ours = |value: fn(&Round) -> f64| median(rounds.iter().map(|(ours, _)| value(ours)));
        let theirs = |value: fn(&Round) -> f64| median(rounds.iter().map(|(_, theirs)| value(theirs)));
        let ratios = rounds.iter().filter(|(_, theirs)| theirs.ops_per_s > 0.0);
        Self {
            bench,
            ops_per_s: tenths(ours(|round| round.ops_per_s)),
            p50_us: whole(ours(|round| precise(round.p50_us))),
            p99_us: whole(ours(|round| precise(round.p99_us))),
            reference_ops_per_s: tenths(theirs(|round| round.ops_per_s)),
            reference_p50_us: whole(theirs(|round| precise(round.p50_us))),
            reference_p99_us: whole(theirs(|round| precise(round.p99_us))),
            ratio: thousandths(median(ratios.map(|(ours, theirs)| ours.ops_per_s / theirs.ops_per_s))),
            folds_caught_up_ms: whole(ours(|round| precise(round.folds_caught_up_ms))),
            ops: rounds.iter().map(|(ours, _)| ours.ops).sum(),
            errors,
            rounds: rounds.len(),
        }
    }
}

/// The middle value; of an even number the mean of the two in the middle; 0 of none.
pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let upper = values.len() / 2;
    let at = |index: usize| values.get(index).copied().unwrap_or_default();
    if values.len().is_multiple_of(2) {
        f64::midpoint(at(upper.wrapping_sub(1)), at(upper))
    } else {
        at(upper)
    }
}

/// A count as a number to divide.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2⁵³, which no run reaches")]
pub(super) fn precise(count: u64) -> f64 {
    count as f64
}

/// The nearest whole number of something that cannot be negative.
pub(super) fn whole(value: f64) -> u64 {
    Duration::try_from_secs_f64(value.round()).map_or(0, |seconds| seconds.as_secs())
}

pub(super) fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

pub(super) fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
