//! Whistle kinds, colours, limits and reason catalogues.

use std::collections::BTreeSet;

use crate::content::Content;
use crate::ids::Role;
use crate::lint::Report;
use crate::lint::known::Known;
use crate::policies::{Limits, SettledBy, Step, WhistlePolicy, catalogue};

pub(super) fn check(content: &Content, known: &Known<'_>, report: &mut Report) {
    let held: BTreeSet<Role> = known.posts.values().flat_map(|post| &post.roles).copied().collect();
    for whistle in &content.policies.whistles {
        check_whistle(whistle, &held, &content.policies.limits, report);
    }
    check_colours(content, report);
    check_limits(content, report);
    check_catalogues(content, report);
    for tier in &content.policies.tiers {
        if !content.matters.iter().any(|matter| matter.tier == tier.key)
            && !content.policies.clocks.iter().any(|rule| rule.tier.as_ref() == Some(&tier.key))
        {
            report.warning(format!("tiers[{}]", tier.key), "nothing uses it", "use it or drop it");
        }
    }
}

fn check_whistle(whistle: &WhistlePolicy, held: &BTreeSet<Role>, limits: &Limits, report: &mut Report) {
    let path = format!("whistles[{}]", whistle.key);
    let nobody = |roles: &[Role]| !roles.iter().any(|role| held.contains(role));
    if whistle.may_blow.is_empty() {
        report.error(format!("{path}.may_blow"), "nobody may blow it", "name the roles, or drop the kind");
    } else if nobody(&whistle.may_blow) {
        let advice = "add a post with one of the roles";
        report.warning(format!("{path}.may_blow"), "no post has a role that may blow it", advice);
    }
    if !whistle.approve.is_empty() && nobody(&whistle.approve) {
        let advice = "add a post with one of the roles";
        report.error(format!("{path}.approve"), "no post has a role that may approve it", advice);
    }
    if whistle.approve.is_empty() && !whistle.needs_approval_from.is_empty() {
        let problem = "some blowers need an approval that nobody can give";
        report.error(format!("{path}.approve"), problem, "name who approves");
    }
    for role in whistle.needs_approval_from.iter().filter(|role| !whistle.may_blow.contains(role)) {
        let problem = format!("{role:?} may not blow it, so needs no approval");
        report.warning(format!("{path}.needs_approval_from"), problem, "drop the role, or let it blow");
    }
    if !whistle.steps.contains(&Step::Complete) {
        report.error(format!("{path}.steps"), "a duty of it can never be completed", "add COMPLETE");
    }
    if !whistle.steps.is_sorted_by(|a, b| a < b) {
        let advice = "list each once: SIGN_FOR, CONTACT, REPORT_IN, COMPLETE, CONFIRM";
        report.error(format!("{path}.steps"), "out of order", advice);
    }
    if let SettledBy::Quorum(count) = whistle.settled_by
        && !(1..=limits.parties_max).contains(&count)
    {
        let problem = format!("{count} is no count of parties a whistle can have");
        report.error(format!("{path}.settled_by"), problem, "use 1 to parties_max");
    }
}

fn check_colours(content: &Content, report: &mut Report) {
    let colours = &content.policies.colours;
    if colours.first().is_none_or(|first| first.from_permille != 0) {
        report.error("colours", "a clock that has just begun has no colour", "let the first begin at 0");
    }
    if !colours.is_sorted_by(|a, b| a.from_permille < b.from_permille) {
        report.error("colours", "the cuts do not ascend", "sort them, each later than the one before");
    }
}

fn check_limits(content: &Content, report: &mut Report) {
    let sources = &content.policies.limit_sources;
    let limits = content.policies.limits.by_name();
    for (name, value) in &limits {
        if *value == 0 && *name != "extensions_max" {
            report.error(format!("limits.{name}"), "is 0, so what it bounds can never happen", "raise it");
        }
        if sources.get(*name).is_none_or(|source| source.trim().is_empty()) {
            report.error(format!("limit_sources.{name}"), "is missing", "say where the limit comes from");
        }
    }
    for name in sources.keys().filter(|name| !limits.iter().any(|(known, _)| known == name)) {
        report.warning(
            format!("limit_sources.{name}"),
            "there is no such limit",
            "correct the name or drop it",
        );
    }
    let limits = &content.policies.limits;
    if limits.callback_attempts_min > limits.callback_attempts_max {
        let problem = "more calls are needed than are allowed";
        report.error("limits.callback_attempts_min", problem, "lower it, or raise callback_attempts_max");
    }
}

fn check_catalogues(content: &Content, report: &mut Report) {
    let catalogues = &content.policies.catalogues;
    for key in catalogue::ALL {
        match catalogues.iter().filter(|own| own.key == key).collect::<Vec<_>>().as_slice() {
            [] => report.error(format!("catalogues[{key}]"), "is missing", "add it with at least one reason"),
            [own] if own.reasons.is_empty() => {
                report.error(format!("catalogues[{key}]"), "has no reason", "add at least one");
            }
            [_] => {}
            _ => report.error(format!("catalogues[{key}]"), "is there twice", "join them"),
        }
    }
    for own in catalogues {
        let mut seen = BTreeSet::new();
        for reason in own.reasons.iter().filter(|reason| !seen.insert(&reason.code)) {
            let path = format!("catalogues[{}].reasons[{}]", own.key, reason.code);
            report.error(path, "is there twice", "keep one");
        }
    }
}
