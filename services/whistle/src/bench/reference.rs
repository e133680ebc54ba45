//! The reference of one role a process, as processes too: a bare server, and the echo that it asks over NATS before it answers.

use clap::{Args, ValueEnum};
use service_kit::shutdown::Shutdown;

use super::hop::{Echo, Hop};
use super::{GRACE, bare};
use crate::exit::{Exit, Failure};
use crate::output;

/// One part of the reference. Not for people: `bench` starts both.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  whistle bench-reference server --nats nats://127.0.0.1:4222")]
pub(crate) struct Reference {
    /// Which part.
    #[arg(value_enum)]
    part: Part,
    /// Where the nats-server is.
    #[arg(long, value_name = "URL")]
    nats: String,
}

/// The parts, in the order in which they are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// Answers whatever is asked over NATS.
    Echo,
    /// Answers calls, after asking the echo.
    Server,
}

impl Part {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Server => "server",
        }
    }
}

/// Serves until it is told to end.
///
/// # Errors
/// When NATS cannot be reached, or no port is free.
pub(crate) async fn serve(args: &Reference) -> Result<Exit, Failure> {
    let shutdown = Shutdown::new();
    shutdown.listen_to_signals().map_err(Failure::internal)?;
    match args.part {
        Part::Echo => {
            let _echo = Echo::start(&args.nats).await?;
            output::lines(&["serving the echo".to_owned()])?;
            shutdown.started().await;
        }
        Part::Server => {
            let hop = Hop::connect(&args.nats).await?;
            let address = bare::serve(&shutdown, Some(hop)).await.map_err(Failure::internal)?;
            output::lines(&[format!("listening on http://{address}")])?;
            shutdown.started().await;
        }
    }
    shutdown.drain(GRACE).await;
    Ok(Exit::Ok)
}
