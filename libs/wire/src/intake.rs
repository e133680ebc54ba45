//! Intake's requests as commands.

mod raise;

use std::borrow::Cow;

use case::ids::{CaseId, KeyId, ObligationNo, RequestNo};
use case::import;
use case::intake::Command;
use prost_types::Timestamp;

pub(crate) use self::raise::ticket_number;
pub use self::raise::{Contact, Told, contacts, raise};
use crate::check::{Check, TEXT_CHARS_MAX};
use crate::pb::whistle::intake::v1::import_history_request::Piece;
use crate::pb::whistle::intake::v1::{
    AcceptCaseRequest, AddNoteRequest, AnswerDirectlyRequest, AppealRejectionRequest, AttachEvidenceRequest,
    AuditSelfHandledRequest, DecideBreakGlassRequest, DecideExitRequest, FileCaseRequest,
    ImportHistoryRequest, MergeCaseRequest, RejectCaseRequest, RequestBreakGlassRequest, RequestExitRequest,
    RequestVerificationRequest, RevealContactRequest, SelfHandleRequest, SplitCaseRequest, TriageCaseRequest,
    VerifyCaseRequest, WithdrawCaseRequest,
};
use crate::request::{CommandRequest, Request, command};
use crate::seal::{CollectingSeal, Seal};

/// Longest name a source gives a note, in bytes.
const LABEL_BYTES_MAX: usize = 64;
/// Longest number a source gives a duty, in bytes.
const EXTERNAL_REF_BYTES_MAX: usize = 64;
/// Longest remark of an importer, in characters.
const FINDING_CHARS_MAX: usize = 500;

macro_rules! intake {
    () => {
        "whistle.intake.v1.IntakeService"
    };
}
pub(crate) use intake;

command! { intake:
    TriageCaseRequest / "TriageCase" => Command, |r, c| {
        let matter = c.optional_id("matter_id", &r.matter_id);
        let place = c.optional_place("place", r.place.as_ref());
        let dismissed = c.items("dismissed", &r.dismissed, |c, path, defect| c.choice(path, *defect));
        c.done(|| Some(Command::Triage { matter: matter?, place: place?, dismissed: dismissed? }))
    }
    RequestVerificationRequest / "RequestVerification" => Command, |r, c| {
        let inspector = c.id("inspector_person_id", &r.inspector_person_id);
        let note = c.optional_words("note", &r.note);
        c.done(|| Some(Command::RequestVerification { inspector: inspector?, note: note? }))
    }
    VerifyCaseRequest / "VerifyCase" => Command, |r, c| {
        let genuine = c.said("genuine", r.genuine);
        let finding = c.optional_words("finding", &r.finding);
        let evidence = c.evidence("evidence", &r.evidence);
        c.done(|| Some(Command::Verify { genuine: genuine?, finding: finding?, evidence: evidence? }))
    }
    AcceptCaseRequest / "AcceptCase" => Command, |_r, c| { c.done(|| Some(Command::Accept)) }
    RejectCaseRequest / "RejectCase" => Command, |r, c| {
        let reason = c.id("reason", &r.reason);
        let reply = c.words("reply", &r.reply);
        c.done(|| Some(Command::Reject { reason: reason?, reply: reply? }))
    }
    AppealRejectionRequest / "AppealRejection" => Command, |r, c| {
        let words = c.optional_words("words", &r.words);
        c.done(|| Some(Command::AppealRejection { words: words? }))
    }
    AnswerDirectlyRequest / "AnswerDirectly" => Command, |r, c| {
        let reply = c.words("reply", &r.reply);
        c.done(|| Some(Command::AnswerDirectly { reply: reply? }))
    }
    SelfHandleRequest / "SelfHandle" => Command, |r, c| {
        let evidence = c.evidence("evidence", &r.evidence);
        let note = c.optional_words("note", &r.note);
        c.done(|| Some(Command::SelfHandle { evidence: evidence?, note: note? }))
    }
    AuditSelfHandledRequest / "AuditSelfHandled" => Command, |r, c| {
        let passed = c.said("passed", r.passed);
        let note = c.optional_words("note", &r.note);
        c.done(|| Some(Command::AuditSelfHandled { passed: passed?, note: note? }))
    }
    FileCaseRequest / "FileCase" => Command, |r, c| {
        let matter = c.optional_id("matter_id", &r.matter_id);
        let grade = c.optional_choice("grade", r.grade);
        let place = c.optional_place("place", r.place.as_ref());
        c.done(|| Some(Command::File { matter: matter?, grade: grade?, place: place? }))
    }
    WithdrawCaseRequest / "WithdrawCase" => Command, |r, c| {
        let words = c.optional_words("words", &r.words);
        c.done(|| Some(Command::Withdraw { words: words? }))
    }
    RequestExitRequest / "RequestExit" => Command, |r, c| {
        let exit = c.choice("exit", r.exit);
        let ground = c.ground("ground", r.ground.as_ref());
        c.done(|| Some(Command::RequestExit { exit: exit?, ground: ground? }))
    }
    DecideExitRequest / "DecideExit" => Command, |r, c| {
        let request = c.no("request_no", r.request_no, RequestNo);
        let grant = c.said("grant", r.grant);
        let words = c.optional_words("words", &r.words);
        c.done(|| Some(Command::DecideExit { request: request?, grant: grant?, words: words? }))
    }
    AddNoteRequest / "AddNote" => Command, |r, c| {
        let text = c.words("text", &r.text);
        c.done(|| Some(Command::AddNote { text: text?, public: r.public }))
    }
    AttachEvidenceRequest / "AttachEvidence" => Command, |r, c| {
        let evidence = c.evidence("evidence", &r.evidence);
        c.done(|| Some(Command::AttachEvidence { evidence: evidence? }))
    }
    RevealContactRequest / "RevealContact" => Command, |r, c| {
        let key_id = c.key_id("reporter_key_id", &r.reporter_key_id);
        let purpose = c.id("purpose", &r.purpose);
        c.done(|| Some(Command::RevealContact { key_id: key_id?, purpose: purpose? }))
    }
    RequestBreakGlassRequest / "RequestBreakGlass" => Command, |r, c| {
        let key_id = c.key_id("reporter_key_id", &r.reporter_key_id);
        let purpose = c.id("purpose", &r.purpose);
        c.done(|| Some(Command::RequestBreakGlass { key_id: key_id?, purpose: purpose? }))
    }
    DecideBreakGlassRequest / "DecideBreakGlass" => Command, |r, c| {
        let request = c.no("request_no", r.request_no, RequestNo);
        let grant = c.said("grant", r.grant);
        c.done(|| Some(Command::DecideBreakGlass { request: request?, grant: grant? }))
    }
    // The case it follows.
    MergeCaseRequest / "MergeCase" => CaseId, |r, c| {
        let into = c.uuid("into_case_id", &r.into_case_id);
        c.done(|| into.map(CaseId))
    }
    // Nothing but the promise that every child converts: each is sealed for its own case, by `raise`.
    SplitCaseRequest / "SplitCase" => (), |r, c| {
        if r.children.len() < 2 {
            c.violated("children", "TOO_FEW", "at least two");
        }
        let _read: Option<Vec<()>> = c.items("children", &r.children, |c, path, child| {
            let wrong = raise(child, path, &Told::nothing(), &mut CollectingSeal::default()).err()?;
            c.violations.extend(wrong);
            None
        });
        c.done(|| Some(()))
    }
}

