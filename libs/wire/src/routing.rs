//! Routing's requests as commands.

use case::ids::{KeyId, MeasureNo, ObligationNo, RequestNo, WhistleNo};
use case::refusal::Violation;
use case::routing::{Blow, Command, OwnMatter, PlannedMeasure};

use crate::check::{Check, TEXT_CHARS_MAX};
use crate::intake::{Contact, Told, contacts, raise, ticket_number};
use crate::pb::whistle::case::v1 as shared;
use crate::pb::whistle::routing::v1 as pb;
use crate::request::{NewCaseRequest, Request, command};
use crate::seal::Seal;

/// Longest code anybody types, in characters.
const CODE_CHARS_MAX: usize = 32;
/// Longest work-order number, in bytes.
const EXTERNAL_REF_BYTES_MAX: usize = 64;

macro_rules! routing {
    () => {
        "whistle.routing.v1.RoutingService"
    };
}

use pb::{
    AddPartyRequest, ApproveWhistleRequest, AssignObligationRequest, BlowWhistleRequest,
    CallCoHandlersRequest, ChangeLeadRequest, CompleteRequest, ConfirmRequest, ConfirmWhistleRequest,
    DecideObjectionRequest, DispatchCaseRequest, HandBackWhistleRequest, IssuePresenceCodeRequest,
    RaiseAndBlowRequest, RaiseObjectionRequest, RateResponseRequest, RateWhistleRequest,
    RecordContactRequest, RecordDeliberationRequest, RecordJointPlanRequest, RefuseCompletionRequest,
    ReportInRequest, SetExternalRefRequest, SignForRequest, StandDownWhistleRequest, StrikeOffRequest,
    TriageWhistleRequest, WithdrawWhistleRequest,
};

