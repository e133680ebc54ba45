//! A sample district running in this process, on a clock that is stepped.

use std::path::Path;
use std::time::Duration;

use case::Rules;
use case::event::parts::Profile;
use case::flow::Status;
use case::ids::CaseId;
use case::state::Case;
use case::time::At;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use registry::Mode;
use service_kit::clock::{Clock, Manual};
use service_kit::shutdown::Shutdown;
use tokio::net::TcpListener;

use crate::all::{AllInOne, Options, Settings};
use crate::client::{Client, Wire};
use crate::exit::Failure;
use crate::running::Running;
use crate::sandbox::{Sandbox, Seat};
use crate::seeds::Sample;
use crate::split::Six;

/// Where the stories happen.
const ZONE: &str = "Asia/Shanghai";
/// When they begin: a Monday.
const BEGINNING: DateTime = jiff::civil::date(2025, 9, 1).at(8, 0, 0, 0);
/// How long the services may take to do what time asks of them. They take milliseconds; this is for a machine that stands.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a district runs.
pub(super) enum Place {
    /// All roles in one, on this port.
    Listening(TcpListener),
    /// Six roles, at the NATS server of the settings.
    OverNats,
}

/// A sample district, running.
pub(super) struct District {
    /// Which sample.
    pub sample: Sample,
    /// Who is who.
    pub sandbox: Sandbox,
    /// Steps the clock.
    pub clock: Manual,
    /// The district's time zone.
    pub zone: TimeZone,
    /// The services.
    pub running: Running,
    /// Ends them.
    pub shutdown: Shutdown,
    wire: Wire,
}

impl District {
    /// Starts a district in a directory, at the beginning of its stories.
    ///
    /// # Errors
    /// [`Failure`] when anything of it does not start.
    pub(super) async fn start(
        sample: Sample,
        data: &Path,
        place: Place,
        settings: Settings,
    ) -> Result<Self, Failure> {
        let zone = TimeZone::get(ZONE).map_err(Failure::internal)?;
        let begin = zone.to_timestamp(BEGINNING).map_err(Failure::internal)?;
        let (clock, manual) = Clock::manual(begin);
        let content = sample.content()?;
        let sandbox = Sandbox::of(&content)?;
        let shutdown = Shutdown::new();
        let principals = sandbox.principals.clone();
        let running = match place {
            Place::Listening(listener) => {
                let (data, first) = (data.to_owned(), Some(content));
                let options = Options { data, clock, principals, first, settings };
                let all = AllInOne::start(options, listener, &shutdown).await;
                Running::AllInOne(Box::new(all.map_err(crate::serve::not_started)?))
            }
            Place::OverNats => {
                let six = Box::pin(Six::start(data, &clock, &principals, content, &settings)).await;
                Running::Six(six.map_err(crate::serve::not_started)?)
            }
        };
        let wire = running.wire().await?;
        Ok(Self { sample, sandbox, clock: manual, zone, running, shutdown, wire })
    }

    /// A caller with somebody's token.
    ///
    /// # Errors
    /// Never for a seat of the sandbox.
    pub(super) fn client(&self, seat: &Seat) -> Result<Client, Failure> {
        Client::on(self.wire.clone(), Some(&seat.token))
    }

    /// The instant of a time on the district's wall clocks.
    ///
    /// # Errors
    /// For a time the calendar does not have.
    pub(super) fn instant(&self, at: DateTime) -> Result<Timestamp, Failure> {
        self.zone.to_timestamp(at).map_err(Failure::internal)
    }

    /// Lets time pass until an instant, stopping at each instant at which something happens by itself, so that it happens then.
    ///
    /// # Errors
    /// When a timer does not fire.
    pub(super) async fn pass_until(&self, at: Timestamp, cases: &[CaseId]) -> Result<(), Failure> {
        loop {
            self.settle(cases).await?;
            match self.next_timer(cases).await? {
                Some(next) if next <= at => self.clock.advance_to(next),
                Some(_) | None => break,
            }
        }
        self.clock.advance_to(at);
        self.settle(cases).await
    }

    /// Waits until nothing is left that should have happened by now.
    async fn settle(&self, cases: &[CaseId]) -> Result<(), Failure> {
        self.wait("what is due to happen", async |district: &Self| {
            let now = district.running.desk().clock.now();
            let due = district.next_timer(cases).await?.is_some_and(|next| next <= now);
            Ok(!due && !district.is_dispatch_owed(cases).await?)
        })
        .await
    }

    /// Waits until a case stands in a status.
    ///
    /// # Errors
    /// When it does not come to that.
    pub(super) async fn wait_for_status(&self, case: CaseId, status: &str) -> Result<(), Failure> {
        let what = format!("case {case} to be {status}");
        self.wait(&what, async |district: &Self| Ok(district.case(case).await?.status.name() == status)).await
    }

    /// Waits for a condition that only a commit can bring about.
    async fn wait(
        &self,
        what: &str,
        mut holds: impl AsyncFnMut(&Self) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let ledger = &self.running.desk().ledger;
        let waiting = async {
            loop {
                // The position first, so that a commit during the look wakes the wait.
                let mut follow = ledger.follow(ledger.head().position).map_err(Failure::internal)?;
                if holds(self).await? {
                    return Ok(());
                }
                follow.next().await.map_err(Failure::internal)?;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(done) => done,
            Err(_elapsed) => Err(Failure::internal(format!("waited {PATIENCE:?} in vain for {what}"))),
        }
    }

    async fn case(&self, id: CaseId) -> Result<std::sync::Arc<Case>, Failure> {
        self.running.desk().ledger.read_case(id).await.map_err(Failure::internal)
    }

    /// The soonest instant at which a clock of these cases does something.
    async fn next_timer(&self, cases: &[CaseId]) -> Result<Option<Timestamp>, Failure> {
        let registry = self.running.desk().published()?;
        let rules = Rules { registry: &registry, mode: Mode::Normal };
        let mut soonest: Option<At> = None;
        for id in cases {
            let case = self.case(*id).await?;
            let next = case::escalation::timers(&case, &rules).first().map(|timer| timer.at);
            soonest = soonest.into_iter().chain(next).min();
        }
        Ok(soonest.map(At::instant))
    }

    /// Whether the matrix still has to dispatch one of them.
    async fn is_dispatch_owed(&self, cases: &[CaseId]) -> Result<bool, Failure> {
        for id in cases {
            let case = self.case(*id).await?;
            if case.status == Status::Filed && case.profile != Profile::WhistleOnly && case.returns == 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
