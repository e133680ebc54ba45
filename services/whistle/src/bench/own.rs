//! A server of our own: all roles in this process, on a free port, in a directory that goes afterwards.

use registry::Content;
use service_kit::clock::Clock;
use service_kit::shutdown::Shutdown;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::all::{AllInOne, Options, settings};
use crate::exit::Failure;
use crate::sandbox::Sandbox;

/// All roles in this process.
pub(crate) struct Own {
    /// The roles.
    pub(crate) all: AllInOne,
    /// Where their data is; gone when dropped.
    pub(crate) dir: TempDir,
}

impl Own {
    /// Starts everything on a sample district.
    ///
    /// # Errors
    /// When the directory or a port is not to be had, or a role does not start.
    pub(crate) async fn start(content: Content, sandbox: &Sandbox) -> Result<Self, Failure> {
        let dir = tempfile::tempdir().map_err(|error| Failure::io(&std::env::temp_dir(), &error))?;
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Failure::internal)?;
        let settings = settings(None, std::iter::empty()).map_err(Failure::internal)?;
        let options = Options {
            data: dir.path().to_owned(),
            clock: Clock::system(settings.clock.leap_max()),
            principals: sandbox.principals.clone(),
            first: Some(content),
            settings,
        };
        let all = AllInOne::start(options, listener, &Shutdown::new()).await;
        Ok(Self { all: all.map_err(|error| Failure::internal(crate::all::chain(&error)))?, dir })
    }

    /// Stops everything and gives the directory back.
    pub(crate) async fn stop(self) -> TempDir {
        self.all.stop().await;
        self.dir
    }
}
