//! Ending a split case once every child has ended: the ticket then gets one combined reply.

use std::path::Path;
use std::sync::Arc;

use case::flow::Status;
use case::intake::close_split;
use case::state::Case;
use case::time::At;
use desk::Desk;
use ledger::ExecuteError;
use projection::{OpenError, View};
use reactor::{Acting, Reactor, Trigger};
use service_kit::shutdown::Shutdown;

/// A child that ended asks whether its parent may.
fn is_ended_child(case: &Case) -> bool {
    case.split_from.is_some() && case.status.is_ended()
}

pub(crate) async fn start(desk: &Desk, dir: &Path, shutdown: &Shutdown) -> Result<View, OpenError> {
    let reactor = Reactor { name: "split", version: 2, wants: is_ended_child, new_cases_ask: false, act };
    reactor.start(desk, dir, shutdown).await
}

fn act(desk: &Desk, trigger: Trigger) -> Acting<'_> {
    Box::pin(close_parent(desk, trigger))
}

async fn close_parent(desk: &Desk, trigger: Trigger) -> Result<(), ExecuteError> {
    let child = desk.ledger.read_case(trigger.case).await.map_err(ExecuteError::Ledger)?;
    let Some(parent_id) = child.split_from else { return Ok(()) };
    let parent = desk.ledger.read_case(parent_id).await.map_err(ExecuteError::Ledger)?;
    if parent.status != Status::Split {
        return Ok(());
    }
    let ids: Vec<_> = std::iter::once(parent_id).chain(parent.children.iter().copied()).collect();
    let Some(registry) = desk.registry.current() else { return Err(ExecuteError::Unavailable) };
    let modes = desk.registry.modes();
    let now = desk.clock.now();
    let context = trigger.context("closure");
    let decided = desk.execute(&context, now, &ids, |cases| {
        let Some((parent, children)) = cases.split_first() else { return Ok(Vec::new()) };
        let mode = parent.area().map(|area| modes.of(area)).unwrap_or_default();
        let children: Vec<&Case> = children.iter().map(Arc::as_ref).collect();
        let rules = case::Rules { registry: &registry, mode };
        let mut events = vec![close_split(parent, &children, &rules, At::new(now))?];
        events.resize(cases.len(), Vec::new());
        Ok(events)
    });
    decided.await.map(|_done| ())
}
