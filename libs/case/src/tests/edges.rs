//! The edges of a case's life, written down a second time from the district's own table, and compared one by one.

use std::collections::BTreeSet;

use crate::event::parts::Profile;
use crate::flow::{Status, allows, next};

/// What follows what. The source may take a case back from every open status, the reporter before anybody worked on it.
const TABLE: &str = "
    UNTRIAGED    -> RAISED REJECTED MERGED SPLIT VOIDED
    RAISED       -> VERIFYING ACCEPTED FILED CLOSED REJECTED MERGED SPLIT
    VERIFYING    -> ACCEPTED REJECTED VOIDED
    ACCEPTED     -> FILED SELF_HANDLED CLOSED REJECTED MERGED SPLIT TERMINATED
    SELF_HANDLED -> CLOSED ACCEPTED VOIDED
    FILED        -> DISPATCHED MERGED SPLIT VOIDED SUSPENDED TERMINATED FORCE_CLOSED
    DISPATCHED   -> IN_PROGRESS FILED SUSPENDED VOIDED TERMINATED FORCE_CLOSED
    IN_PROGRESS  -> DISPOSED FILED SUSPENDED TERMINATED FORCE_CLOSED
    SUSPENDED    -> FILED DISPATCHED IN_PROGRESS DISPOSED FORCE_CLOSED
    DISPOSED     -> CHECKED IN_PROGRESS
    CHECKED      -> CLOSED IN_PROGRESS
    CLOSED       -> IN_PROGRESS ACCEPTED
    REJECTED     -> ACCEPTED
    MERGED       -> UNTRIAGED RAISED ACCEPTED FILED
    SPLIT        -> CLOSED
    WITHDRAWN    ->
    VOIDED       ->
    TERMINATED   ->
    FORCE_CLOSED ->
";

/// Edges that some profiles have and others do not. What stands in no row here, all have.
const PROFILES: &str = "
    RAISED VERIFYING      only PUBLIC
    RAISED ACCEPTED       not PUBLIC IMPORTED
    RAISED FILED          only WHISTLE_ONLY
    RAISED CLOSED         only IMPORTED
    RAISED REJECTED       not IMPORTED
    RAISED MERGED         not IMPORTED
    RAISED SPLIT          not IMPORTED
    ACCEPTED SELF_HANDLED not WHISTLE_ONLY CONSULT LIST_ITEM CARE INSPECTION
    CLOSED IN_PROGRESS    not IMPORTED
    CLOSED ACCEPTED       not IMPORTED
";

const OPEN: &str = "UNTRIAGED RAISED VERIFYING ACCEPTED SELF_HANDLED FILED DISPATCHED IN_PROGRESS SUSPENDED DISPOSED \
                    CHECKED";

fn profile_name(profile: Profile) -> String {
    serde_json::to_value(profile).unwrap().as_str().unwrap().to_owned()
}

fn rows(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// Whether the table has the edge for the profile.
pub(super) fn in_table(profile: Profile, from: Status, to: Status) -> bool {
    let named = |row: &&str| row.split("->").next().unwrap().trim() == from.name();
    let row = rows(TABLE).find(named).unwrap();
    let listed = row.split("->").nth(1).unwrap().split_whitespace().any(|name| name == to.name());
    let taken_back = to == Status::Withdrawn && OPEN.split_whitespace().any(|name| name == from.name());
    let profile = profile_name(profile);
    let spoken_of = rows(PROFILES).find_map(|row| {
        let words: Vec<&str> = row.split_whitespace().collect();
        let of = words[3..].contains(&profile.as_str());
        (words[0] == from.name() && words[1] == to.name()).then_some((words[2] == "only") == of)
    });
    (listed || taken_back) && spoken_of.unwrap_or(true)
}

#[test]
fn every_profile_has_the_edges_of_the_table_and_no_other() {
    for profile in Profile::ALL {
        for from in Status::ALL {
            for to in Status::ALL {
                assert_eq!(
                    allows(profile, from, to),
                    in_table(profile, from, to),
                    "{profile:?}: {from:?} -> {to:?}"
                );
            }
        }
    }
}

#[test]
fn the_table_names_every_status_once() {
    let named: Vec<&str> = rows(TABLE).map(|row| row.split("->").next().unwrap().trim()).collect();
    assert_eq!(named, Status::ALL.map(Status::name));
    let ended = Status::ALL.into_iter().filter(|status| status.is_ended()).map(Status::name);
    let open: BTreeSet<&str> = OPEN.split_whitespace().collect();
    assert!(ended.clone().all(|name| !open.contains(name)));
    assert_eq!(ended.count() + open.len(), Status::ALL.len());
}

fn reachable(profile: Profile) -> BTreeSet<Status> {
    let mut reached = BTreeSet::from([Status::Raised, Status::Untriaged]);
    let mut todo: Vec<Status> = reached.iter().copied().collect();
    while let Some(status) = todo.pop() {
        todo.extend(next(profile, status).filter(|to| reached.insert(*to)));
    }
    reached
}

#[test]
fn every_profile_can_end_and_nothing_open_is_a_dead_end() {
    for profile in Profile::ALL {
        for status in reachable(profile).into_iter().filter(|status| !status.is_ended()) {
            assert!(next(profile, status).count() > 1, "{profile:?} {status:?}");
        }
        assert!(reachable(profile).contains(&Status::Closed), "{profile:?}");
    }
    let everything: BTreeSet<Status> = Profile::ALL.into_iter().flat_map(reachable).collect();
    assert_eq!(everything.len(), Status::ALL.len());
}
