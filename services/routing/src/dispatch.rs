//! Dispatching what is filed, by the responsibility matrix, without anybody asking.

use std::path::Path;

use case::event::parts::Profile;
use case::flow::Status;
use case::routing::dispatch_automatically;
use case::state::Case;
use desk::Desk;
use projection::{OpenError, View};
use reactor::{Acting, Reactor, Trigger, decide_alone};
use service_kit::shutdown::Shutdown;

/// The decision looks more closely: where the matrix names somebody who may not or cannot take it, a person dispatches.
fn is_filed(case: &Case) -> bool {
    case.status == Status::Filed && case.profile != Profile::WhistleOnly && case.returns == 0
}

pub(crate) async fn start(desk: &Desk, dir: &Path, shutdown: &Shutdown) -> Result<View, OpenError> {
    let reactor = Reactor { name: "dispatch", version: 2, wants: is_filed, new_cases_ask: false, act };
    reactor.start(desk, dir, shutdown).await
}

fn act(desk: &Desk, trigger: Trigger) -> Acting<'_> {
    Box::pin(decide_alone(desk, "routing", trigger, dispatch_automatically))
}