command! { routing:
    DispatchCaseRequest / "DispatchCase" => Command, |r, c| {
        let lead = c.optional_id("lead_org_id", &r.lead_org_id);
        let co = c.ids("co_org_ids", &r.co_org_ids);
        if r.lead_org_id.is_empty() && !r.co_org_ids.is_empty() {
            c.violated("lead_org_id", "REQUIRED", "a lead, when somebody is named to join it");
        }
        let task = c.optional_words("task", &r.task);
        c.done(|| Some(Command::Dispatch { lead: lead?, co: co?, task: task? }))
    }
    CallCoHandlersRequest / "CallCoHandlers" => Command, |r, c| {
        let parties = c.parties("parties", &r.parties);
        let after = c.items("after_obligation_nos", &r.after_obligation_nos, |c, path, no| {
            c.no(path, *no, ObligationNo)
        });
        let words = c.optional_words("words", &r.words);
        c.done(|| Some(Command::CallCoHandlers { parties: parties?, after: after?, words: words? }))
    }
    AssignObligationRequest / "AssignObligation" => Command, |r, c| {
        let obligation = c.no("obligation_no", r.obligation_no, ObligationNo);
        let org = c.id("org_id", &r.org_id);
        let person = c.optional_id("person_id", &r.person_id);
        let task = c.optional_words("task", &r.task);
        c.done(|| Some(Command::Assign { obligation: obligation?, org: org?, person: person?, task: task? }))
    }
    SignForRequest / "SignFor" => Command, |r, c| {
        let obligation = c.no("obligation_no", r.obligation_no, ObligationNo);
        c.done(|| Some(Command::SignFor { obligation: obligation? }))
    }
    RecordContactRequest / "RecordContact" => Command, |r, c| {
        let obligation = c.no("obligation_no", r.obligation_no, ObligationNo);
        let contacted_at = c.time("contacted_time", r.contacted_time.as_ref());
        let who_and_how = c.words("who_and_how", &r.who_and_how);
        c.done(|| Some(Command::RecordContact {
            obligation: obligation?, contacted_at: contacted_at?, who_and_how: who_and_how?,
        }))
    }
    SetExternalRefRequest / "SetExternalRef" => Command, |r, c| {
        let obligation = c.no("obligation_no", r.obligation_no, ObligationNo);
        if r.external_ref.is_empty() {
            c.violated("external_ref", "REQUIRED", "the organisation's own number");
        }
        c.plain("external_ref", &r.external_ref, EXTERNAL_REF_BYTES_MAX);
        let external_ref = r.external_ref.clone();
        c.done(|| Some(Command::SetExternalRef { obligation: obligation?, external_ref }))
    }
    BlowWhistleRequest / "BlowWhistle" => Command, |r, c| {
        let request = (r.request_no != 0).then_some(RequestNo(r.request_no));
        let blow = c.blow(&Blown {
            kind: &r.kind, purpose: &r.purpose, tried: &r.tried, meeting: r.meeting.as_ref(), parties: &r.parties,
        }, request);
        c.done(|| Some(Command::Blow(blow?)))
    }
    ApproveWhistleRequest / "ApproveWhistle" => Command, |r, c| {
        let whistle = c.no("whistle_no", r.whistle_no, WhistleNo);
        c.done(|| Some(Command::ApproveWhistle { whistle: whistle? }))
    }
    TriageWhistleRequest / "TriageWhistle" => Command, |r, c| {
        let whistle = c.no("whistle_no", r.whistle_no, WhistleNo);
        let parties = c.parties("parties", &r.parties);
        c.done(|| Some(Command::TriageWhistle { whistle: whistle?, parties: parties? }))
    }
    HandBackWhistleRequest / "HandBackWhistle" => Command, |r, c| {
        let whistle = c.no("whistle_no", r.whistle_no, WhistleNo);
        let advice = c.words("advice", &r.advice);
        c.done(|| Some(Command::HandBackWhistle { whistle: whistle?, advice: advice? }))
    }
    WithdrawWhistleRequest / "WithdrawWhistle" => Command, |r, c| {
        let whistle = c.no("whistle_no", r.whistle_no, WhistleNo);
        let words = c.optional_words("words", &r.words);
        c.done(|| Some(Command::WithdrawWhistle { whistle: whistle?, words: words? }))
    }
    AddPartyRequest / "AddParty" => Command, |r, c| {
        let whistle = c.no("whistle_no", r.whistle_no, WhistleNo);
        let party = match &r.party {
            Some(party) => c.party("party", party),
            None => { c.violated("party", "REQUIRED", "whom to call"); None }
        };
        let words = c.optional_words("words", &r.words);
        c.done(|| Some(Command::AddParty { whistle: whistle?, party: party?, words: words? }))
    }
    ChangeLeadRequest / "ChangeLead" => Command, |r, c| {
        let whistle = c.no("whistle_no", r.whistle_no, WhistleNo);
        let to = c.no("to_obligation_no", r.to_obligation_no, ObligationNo);
        let words = c.optional_words("words", &r.words);
        c.done(|| Some(Command::ChangeLead { whistle: whistle?, to: to?, words: words? }))
    }
    StandDownWhistleRequest / "StandDownWhistle" => Command, |r, c| {
        let whistle = c.no("whistle_no", r.whistle_no, WhistleNo);
        let words = c.optional_words("words", &r.words);
        c.done(|| Some(Command::StandDownWhistle { whistle: whistle?, words: words? }))
    }
    ConfirmWhistleRequest / "ConfirmWhistle" => Command, |r, c| {
        let whistle = c.no("whistle_no", r.whistle_no, WhistleNo);
        let confirmed = c.said("confirmed", r.confirmed);
        let words = c.optional_words("words", &r.words);
        c.done(|| Some(Command::ConfirmWhistle { whistle: whistle?, confirmed: confirmed?, words: words? }))
    }
    RateWhistleRequest / "RateWhistle" => Command, |r, c| {
        let whistle = c.no("whistle_no", r.whistle_no, WhistleNo);
        let score = c.score("score", r.score);
        let words = c.optional_words("words", &r.words);
        c.done(|| Some(Command::RateWhistle { whistle: whistle?, score: score?, words: words? }))
    }
    // The MAC is empty: the code is made by the server, which puts its MAC in before anything is decided.
    IssuePresenceCodeRequest / "IssuePresenceCode" => Command, |r, c| {
        let whistle = c.no("whistle_no", r.whistle_no, WhistleNo);
        c.done(|| Some(Command::IssuePresenceCode { whistle: whistle?, code_mac: String::new() }))
    }
    ReportInRequest / "ReportIn" => Command, |r, c| {
        let obligation = c.no("obligation_no", r.obligation_no, ObligationNo);
        let reported_at = c.time("reported_time", r.reported_time.as_ref());
        let code_mac = c.presence(&r.presence_code);
        let point = c.real_point("point", r.point.as_ref());
        c.done(|| Some(Command::ReportIn {
            obligation: obligation?, reported_at: reported_at?, code_mac: code_mac?, point: point?,
        }))
    }
    RaiseObjectionRequest / "RaiseObjection" => Command, |r, c| {
        let obligation = c.no("obligation_no", r.obligation_no, ObligationNo);
        let ground = c.ground("ground", r.ground.as_ref());
        c.done(|| Some(Command::RaiseObjection { obligation: obligation?, ground: ground? }))
    }
    DecideObjectionRequest / "DecideObjection" => Command, |r, c| {
        let request = c.no("request_no", r.request_no, RequestNo);
        let uphold = c.said("uphold", r.uphold);
        let words = c.optional_words("words", &r.words);
        c.done(|| Some(Command::DecideObjection { request: request?, uphold: uphold?, words: words? }))
    }
    RecordJointPlanRequest / "RecordJointPlan" => Command, |r, c| {
        let whistle = (r.whistle_no != 0).then_some(WhistleNo(r.whistle_no));
        let attendees = c.ids("attendee_org_ids", &r.attendee_org_ids);
        let measures = c.items("measures", &r.measures, Check::planned);
        let words = c.optional_words("words", &r.words);
        c.done(|| Some(Command::RecordJointPlan {
            whistle, attendees: attendees?, measures: measures?, words: words?,
        }))
    }
    RecordDeliberationRequest / "RecordDeliberation" => Command, |r, c| {
        let form = c.choice("form", r.form);
        let attendees = c.ids("attendee_org_ids", &r.attendee_org_ids);
        let result = c.words("result", &r.result);
        let next_at = c.optional_time("next_time", r.next_time.as_ref());
        c.done(|| Some(Command::RecordDeliberation {
            form: form?, attendees: attendees?, others: r.others, result: result?, agreed: r.agreed,
            next_at: next_at?,
        }))
    }
    StrikeOffRequest / "StrikeOff" => Command, |r, c| {
        let measure = c.no("measure_no", r.measure_no, MeasureNo);
        let evidence = c.evidence("evidence", &r.evidence);
        let note = c.optional_words("note", &r.note);
        c.done(|| Some(Command::StrikeOff { measure: measure?, evidence: evidence?, note: note? }))
    }
    CompleteRequest / "Complete" => Command, |r, c| {
        let obligation = c.no("obligation_no", r.obligation_no, ObligationNo);
        let result = c.words("result", &r.result);
        let evidence = c.evidence("evidence", &r.evidence);
        c.done(|| Some(Command::Complete { obligation: obligation?, result: result?, evidence: evidence? }))
    }
    ConfirmRequest / "Confirm" => Command, |r, c| {
        let obligation = c.no("obligation_no", r.obligation_no, ObligationNo);
        c.done(|| Some(Command::Confirm { obligation: obligation? }))
    }
    RefuseCompletionRequest / "RefuseCompletion" => Command, |r, c| {
        let obligation = c.no("obligation_no", r.obligation_no, ObligationNo);
        let words = c.words("words", &r.words);
        c.done(|| Some(Command::RefuseCompletion { obligation: obligation?, words: words? }))
    }
    RateResponseRequest / "RateResponse" => Command, |r, c| {
        let obligation = c.no("obligation_no", r.obligation_no, ObligationNo);
        let score = c.score("score", r.score);
        let words = c.optional_words("words", &r.words);
        c.done(|| Some(Command::RateResponse { obligation: obligation?, score: score?, words: words? }))
    }
}

