//! The ladder: every step later than the one before, and heard by somebody.

use worktime::Budget;

use crate::content::Content;
use crate::ids::OrgId;
use crate::lint::Report;
use crate::lint::known::Known;
use crate::orgs::OrgKind;
use crate::policies::{LadderEffect, LadderStep, LadderWhen, Recipient, Scope};

pub(super) fn check(content: &Content, known: &Known<'_>, report: &mut Report) {
    let ladder = &content.policies.ladder;
    if ladder.is_empty() {
        report.error("ladder", "has no step, so a breach is silent", "add at least a notice at breach");
    }
    for step in ladder {
        check_step(content, known, step, report);
    }
    for pair in ladder.windows(2) {
        let [before, step] = pair else { continue };
        if moment(&step.when) <= moment(&before.when) {
            let problem = format!("is not later than {}, so it is never reached on its own", before.key);
            report.error(format!("ladder[{}].when", step.key), problem, "give it a later moment, or drop it");
        }
    }
    if ladder.iter().filter(|step| step.first_for_unowned).count() != 1 {
        let advice = "mark exactly one step first_for_unowned";
        report.error("ladder", "it is not clear where a case nobody holds begins", advice);
    }
}

/// The order of moments. Working time is taken as its least length in natural time, which is enough to sort steps that are
/// days apart.
fn moment(when: &LadderWhen) -> (u8, u64) {
    match when {
        LadderWhen::Spent { permille } => (0, u64::from(*permille)),
        LadderWhen::Breach => (1, 0),
        LadderWhen::AfterBreach { budget } => match budget {
            Budget::Natural { minutes } | Budget::WorkingMinutes { minutes } => (1, u64::from(*minutes)),
            Budget::WorkingDays { days } => (1, u64::from(*days) * 1_440),
        },
    }
}

fn check_step(content: &Content, known: &Known<'_>, step: &LadderStep, report: &mut Report) {
    let path = format!("ladder[{}]", step.key);
    if let LadderWhen::Spent { permille } = step.when
        && !(1..=1_000).contains(&permille)
    {
        let advice = "use 1 to 1000, or AFTER_BREACH";
        report.error(format!("{path}.when"), "is not a share of the budget", advice);
    }
    let counted = [after_breach(step), step.reply].into_iter().flatten();
    let needs_calendar = counted.into_iter().any(|budget| !matches!(budget, Budget::Natural { .. }));
    match &step.calendar {
        None if needs_calendar => {
            report.error(format!("{path}.calendar"), "is missing for working time", "name a calendar");
        }
        Some(calendar) if !known.calendars.contains_key(calendar) => {
            report.unknown(format!("{path}.calendar"), "calendar", calendar);
        }
        Some(_) | None => {}
    }
    if step.effect == LadderEffect::Supervise && step.reply.is_none_or(|reply| reply.is_zero()) {
        report.error(format!("{path}.reply"), "a supervision order needs an answer by then", "give it time");
    }
    if step.to.is_empty() {
        report.error(format!("{path}.to"), "nobody hears of it", "name who does");
    }
    for recipient in &step.to {
        check_recipient(content, known, &path, recipient, report);
    }
}

fn after_breach(step: &LadderStep) -> Option<Budget> {
    match step.when {
        LadderWhen::AfterBreach { budget } => Some(budget),
        LadderWhen::Spent { .. } | LadderWhen::Breach => None,
    }
}

fn check_recipient(content: &Content, known: &Known<'_>, path: &str, to: &Recipient, report: &mut Report) {
    let has =
        |org: &OrgId| known.posts.values().any(|post| post.org == *org && post.roles.contains(&to.role));
    let path = format!("{path}.to");
    let missing: Vec<&OrgId> = match to.of {
        Scope::Holder | Scope::Above => {
            if !known.posts.values().any(|post| post.roles.contains(&to.role)) {
                report.error(
                    path,
                    format!("no post anywhere is {:?}", to.role),
                    "add one, or name another role",
                );
            }
            return;
        }
        Scope::Subdistrict => {
            let offices = content.orgs.iter().filter(|org| org.kind == OrgKind::Subdistrict && org.active);
            offices.map(|org| &org.id).filter(|org| !has(org)).collect()
        }
        Scope::District => {
            let centre = &content.jurisdiction.district_centre;
            let district = content.orgs.iter().filter(|org| org.kind == OrgKind::District).map(|org| &org.id);
            if district.chain([centre]).any(has) { Vec::new() } else { vec![centre] }
        }
    };
    for org in missing {
        let problem = format!("{org} has no post as {:?}, so the step has no recipient there", to.role);
        report.error(&path, problem, "add the post, or name another role");
    }
}
