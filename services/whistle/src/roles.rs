//! The deciding roles: what each starts, and what it offers.

use std::path::PathBuf;

use desk::Desk;
use service_kit::ops::Check;
use service_kit::shutdown::Shutdown;
use tonic::service::RoutesBuilder;

use crate::all::{StartError, chain};

/// A role that decides or shows: everything but the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Takes cases. 受理
    Intake,
    /// Dispatches, whistles, duties, feeds. 派遣
    Routing,
    /// Timers. 时限
    Escalation,
    /// Checks, calls back, closes. 结案
    Closure,
    /// Lists and views. 看板
    Board,
}

impl Role {
    pub(crate) const ALL: [Self; 5] =
        [Self::Intake, Self::Routing, Self::Escalation, Self::Closure, Self::Board];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Routing => "routing",
            Self::Escalation => "escalation",
            Self::Closure => "closure",
            Self::Board => "board",
        }
    }

    /// Full names of what it offers.
    pub(crate) fn services(self) -> &'static [&'static str] {
        match self {
            Self::Intake => intake::NAMES,
            Self::Routing => routing::NAMES,
            Self::Escalation => escalation::NAMES,
            Self::Closure => closure::NAMES,
            Self::Board => board::NAMES,
        }
    }

    /// Starts it; what runs ends with the shutdown. Gives what tells whether it is ready.
    ///
    /// # Errors
    /// [`StartError::Service`] and [`StartError::Directory`].
    pub(crate) async fn start(
        self,
        desk: &Desk,
        place: &Place,
        routes: &mut RoutesBuilder,
        shutdown: &Shutdown,
    ) -> Result<Vec<Check>, StartError> {
        let Place { dir, evidence, lag_events_max } = place;
        for made in [dir, evidence] {
            std::fs::create_dir_all(made).map_err(|error| StartError::Directory(made.clone(), error))?;
        }
        macro_rules! start {
            ($start:expr) => {{
                let started = $start.await;
                let service = started.map_err(|error| StartError::Service(self.name(), chain(&error)))?;
                service.add_to(routes);
                service.readiness(*lag_events_max)
            }};
        }
        let desk = desk.clone();
        Ok(match self {
            Self::Intake => start!(intake::Intake::start(desk, dir, evidence, shutdown)),
            Self::Routing => start!(routing::Routing::start(desk, dir, shutdown)),
            Self::Escalation => start!(escalation::Escalation::start(desk, dir, shutdown)),
            Self::Closure => start!(closure::Closure::start(desk, dir, shutdown)),
            Self::Board => start!(board::Board::start(desk, dir, shutdown)),
        })
    }
}

/// Where a role keeps what it makes, and how far behind it may be.
#[derive(Debug)]
pub(crate) struct Place {
    /// Its projections.
    pub dir: PathBuf,
    /// Photos.
    pub evidence: PathBuf,
    /// Events a projection may be behind and still be ready.
    pub lag_events_max: u64,
}