impl Request for ImportHistoryRequest {
    const RPC: &'static str = concat!(intake!(), "/ImportHistory");

    fn command_id(&self) -> &str {
        &self.command_id
    }

    fn unconditional(&self) -> Cow<'_, Self> {
        match self.expected_version {
            Some(_) => Cow::Owned(Self { expected_version: None, ..self.clone() }),
            None => Cow::Borrowed(self),
        }
    }
}

impl CommandRequest for ImportHistoryRequest {
    type Command = import::Command;

    fn case_id(&self) -> &str {
        &self.case_id
    }

    fn expected_version(&self) -> Option<u64> {
        self.expected_version
    }

    fn occurred_time(&self) -> Option<&Timestamp> {
        self.occurred_time.as_ref()
    }

    fn command(&self, seal: &mut dyn Seal) -> Result<import::Command, Vec<case::refusal::Violation>> {
        let c = &mut Check::new(seal);
        if self.occurred_time.is_none() {
            c.violated("occurred_time", "REQUIRED", "when it happened, as the source says");
        }
        let piece = c.piece(self.piece.as_ref());
        c.done(|| piece)
    }
}

impl Check<'_> {
    fn piece(&mut self, piece: Option<&Piece>) -> Option<import::Command> {
        let key = KeyId::case_file();
        match piece {
            Some(Piece::Note(note)) => {
                self.plain("note.label", &note.label, LABEL_BYTES_MAX);
                if note.label.is_empty() {
                    self.violated("note.label", "REQUIRED", "the source's name for what it is");
                }
                self.plain_chars("note.finding", &note.finding, FINDING_CHARS_MAX);
                let text = self.sealed("note.text", "text", &key, &note.text, TEXT_CHARS_MAX)?;
                Some(import::Command::Note { label: note.label.clone(), text, finding: given(&note.finding) })
            }
            Some(Piece::Obligation(duty)) => {
                let org = self.id("obligation.org_id", &duty.org_id);
                self.plain("obligation.external_ref", &duty.external_ref, EXTERNAL_REF_BYTES_MAX);
                let task = self.sealed("obligation.task", "task", &key, &duty.task, TEXT_CHARS_MAX)?;
                Some(import::Command::Obligation { org: org?, external_ref: given(&duty.external_ref), task })
            }
            Some(Piece::Completed(done)) => {
                let obligation = self.no("completed.obligation_no", done.obligation_no, ObligationNo);
                let path = "completed.result";
                let Some(result) = self.sealed(path, "result", &key, &done.result, TEXT_CHARS_MAX)? else {
                    self.violated(path, "REQUIRED", "words");
                    return None;
                };
                Some(import::Command::Completed { obligation: obligation?, result })
            }
            Some(Piece::Closed(_)) => Some(import::Command::ClosedAtSource),
            None => {
                self.violated("piece", "REQUIRED", "one piece of history");
                None
            }
        }
    }

    /// Notes a violation for a text in the clear that is too long in bytes or not printable.
    pub(crate) fn plain(&mut self, field: &str, text: &str, bytes_max: usize) {
        if text.len() > bytes_max {
            self.violated(field, "TOO_LONG", format!("at most {bytes_max} bytes"));
        }
        self.printable(field, text);
    }

    fn plain_chars(&mut self, field: &str, text: &str, chars_max: usize) {
        if text.chars().nth(chars_max).is_some() {
            self.violated(field, "TOO_LONG", format!("at most {chars_max} characters"));
        }
        self.printable(field, text);
    }

    fn printable(&mut self, field: &str, text: &str) {
        if text.chars().any(char::is_control) {
            self.violated(field, "MALFORMED", "no control characters");
        }
    }
}

/// An empty string is the same as none given.
pub(crate) fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
