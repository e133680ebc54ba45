use registry::Content;
use service_kit::clock::Clock;
use service_kit::ops::Check;
use service_kit::principals::Principals;
use service_kit::shutdown::{Drained, Shutdown};
use tokio::net::TcpListener;

use super::{Part, Serve, not_bound, not_started, read_principals};
use crate::all::{AllInOne, Options, Settings, StartError};
use crate::exit::Failure;
use crate::seeds;
use crate::split::{self, Alone, Log};

/// What this process serves, running.
pub(super) enum Served {
    All(Box<AllInOne>),
    Ledger(Box<Log>),
    Role(Box<Alone>),
}

impl Served {
    pub(super) async fn start(
        args: &Serve,
        clock: Clock,
        settings: Settings,
        shutdown: &Shutdown,
    ) -> Result<Self, Failure> {
        let started = match (args.role, args.role.role()) {
            (Part::Ledger, _) => {
                let (data, first) = (args.data.clone(), first(args)?);
                let options = split::LogOptions { data, clock, first, settings };
                Log::start(options, shutdown).await.map(|log| Self::Ledger(Box::new(log)))
            }
            (_, None) => {
                let (principals, first) = (principals(args)?, first(args)?);
                let listener = listener(args).await?;
                let data = args.data.clone();
                let options = Options { data, clock, principals, first, settings };
                let all = Box::pin(AllInOne::start(options, listener, shutdown)).await;
                all.map(|all| Self::All(Box::new(all)))
            }
            (_, Some(role)) => {
                let jurisdiction = args.jurisdiction.clone().ok_or_else(|| missing("--jurisdiction"))?;
                let options = split::Options {
                    role,
                    data: args.data.clone(),
                    jurisdiction,
                    vault_key: args.vault_key.clone(),
                    evidence: args.evidence.clone(),
                    clock,
                    principals: principals(args)?,
                    settings,
                };
                let listener = listener(args).await?;
                Alone::start(options, listener, shutdown).await.map(|role| Self::Role(Box::new(role)))
            }
        };
        started.map_err(not_started)
    }

    /// What scripts wait for.
    pub(super) fn line(&self) -> String {
        match self {
            Self::All(all) => format!("listening on http://{}", all.address),
            Self::Ledger(log) => format!("serving {} over NATS", log.ledger.id()),
            Self::Role(role) => format!("listening on http://{}", role.address),
        }
    }

    /// Whether it is ready; taken once.
    pub(super) fn checks(&mut self) -> Vec<Check> {
        std::mem::take(match self {
            Self::All(all) => &mut all.checks,
            Self::Ledger(log) => &mut log.checks,
            Self::Role(role) => &mut role.checks,
        })
    }

    pub(super) async fn stop(self) -> Result<(), Failure> {
        let drained: Drained = match self {
            Self::All(all) => all.stop().await,
            Self::Ledger(log) => log.stop().await.map_err(not_started)?,
            Self::Role(role) => role.stop().await,
        };
        Failure::unless_clean(&drained)
    }
}

fn missing(option: &str) -> Failure {
    not_started(StartError::Role(format!("{option} is missing")))
}

fn first(args: &Serve) -> Result<Option<Content>, Failure> {
    args.registry.as_deref().map(seeds::from_dir).transpose()
}

fn principals(args: &Serve) -> Result<Principals, Failure> {
    read_principals(args.principals.as_deref().ok_or_else(|| missing("--principals"))?)
}

async fn listener(args: &Serve) -> Result<TcpListener, Failure> {
    TcpListener::bind(args.listen).await.map_err(|error| not_bound(args.listen, &error))
}
