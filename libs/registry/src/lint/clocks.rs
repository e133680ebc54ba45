//! Clock rules: each sound in itself, none tied with another, and none missing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::content::Content;
use crate::ids::WhistleKind;
use crate::lint::Report;
use crate::lint::known::Known;
use crate::matters::{Grade, Mode};
use crate::policies::{ClockKind, ClockQuery, ClockRule, Step, WhistlePolicy};

pub(super) fn check(content: &Content, known: &Known<'_>, report: &mut Report) {
    for rule in &content.policies.clocks {
        check_rule(known, rule, report);
    }
    check_ties(content, report);
    for kind in ClockKind::ALL {
        if is_for_every_case(kind) {
            check_answer(content, known, kind, None, report);
        }
        for whistle in content.policies.whistles.iter().filter(|whistle| needs(whistle, kind)) {
            check_answer(content, known, kind, Some(&whistle.key), report);
        }
    }
}

fn check_rule(known: &Known<'_>, rule: &ClockRule, report: &mut Report) {
    let path = format!("clocks[{}]", rule.id);
    match known.calendars.get(&rule.calendar) {
        None => report.unknown(format!("{path}.calendar"), "calendar", &rule.calendar),
        // An idle calendar has a finding of its own.
        Some(calendar) if calendar.has_working_time() => {
            if let Err(error) = calendar.due(Timestamp::UNIX_EPOCH, &rule.budget) {
                report.error(
                    format!("{path}.budget"),
                    error.to_string(),
                    "shorten it, or widen the calendar",
                );
            }
        }
        Some(_) => {}
    }
    if let Some(tier) = rule.tier.as_ref().filter(|tier| !known.tiers.contains(tier)) {
        report.unknown(format!("{path}.tier"), "tier", tier);
    }
    if let Some(whistle) = rule.whistle.as_ref().filter(|whistle| !known.whistles.contains(whistle)) {
        report.unknown(format!("{path}.whistle"), "whistle kind", whistle);
    }
    if rule.kind == ClockKind::ExternalDue {
        report.error(format!("{path}.kind"), "is given from outside", "drop the rule");
    }
    if rule.budget.is_zero() {
        report.error(format!("{path}.budget"), "is nothing, so the clock is up at once", "give it time");
    }
    if !rule.warn_permille.is_sorted_by(|a, b| a < b) {
        report.error(format!("{path}.warn_permille"), "does not ascend", "sort it, each share once");
    }
    if rule.warn_permille.iter().any(|share| *share == 0 || *share > 1_000) {
        let advice = "use 1 to 1000; what comes later belongs to the ladder";
        report.error(format!("{path}.warn_permille"), "is not a share of the budget", advice);
    }
    if rule.source.trim().is_empty() {
        report.error(format!("{path}.source"), "is empty", "say where the figure comes from");
    }
}

/// With the order of specificity rules have, two of one kind tie exactly when their conditions are the same.
fn check_ties(content: &Content, report: &mut Report) {
    let mut seen = BTreeMap::new();
    for rule in &content.policies.clocks {
        let conditions = (rule.kind, rule.grade, &rule.tier, &rule.whistle, rule.mode);
        if let Some(first) = seen.insert(conditions, &rule.id) {
            let problem = format!("ties with {first}: both hold under the same conditions");
            report.error(format!("clocks[{}]", rule.id), problem, "narrow one of them, or drop it");
        }
    }
}

fn is_for_every_case(kind: ClockKind) -> bool {
    match kind {
        ClockKind::ReportIn
        | ClockKind::WhistleApproval
        | ClockKind::WhistleTriage
        | ClockKind::ExternalDue => false,
        ClockKind::Triage
        | ClockKind::Accept
        | ClockKind::Verify
        | ClockKind::File
        | ClockKind::Dispatch
        | ClockKind::SignFor
        | ClockKind::Contact
        | ClockKind::Complete
        | ClockKind::Confirm
        | ClockKind::Whole
        | ClockKind::Check
        | ClockKind::CallBack
        | ClockKind::Close
        | ClockKind::SuspensionReview
        | ClockKind::ReturnDecision
        | ClockKind::ObjectionDecision
        | ClockKind::ExtensionDecision => true,
    }
}

fn needs(whistle: &WhistlePolicy, kind: ClockKind) -> bool {
    let has = |step: Step| whistle.steps.contains(&step);
    match kind {
        ClockKind::WhistleApproval => !whistle.approve.is_empty(),
        ClockKind::WhistleTriage => whistle.triage,
        ClockKind::SignFor => has(Step::SignFor),
        ClockKind::Contact => has(Step::Contact),
        ClockKind::ReportIn => has(Step::ReportIn),
        ClockKind::Complete => has(Step::Complete),
        ClockKind::Confirm => has(Step::Confirm),
        ClockKind::Triage
        | ClockKind::Accept
        | ClockKind::Verify
        | ClockKind::File
        | ClockKind::Dispatch
        | ClockKind::Whole
        | ClockKind::Check
        | ClockKind::CallBack
        | ClockKind::Close
        | ClockKind::SuspensionReview
        | ClockKind::ReturnDecision
        | ClockKind::ObjectionDecision
        | ClockKind::ExtensionDecision
        | ClockKind::ExternalDue => false,
    }
}

/// Asks every question the case may ask; the first without an answer is told.
fn check_answer(
    content: &Content,
    known: &Known<'_>,
    kind: ClockKind,
    whistle: Option<&WhistleKind>,
    report: &mut Report,
) {
    let rules: Vec<&ClockRule> = content.policies.clocks.iter().filter(|rule| rule.kind == kind).collect();
    let tiers: Vec<_> = std::iter::once(None).chain(known.tiers.iter().copied().map(Some)).collect();
    let grades: Vec<Option<Grade>> = std::iter::once(None).chain(Grade::ALL.map(Some)).collect();
    for mode in Mode::ALL {
        for (tier, grade) in tiers.iter().flat_map(|tier| grades.iter().map(move |grade| (*tier, *grade))) {
            let query = ClockQuery { kind, grade, tier, whistle, mode };
            if !rules.iter().any(|rule| rule.fits(&query)) {
                let of = whistle.map(|kind| format!(" of whistle {kind}")).unwrap_or_default();
                let under = format!("grade {grade:?}, tier {}", tier.map_or("none", |tier| tier.as_str()));
                let problem = format!("no rule for {kind:?}{of} with {under}, mode {mode:?}");
                report.error("clocks", problem, "add a rule without these conditions as the default");
                return;
            }
        }
    }
}
