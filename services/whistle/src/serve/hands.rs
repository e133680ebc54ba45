//! What tells this process the time, and whether timers may trust it.

use jiff::Timestamp;
use service_kit::clock::{Clock, Start, start_gap};
use service_kit::ops::{Check, Ready};

use crate::all::{Directory, Settings, last_tick};
use crate::exit::Failure;

/// The clock of a process, and since when it stands if it does.
#[derive(Debug, Clone)]
pub(super) struct Hands {
    pub(super) clock: Clock,
    pub(super) stands_since: Option<Timestamp>,
}

impl Hands {
    /// The machine's clock; or, after standing still too long, one that stands at the last tick, so that nothing fires.
    ///
    /// # Errors
    /// When the tick cannot be read.
    pub(super) fn of(directory: &Directory, settings: &Settings, accept_gap: bool) -> Result<Self, Failure> {
        let clock = Clock::system(settings.clock.leap_max());
        let path = directory.tick();
        let tick = last_tick(&path).map_err(|error| Failure::io(&path, &error))?;
        match (start_gap(tick, clock.now(), settings.clock.start_gap_max()), tick) {
            (Start::Gap { since_last_tick }, Some(tick)) if !accept_gap => {
                tracing::error!(
                    since = %tick,
                    gap = %since_last_tick,
                    "stood still too long; timers wait for an operator: serving, with the clock stopped there, and firing \
                     nothing. Check the machine's time, then start once with --accept-gap"
                );
                Ok(Self { clock: Clock::manual(tick).0, stands_since: Some(tick) })
            }
            (Start::Normal | Start::Gap { .. }, _) => Ok(Self { clock, stands_since: None }),
        }
    }

    /// Whether deadlines can be relied on.
    pub(super) fn check(&self) -> Check {
        let Self { clock, stands_since } = self.clone();
        let ask = move || {
            let leapt = clock.has_leapt();
            metrics::gauge!("whistle_clock_stands").set(u8::from(stands_since.is_some()));
            metrics::gauge!("whistle_clock_leapt").set(u8::from(leapt));
            judged(stands_since, leapt)
        };
        ("clock", Box::new(ask))
    }
}

pub(super) fn judged(stands_since: Option<Timestamp>, leapt: bool) -> Ready {
    match stands_since {
        Some(since) => Ready::No(format!(
            "stands since {since} and fires nothing; check the machine's time, then start once with --accept-gap"
        )),
        None if leapt => Ready::No(
            "the machine's clock leapt and is not believed; set it right, or start again if it is right"
                .to_owned(),
        ),
        None => Ready::Yes,
    }
}
