use case::Case;
use case::flow;
use registry::ids::Role;
use wire::pb::whistle::board::v1 as pb;
use wire::view;

use super::{Shower, parts};

/// Roles that work with the source's own numbers.
const TICKET_ROLES: [Role; 6] = [
    Role::CallTaker,
    Role::Receptionist,
    Role::DutyLeader,
    Role::Dispatcher,
    Role::CallerBack,
    Role::DistrictCentre,
];

/// Everything about a case.
pub(crate) fn case_view(show: &Shower, case: &Case, number: String) -> pb::CaseView {
    let registry = show.registry.as_ref();
    let reading = show.reading(case);
    let (whistles, measures, obligations) = (&case.whistles, &case.measures, &case.obligations);
    pb::CaseView {
        summary: Some(show.summary(case, number)),
        occurred_time: Some(wire::timestamp(case.occurred_at)),
        filed_time: case.filed_at.map(wire::timestamp),
        changed_time: Some(wire::timestamp(case.changed_at)),
        raised_by: (!reading.hides(&case.raised_by, true)).then(|| view::who(&case.raised_by, registry)),
        text: case.text.as_ref().map(|text| reading.words("text", text)),
        place: Some(parts::place(&case.place, "note", &reading, registry)),
        demand: view::code_or_none(case.demand),
        reporters: parts::reporters(case, &reading),
        confidential: case.confidential,
        defects: wire::defects_of(&case.defects),
        ticket: ticket(show, case),
        external_due_time: case.external_due_at.map(wire::timestamp),
        obligations: obligations.iter().map(|duty| parts::obligation(duty, &reading, registry)).collect(),
        whistles: whistles.iter().map(|whistle| parts::whistle(whistle, &reading, registry)).collect(),
        measures: measures.iter().map(|measure| parts::measure(measure, &reading)).collect(),
        deliberation_rounds: case.rounds,
        requests: case.requests.iter().map(|request| parts::request(request, &reading, registry)).collect(),
        clocks: case.clocks.iter().map(|clock| view::clock(clock, registry, show.now)).collect(),
        call_backs: parts::call_backs(case, &reading),
        public_reply: case.disposal.as_ref().map(|said| reading.words("public_reply", &said.public_reply)),
        related: related(case),
        returns: case.returns,
        reworks: case.reworks,
        reopenings: case.reopenings,
        excluded: case.excluded,
        next_statuses: flow::next(case.profile, case.status).map(view::code).collect(),
        inspector_person_id: case.inspector.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

fn ticket(show: &Shower, case: &Case) -> String {
    let Some(ticket) = &case.ticket else { return String::new() };
    let own = show.actor.source.as_ref() == Some(&ticket.source);
    if own || show.actor.is_any(&TICKET_ROLES) {
        return format!("{}/{}", ticket.source, ticket.number);
    }
    String::new()
}

fn related(case: &Case) -> Vec<pb::RelatedCase> {
    let of = |relation: &'static str| {
        move |id: &case::ids::CaseId| pb::RelatedCase {
            case_id: id.to_string(),
            relation: relation.to_owned(),
        }
    };
    let mut related: Vec<pb::RelatedCase> = Vec::new();
    related.extend(case.split_from.as_ref().map(of("SPLIT_FROM")));
    related.extend(case.children.iter().map(of("CHILD")));
    related.extend(case.merged_into.as_ref().map(of("MERGED_INTO")));
    related.extend(case.followers.iter().map(of("FOLLOWER")));
    related.extend(case.follows.as_ref().map(of("FOLLOWS")));
    related
}