impl Request for RaiseAndBlowRequest {
    const RPC: &'static str = concat!(routing!(), "/RaiseAndBlow");

    fn command_id(&self) -> &str {
        &self.command_id
    }
}

impl NewCaseRequest for RaiseAndBlowRequest {
    type Command = OwnMatter;

    fn ticket_number(&self) -> Option<&str> {
        ticket_number(self.new_case.as_ref())
    }

    fn contacts(&self) -> Vec<Contact> {
        self.new_case.as_ref().map(contacts).unwrap_or_default()
    }

    fn command(&self, told: &Told<'_>, seal: &mut dyn Seal) -> Result<OwnMatter, Vec<Violation>> {
        let c = &mut Check::new(seal);
        let raised = match &self.new_case {
            Some(new_case) => match raise(new_case, "new_case", told, &mut *c.seal) {
                Ok(raised) => Some(raised),
                Err(wrong) => {
                    c.violations.extend(wrong);
                    None
                }
            },
            None => {
                c.violated("new_case", "REQUIRED", "the case");
                None
            }
        };
        let matter = c.id("matter_id", &self.matter_id);
        let grade = c.optional_choice("grade", self.grade);
        let blown = Blown {
            kind: &self.kind,
            purpose: &self.purpose,
            tried: &self.tried,
            meeting: self.meeting.as_ref(),
            parties: &self.parties,
        };
        let blow = c.blow(&blown, None);
        c.done(|| Some(OwnMatter { raise: raised?, matter: matter?, grade: grade?, blow: blow? }))
    }
}

