//! Closure's requests as commands.

use case::closure::{CallBack, Command, Dispose};
use case::ids::KeyId;

use crate::check::TEXT_CHARS_MAX;
use crate::pb::whistle::closure::v1::{
    CallBackRequest, CheckCaseRequest, CloseCaseRequest, DisposeCaseRequest, ExemptCallBackRequest,
    ReopenCaseRequest,
};
use crate::request::command;

macro_rules! closure {
    () => {
        "whistle.closure.v1.ClosureService"
    };
}

command! { closure:
    DisposeCaseRequest / "DisposeCase" => Command, |r, c| {
        let taken_up_at = c.time("taken_up_time", r.taken_up_time.as_ref());
        let spoken_to = c.words("spoken_to", &r.spoken_to);
        let measures = c.words("measures", &r.measures);
        let solved_by_at = c.time("solved_by_time", r.solved_by_time.as_ref());
        let public_reply = c.words("public_reply", &r.public_reply);
        let cost_bearer = c.optional_choice("cost_bearer", r.cost_bearer);
        let evidence = c.evidence("evidence", &r.evidence);
        c.done(|| Some(Command::Dispose(Dispose {
            taken_up_at: taken_up_at?,
            spoken_to: spoken_to?,
            measures: measures?,
            solved_by_at: solved_by_at?,
            public_reply: public_reply?,
            cost_bearer: cost_bearer?,
            evidence: evidence?,
        })))
    }
    CheckCaseRequest / "CheckCase" => Command, |r, c| {
        let passed = c.said("passed", r.passed);
        // A check that passed keeps it as a note, one that failed as what is missing.
        let field = if r.passed == Some(true) { "note" } else { "words" };
        let words = c.sealed("words", field, &KeyId::case_file(), &r.words, TEXT_CHARS_MAX);
        if r.passed == Some(false) && r.words.is_empty() {
            c.violated("words", "REQUIRED", "what is missing, so that it can be mended");
        }
        let evidence = c.evidence("evidence", &r.evidence);
        c.done(|| Some(Command::Check { passed: passed?, words: words?, evidence: evidence? }))
    }
    CallBackRequest / "CallBack" => Command, |r, c| {
        let reporter = c.key_id("reporter_key_id", &r.reporter_key_id);
        let satisfied = c.optional_choice("satisfied", r.satisfied);
        let key = reporter.clone().unwrap_or_else(KeyId::case_file);
        let words = c.sealed("words", "words", &key, &r.words, TEXT_CHARS_MAX);
        c.done(|| Some(Command::CallBack(CallBack {
            reporter: reporter?,
            contacted: r.contacted,
            solved: r.solved,
            satisfied: satisfied?,
            words: words?,
        })))
    }
    ExemptCallBackRequest / "ExemptCallBack" => Command, |r, c| {
        let reason = c.id("reason", &r.reason);
        c.done(|| Some(Command::ExemptCallBack { reason: reason? }))
    }
    CloseCaseRequest / "CloseCase" => Command, |r, c| {
        let outcome = c.choice("outcome", r.outcome);
        let reply = c.optional_words("reply", &r.reply);
        c.done(|| Some(Command::Close { outcome: outcome?, reply: reply? }))
    }
    ReopenCaseRequest / "ReopenCase" => Command, |r, c| {
        let cause = c.choice("cause", r.cause);
        let words = c.optional_words("words", &r.words);
        c.done(|| Some(Command::Reopen { cause: cause?, words: words? }))
    }
}
