//! What is somebody's to do.

use case::Case;
use tonic::Status;
use tonic::metadata::MetadataMap;
use wire::pb::whistle::board::v1 as pb;
use wire::view;

use crate::query::{self, FoundTask, TaskKey};
use crate::reads::{aside, checked};
use crate::show::Shower;
use crate::tasks::{self, Task};
use crate::{Board, page, sight};

/// Tasks in a page, unless the caller says.
const TASKS: usize = 50;

impl Board {
    pub(crate) async fn list_my_tasks(
        &self,
        metadata: &MetadataMap,
        asked: pb::ListMyTasksRequest,
    ) -> Result<pb::ListMyTasksResponse, Status> {
        let asker = self.asker(metadata)?;
        let mut violations = Vec::new();
        let size = page::size(asked.page_size, TASKS, &mut violations);
        let keys = tasks::keys_of(&asker.actor);
        let question = page::question(&["tasks", &keys.join(" ")]);
        let after = page::numbers(&asked.page_token, &question, &mut violations);
        checked(violations)?;
        self.reach(&asked.at_least, metadata).await?;
        let after: Option<TaskKey> = after.and_then(|keys| keys.try_into().ok());
        let (mine, seen) = (sight::list(keys), asker.seen());
        let (mut found, position) = self.ask(move |db| query::tasks(db, mine, &seen, after, size)).await?;
        let more = found.len() > size;
        found.truncate(size);
        let next = found.last().filter(|_| more).map(|last| {
            let keys: Vec<String> = last.key.iter().map(ToString::to_string).collect();
            page::token(&question, &keys.iter().map(String::as_str).collect::<Vec<_>>())
        });
        let mut shown = Vec::new();
        for task in found {
            if let Some((case, number)) = self.case_if_seen(&asker, task.case).await? {
                shown.push((task, case, number));
            }
        }
        let show = self.shower(&asker, shown.iter().map(|(_, case, _)| case.as_ref())).await?;
        let work = move || {
            shown
                .into_iter()
                .filter_map(|(task, case, number)| show_task(&show, &task, &case, number))
                .collect()
        };
        Ok(pb::ListMyTasksResponse {
            tasks: aside(work).await?,
            next_page_token: next.unwrap_or_default(),
            position_token: self.token(position),
        })
    }
}

/// The task as it is now; none when it was done meanwhile, or is not this caller's after all.
fn show_task(show: &Shower, found: &FoundTask, case: &Case, number: String) -> Option<pb::Task> {
    let (registry, now) = (show.registry.as_ref(), show.now);
    let same = |task: &Task| {
        task.command.name() == found.command
            && task.obligation.map(|no| no.0) == found.obligation
            && task.whistle.map(|no| no.0) == found.whistle
            && task.request.map(|no| no.0) == found.request
    };
    let task = tasks::of_case(case, registry).into_iter().find(same)?;
    if !tasks::may_do(&show.actor, case, &task, registry) {
        return None;
    }
    let (what, what_en) = task.command.words();
    Some(pb::Task {
        summary: Some(show.summary(case, number)),
        command: found.command.clone(),
        what: what.to_owned(),
        what_en: what_en.to_owned(),
        obligation_no: found.obligation.unwrap_or(0),
        whistle_no: found.whistle.unwrap_or(0),
        request_no: found.request.unwrap_or(0),
        clock: task.clock.and_then(|no| case.clock(no)).map(|clock| view::clock(clock, registry, now)),
        reminded_time: task.reminded_at.map(wire::timestamp),
    })
}
