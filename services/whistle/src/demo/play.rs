//! Playing stories: everybody's steps in order of time, each a real call, each with the answer the story expects.

use case::ids::{CaseId, derived_uuid};
use jiff::{SignedDuration, Timestamp};
use registry::ids::PostId;
use tonic::Status;
use wire::pb::whistle::case::v1::CommandReceipt;

use super::act::Voice;
use super::district::District;
use super::story::{Act, Step, Story};
use crate::client;
use crate::exit::{Exit, Failure};
use crate::lang::{Lang, Text};

/// A story while it is told.
#[derive(Debug)]
pub(super) struct Telling {
    /// The story.
    pub story: Story,
    /// The case, once it is raised.
    pub case: Option<CaseId>,
    /// Its display number.
    pub number: String,
    /// The last receipt's position.
    pub at_least: String,
    /// The last whistle blown.
    pub whistle_no: u32,
    /// The last request made.
    pub request_no: u32,
    /// The presence code shown last.
    pub code: String,
    /// Steps that were refused, as they were meant to be.
    pub refused: Vec<Refused>,
}

impl Telling {
    pub(super) fn new(story: Story) -> Self {
        Self {
            story,
            case: None,
            number: String::new(),
            at_least: String::new(),
            whistle_no: 0,
            request_no: 0,
            code: String::new(),
            refused: Vec::new(),
        }
    }

    fn keep(&mut self, receipt: &CommandReceipt) {
        self.case = receipt.case_id.parse().ok().map(CaseId).or(self.case);
        self.number.clone_from(&receipt.case_number);
        self.at_least.clone_from(&receipt.position_token);
        let made = receipt.made.clone().unwrap_or_default();
        self.whistle_no = made.whistle_nos.last().copied().unwrap_or(self.whistle_no);
        self.request_no = made.request_nos.last().copied().unwrap_or(self.request_no);
    }
}

/// A step that was refused as it was meant to be. No event tells of it.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    /// When.
    pub at: Timestamp,
    /// Who tried.
    pub post: PostId,
    /// What they were told.
    pub told: Text,
}

/// What comes of one call.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// What is durable.
    pub receipt: Option<CommandReceipt>,
    /// The presence code shown.
    pub code: Option<String>,
}

/// One step of one story, for one duty where it is about several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    at: Timestamp,
    telling: usize,
    step: usize,
    nth: usize,
}

/// Plays all stories of a district at once, by the clock. `told` hears of each step before it is taken.
///
/// # Errors
/// [`Failure`] naming story and step when an answer is not the one expected.
pub(super) async fn play(
    district: &District,
    tellings: &mut [Telling],
    lang: Lang,
    mut told: impl FnMut(usize, usize),
) -> Result<(), Failure> {
    let turns = turns(district, tellings)?;
    let count = turns.len();
    for (done, turn) in turns.into_iter().enumerate() {
        told(done, count);
        let cases: Vec<CaseId> = tellings.iter().filter_map(|telling| telling.case).collect();
        district.pass_until(turn.at, &cases).await?;
        let Some(telling) = tellings.get_mut(turn.telling) else { continue };
        take(district, telling, turn, lang).await.map_err(|failure| named(failure, telling, turn))?;
    }
    told(count, count);
    Ok(())
}

fn turns(district: &District, tellings: &[Telling]) -> Result<Vec<Turn>, Failure> {
    let mut turns = Vec::new();
    for (telling, told) in tellings.iter().enumerate() {
        for (step, given) in told.story.steps.iter().enumerate() {
            let at = district.instant(given.at)?;
            let (duties, every) = given.act.each();
            for nth in 0..duties.len().max(1) {
                let later = i64::from(every).saturating_mul(i64::try_from(nth).unwrap_or(i64::MAX));
                let at = at.checked_add(SignedDuration::from_mins(later)).map_err(Failure::internal)?;
                turns.push(Turn { at, telling, step, nth });
            }
        }
    }
    turns.sort_unstable();
    Ok(turns)
}

async fn take(district: &District, telling: &mut Telling, turn: Turn, lang: Lang) -> Result<(), Failure> {
    let Some(step) = telling.story.steps.get(turn.step).cloned() else { return Ok(()) };
    if let Act::Await { status } = &step.act {
        let case = telling.case.ok_or_else(|| Failure::internal("no case to wait for"))?;
        return district.wait_for_status(case, status).await;
    }
    let duty = step.act.each().0.get(turn.nth).map(String::as_str).or_else(|| step.act.duty());
    let seat = match (&step.actor, duty.or_else(|| struck_by(telling, &step))) {
        (Some(post), _) => district.sandbox.holder(post),
        (None, Some(org)) => district.sandbox.handler(org),
        (None, None) => None,
    };
    let seat = seat.ok_or_else(|| Failure::internal("nobody of the registry acts in this step"))?;
    let id = [turn.step.to_be_bytes(), turn.nth.to_be_bytes()].concat();
    let command_id = derived_uuid("demo-step", &[telling.story.id.as_bytes(), &id]);
    let client = district.client(seat)?;
    let voice = Voice { district, telling, client, command_id, lang };
    let answered = voice.act(&step.act, duty).await;
    let (at, post) = (turn.at, seat.post.clone());
    judge(telling, &step, answered, |told| Refused { at, post, told })
}

/// Whose measure is struck off: the plan is the story's own.
fn struck_by<'a>(telling: &'a Telling, step: &Step) -> Option<&'a str> {
    let Act::StrikeOff { measure, .. } = &step.act else { return None };
    let measures = telling.story.steps.iter().filter_map(|step| {
        let Act::JointPlan(plan) = &step.act else { return None };
        Some(&plan.measures)
    });
    let at = usize::try_from(*measure).ok()?.checked_sub(1)?;
    measures.flatten().nth(at).map(|measure| measure.duty.as_str())
}

fn judge(
    telling: &mut Telling,
    step: &Step,
    answered: Result<Answer, Status>,
    refused: impl FnOnce(Text) -> Refused,
) -> Result<(), Failure> {
    match (answered, &step.refused) {
        (Ok(answer), None) => {
            if let Some(receipt) = &answer.receipt {
                telling.keep(receipt);
            }
            if let Some(code) = answer.code {
                telling.code = code;
            }
            Ok(())
        }
        (Err(status), Some(expected)) if client::reason(&status).as_ref() == Some(expected) => {
            telling.refused.push(refused(Failure::from(status).sentence));
            Ok(())
        }
        (Ok(_), Some(expected)) => Err(Failure::internal(format!("taken, though {expected} was expected"))),
        (Err(status), _) => Err(status.into()),
    }
}

/// The same failure, with where in which story.
fn named(failure: Failure, telling: &Telling, turn: Turn) -> Failure {
    let place = format!("{}: step {} at {}", telling.story.id, turn.step + 1, turn.at);
    let exit = Exit::Internal;
    let sentence = Text::new(
        format!("故事没有按写好的走:{}", failure.sentence.get(Lang::Zh)),
        format!("a story does not go as it is written: {}", failure.sentence.get(Lang::En)),
    );
    Failure { exit, sentence, details: [vec![place], failure.details].concat(), ..failure }
}