/// What the two ways to blow have in common.
struct Blown<'a> {
    kind: &'a str,
    purpose: &'a str,
    tried: &'a str,
    meeting: Option<&'a shared::Meeting>,
    parties: &'a [shared::Party],
}

impl Check<'_> {
    fn blow(&mut self, blown: &Blown<'_>, request: Option<RequestNo>) -> Option<Blow> {
        let kind = self.id("kind", blown.kind);
        let purpose = self.words("purpose", blown.purpose);
        let tried = self.optional_words("tried", blown.tried);
        let meeting = self.meeting("meeting", blown.meeting);
        let parties = self.parties("parties", blown.parties);
        Some(Blow {
            kind: kind?,
            purpose: purpose?,
            tried: tried?,
            meeting: meeting?,
            parties: parties?,
            request,
        })
    }

    fn planned(&mut self, path: &str, measure: &pb::PlannedMeasure) -> Option<PlannedMeasure> {
        let responsible_path = format!("{path}.responsible_obligation_no");
        let responsible = self.no(&responsible_path, measure.responsible_obligation_no, ObligationNo);
        let due_at = self.optional_time(&format!("{path}.due_time"), measure.due_time.as_ref());
        let (path, key) = (format!("{path}.text"), KeyId::case_file());
        let Some(text) = self.sealed(&path, "text", &key, &measure.text, TEXT_CHARS_MAX)? else {
            self.violated(&path, "REQUIRED", "what will be done");
            return None;
        };
        let mandatory = measure.mandatory;
        Some(PlannedMeasure { text, responsible: responsible?, mandatory, due_at: due_at? })
    }

    /// The MAC of the code that was typed; it stands for the code from here on.
    fn presence(&mut self, typed: &str) -> Option<Option<String>> {
        // As people type it off a screen.
        let code: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
        if code.is_empty() {
            return Some(None);
        }
        if code.chars().nth(CODE_CHARS_MAX).is_some() {
            self.violated("presence_code", "TOO_LONG", format!("at most {CODE_CHARS_MAX} characters"));
            return None;
        }
        Some(Some(self.seal.code_mac(&code)))
    }
}
