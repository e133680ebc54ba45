//! Rows of the index as messages of the feed: names beside codes, texts opened.

use std::sync::Arc;

use case::event::parts::{By, Part, Place};
use case::ids::{CaseId, ObligationNo};
use case::sealed::Sealed;
use case::state::{Case, MeasureState, WhistleState};
use desk::{Caller, Desk, of_ledger, token};
use ledger::{LedgerError, Position};
use registry::ids::OrgId;
use registry::{Lang, Registry};
use tonic::Status;
use wire::pb::whistle::case::v1 as shared;
use wire::pb::whistle::routing::v1 as pb;
use wire::pb::whistle::routing::v1::feed_message::Message;

use super::damaged;
use super::index::is_current;
use super::kinds::{Kind, kind};
use super::opener::{DAMAGED, Opener};
use super::row::{CaseRow, DueRow, DutyRow, EventRow, stored_name};
use super::scope::{Move, Scope, Seen};

/// Makes messages for one reader.
#[derive(Debug)]
pub(super) struct Messages {
    pub desk: Desk,
    pub caller: Caller,
    pub scope: Scope,
}

/// What a message is about, ready to be shown.
struct Shown<'a> {
    id: CaseId,
    /// None when what the log has of it is damaged: then there is what the index has.
    case: Option<&'a Case>,
    registry: &'a Registry,
    opener: Opener,
}

impl Messages {
    /// A message that is no event.
    pub(super) fn plain(&self, position: u64, message: Message) -> pb::FeedMessage {
        pb::FeedMessage {
            position_token: token::encode(&self.desk.ledger, Position(position)),
            message: Some(message),
            ..pb::FeedMessage::default()
        }
    }

    /// An event, as far as this reader hears of it. Of a case that is damaged it has marks for texts: one case is no reason to tell
    /// nothing of the others.
    ///
    /// # Errors
    /// DATA_LOSS, UNAVAILABLE: log or vault cannot be read.
    pub(super) async fn event(&self, mut row: EventRow) -> Result<Option<pb::FeedMessage>, Status> {
        let payload = row.payload.take();
        let Some(duties) = self.scope.see(&row) else { return Ok(None) };
        let id = CaseId(row.case);
        let (case, number) = self.case(id).await?.unzip();
        let registry = self.desk.published()?;
        let opener = match &case {
            Some(case) => Opener::new(&self.desk.vault, case, &self.caller.actor, &registry).await?,
            None => Opener::of_damaged(&self.desk.vault, id).await?,
        };
        let shown = Shown { id, case: case.as_deref(), registry: &registry, opener };
        let number = number.unwrap_or_default();
        let message = shown.message(&row, &duties)?;
        let asked = matches!(message, Message::DutyAssigned(_) | Message::WhistleCalled(_));
        Ok(Some(pb::FeedMessage {
            position_token: token::encode(&self.desk.ledger, Position(row.position)),
            event: Some(shown.event(&row, payload)?),
            case: Some(shown.case_info(&row.about, number, asked)?),
            duties: duties.iter().map(|seen| shown.duty(seen)).collect::<Result<_, _>>()?,
            message: Some(message),
        }))
    }

    /// A duty of an organisation there is now; none when it is not any more, or filtered out. Of a case that is damaged it cannot be
    /// known whether it would be.
    ///
    /// # Errors
    /// As [`Messages::event`].
    pub(super) async fn snapshot_entry(
        &self,
        org: &OrgId,
        id: CaseId,
        no: ObligationNo,
    ) -> Result<Option<pb::FeedMessage>, Status> {
        let Some((case, number)) = self.case(id).await? else {
            let registry = self.desk.published()?;
            return Ok(Some(damaged::entry(&registry, org, id, no)));
        };
        let Some(duty) = case.obligation(no).filter(|_| is_current(&case, no)) else { return Ok(None) };
        let wanted = &self.scope;
        let other_matter = wanted.matter.is_some() && wanted.matter != case.matter;
        let other_ref = wanted.external_ref.is_some() && wanted.external_ref != duty.external_ref;
        if other_matter || other_ref {
            return Ok(None);
        }
        let registry = self.desk.published()?;
        let opener = Opener::new(&self.desk.vault, &case, &self.caller.actor, &registry).await?;
        let shown = Shown { id, case: Some(&case), registry: &registry, opener };
        let row = DutyRow::of(&case, duty);
        let whistle = duty.whistle.and_then(|no| case.whistle(no));
        let measures = case.measures_of(no).map(|measure| shown.measure(measure));
        let entry = pb::SnapshotEntry {
            whistle: whistle.map(|whistle| shown.whistle(whistle)).transpose()?,
            measures: measures.collect::<Result<_, _>>()?,
        };
        Ok(Some(pb::FeedMessage {
            case: Some(shown.case_info(&CaseRow::of(&case), number, true)?),
            duties: vec![shown.duty(&Seen { duty: &row, own: true, r#move: Move::None })?],
            message: Some(Message::SnapshotEntry(entry)),
            ..pb::FeedMessage::default()
        }))
    }

    /// A case with its number; none when what the log has of it is damaged.
    async fn case(&self, id: CaseId) -> Result<Option<(Arc<Case>, String)>, Status> {
        let ledger = &self.desk.ledger;
        let read = async {
            let case = ledger.read_case(id).await?;
            let number = ledger.number(&case).await?.unwrap_or_default();
            Ok((case, number))
        };
        match read.await {
            Ok(found) => Ok(Some(found)),
            Err(error @ LedgerError::Damaged { .. }) => {
                tracing::error!(case = %id, %error, "a case is damaged");
                Ok(None)
            }
            Err(error) => Err(of_ledger(&error).into()),
        }
    }
}

impl Shown<'_> {
    fn message(&self, row: &EventRow, duties: &[Seen<'_>]) -> Result<Message, Status> {
        let reminder = |kind: pb::ReminderKind| {
            let reply_due_time = row.reply_due_at.map(wire::timestamp);
            Message::Reminder(pb::Reminder { kind: kind.into(), reply_due_time })
        };
        let due_time = row.clock.as_ref().map(due);
        Ok(match kind(&row.event_type) {
            Kind::Plan => Message::PlanAgreed(pb::PlanAgreed { measures: self.measures(row)? }),
            Kind::StruckOff => {
                let measure = self.measures(row)?.into_iter().next();
                Message::MeasureStruckOff(pb::MeasureStruckOff { measure })
            }
            Kind::Warned => Message::ClockWarned(pb::ClockWarned { due_time }),
            Kind::Breached => Message::ClockBreached(pb::ClockBreached { due_time }),
            Kind::Reminded => reminder(pb::ReminderKind::Reminded),
            Kind::SupervisionOrdered => reminder(pb::ReminderKind::SupervisionOrdered),
            Kind::SupervisionReplied => reminder(pb::ReminderKind::SupervisionReplied),
            Kind::Escalated => reminder(pb::ReminderKind::Escalated),
            Kind::Called => self.called(row)?,
            Kind::Duty | Kind::Whistle | Kind::Case | Kind::Silent => self.by_moves(row, duties)?,
        })
    }

    /// What counts most for the reader: duties that came, then duties that went, then what happened.
    fn by_moves(&self, row: &EventRow, duties: &[Seen<'_>]) -> Result<Message, Status> {
        let moved = |to| duties.iter().any(|seen| seen.own && seen.r#move == to);
        let kind = kind(&row.event_type);
        if moved(Move::Assigned) {
            Ok(Message::DutyAssigned(pb::DutyAssigned {}))
        } else if moved(Move::Left) && !moved(Move::Changed) {
            Ok(Message::LeftYourScope(pb::LeftYourScope {}))
        } else if kind == Kind::Whistle {
            self.called(row)
        } else if kind == Kind::Case {
            Ok(Message::CaseProgress(progress(row)))
        } else {
            Ok(Message::DutyChanged(pb::DutyChanged {}))
        }
    }

    fn called(&self, row: &EventRow) -> Result<Message, Status> {
        let Some(case) = self.case else {
            let called = row.whistle.map(damaged::called);
            return Ok(called.map_or(Message::DutyChanged(pb::DutyChanged {}), Message::WhistleCalled));
        };
        let whistle = row.whistle.and_then(|no| case.whistle(no));
        let called = whistle.map(|whistle| self.whistle(whistle)).transpose()?;
        Ok(called.map_or(Message::DutyChanged(pb::DutyChanged {}), Message::WhistleCalled))
    }

    fn event(&self, row: &EventRow, payload: serde_json::Value) -> Result<pb::FeedEvent, Status> {
        let org = row.by.as_ref().and_then(By::org);
        let role = match &row.by {
            Some(By::Person { role, .. }) => stored_name(role),
            Some(By::System { .. } | By::Automatic { .. }) | None => String::new(),
        };
        Ok(pb::FeedEvent {
            event_id: row.event_id.to_string(),
            event_type: row.event_type.clone(),
            case_version: row.version,
            recorded_time: Some(wire::timestamp(row.recorded_at)),
            occurred_time: Some(wire::timestamp(row.occurred_at)),
            actor_org_id: org.map(ToString::to_string).unwrap_or_default(),
            actor_org_name: org.map(|org| self.org_name(org)).unwrap_or_default(),
            actor_role: role,
            payload_json: self.opener.payload(payload)?,
        })
    }

    fn case_info(&self, about: &CaseRow, number: String, with_text: bool) -> Result<pb::FeedCase, Status> {
        let open = |field, of: fn(&Case) -> Option<&Sealed>| {
            let text = match self.case.filter(|_| with_text) {
                Some(case) => of(case).map(|sealed| self.opener.text(field, sealed)),
                None => with_text.then(|| Ok(DAMAGED.to_owned())),
            };
            text.transpose().map(Option::unwrap_or_default)
        };
        let matter = about.matter.as_ref();
        let area = about.area.as_ref();
        let compound = about.compound.as_ref();
        let building = about.building.as_ref();
        let registry = self.registry;
        Ok(pb::FeedCase {
            case_id: self.id.to_string(),
            case_number: number,
            status: status(&about.status),
            matter_id: text_of(matter),
            matter_name: matter.and_then(|id| Some(registry.matter(id)?.name.clone())).unwrap_or_default(),
            grade: about.grade.as_ref().map_or(0, |grade| {
                shared::Grade::from_str_name(&format!("GRADE_{grade}")).map_or(0, Into::into)
            }),
            area_code: text_of(area),
            area_name: area.and_then(|code| Some(registry.area(code)?.name.clone())).unwrap_or_default(),
            compound_id: text_of(compound),
            compound_name: compound
                .and_then(|id| Some(registry.compound(id)?.name.clone()))
                .unwrap_or_default(),
            building_id: text_of(building),
            building_name: building
                .and_then(|id| Some(registry.building(id)?.1.name.clone()))
                .unwrap_or_default(),
            place_note: open("note", |case| case.place.note.as_ref())?,
            text: open("text", |case| case.text.as_ref())?,
            due_times: about.due.iter().map(due).collect(),
        })
    }

    fn duty(&self, seen: &Seen<'_>) -> Result<pb::Duty, Status> {
        let duty = seen.duty;
        let step = |step: &String| shared::Step::from_str_name(&format!("STEP_{step}")).map_or(0, Into::into);
        let state = format!("OBLIGATION_STATE_{}", duty.state);
        Ok(pb::Duty {
            obligation_no: duty.no.0,
            org_id: duty.org.to_string(),
            org_name: self.org_name(&duty.org),
            person_id: text_of(duty.person.as_ref()),
            part: shared::Part::from_str_name(&format!("PART_{}", duty.part)).map_or(0, Into::into),
            origin: shared::Origin::from_str_name(&format!("ORIGIN_{}", duty.origin)).map_or(0, Into::into),
            state: shared::ObligationState::from_str_name(&state).map_or(0, Into::into),
            parent_obligation_no: duty.parent.map_or(0, |no| no.0),
            whistle_no: duty.whistle.map_or(0, |no| no.0),
            mandatory: duty.mandatory,
            steps: duty.steps.iter().map(step).collect(),
            task: match &duty.task {
                Some(task) => self.opener.text("task", task)?,
                None => String::new(),
            },
            external_ref: duty.external_ref.clone().unwrap_or_default(),
            assigned_time: Some(wire::timestamp(duty.assigned_at)),
            due_times: duty.due.iter().map(due).collect(),
            r#move: match seen.r#move {
                Move::None => pb::DutyMove::Unspecified,
                Move::Assigned => pb::DutyMove::Assigned,
                Move::Changed => pb::DutyMove::Changed,
                Move::Left => pb::DutyMove::Left,
            }
            .into(),
        })
    }

    fn whistle(&self, whistle: &WhistleState) -> Result<pb::WhistleCalled, Status> {
        let policy = self.registry.whistle_kind(&whistle.kind);
        let mut parties: Vec<_> = whistle.parties.iter().collect();
        parties.sort_by_key(|party| party.part != Part::Lead);
        let meeting = whistle.meeting.as_ref();
        let phase = format!("WHISTLE_PHASE_{}", whistle.phase.name());
        Ok(pb::WhistleCalled {
            whistle_no: whistle.no.0,
            kind: whistle.kind.to_string(),
            kind_name: policy.map_or_else(|| whistle.kind.to_string(), |policy| policy.name.clone()),
            caller: Some(self.named(&whistle.caller)),
            parties: parties.into_iter().map(|party| self.named(&party.org)).collect(),
            phase: shared::WhistlePhase::from_str_name(&phase).map_or(0, Into::into),
            purpose: self.opener.text("purpose", &whistle.purpose)?,
            meeting_time: meeting.map(|meeting| wire::timestamp(meeting.at)),
            meeting_place: match meeting {
                Some(meeting) => self.place_words(&meeting.place)?,
                None => String::new(),
            },
        })
    }

    fn measures(&self, row: &EventRow) -> Result<Vec<pb::Measure>, Status> {
        let Some(case) = self.case else {
            return Ok(row.measures.iter().map(|no| damaged::measure(*no)).collect());
        };
        let named = case.measures.iter().filter(|measure| row.measures.contains(&measure.no));
        named.map(|measure| self.measure(measure)).collect()
    }

    fn measure(&self, measure: &MeasureState) -> Result<pb::Measure, Status> {
        Ok(pb::Measure {
            measure_no: measure.no.0,
            text: self.opener.measure(&measure.text)?,
            obligation_no: measure.responsible.0,
            mandatory: measure.mandatory,
            due_time: measure.due_at.map(wire::timestamp),
            struck_time: measure.struck_at.map(wire::timestamp),
        })
    }

    /// A place as people say it: compound and building, else the area, then the words.
    fn place_words(&self, place: &Place) -> Result<String, Status> {
        let registry = self.registry;
        let compound = place.compound.as_ref().and_then(|id| registry.compound(id));
        let building = place.building.as_ref().and_then(|id| registry.building(id));
        let area = place.area.as_ref().and_then(|code| registry.area(code)).filter(|_| compound.is_none());
        let names = [
            area.map(|area| area.name.as_str()),
            compound.map(|compound| compound.name.as_str()),
            building.map(|(_, building)| building.name.as_str()),
        ];
        let mut words: Vec<String> = names.into_iter().flatten().map(str::to_owned).collect();
        if let Some(note) = &place.note {
            words.push(self.opener.text("note", note)?);
        }
        Ok(words.join(" "))
    }

    fn org_name(&self, org: &OrgId) -> String {
        self.registry.org_name(org, Lang::Zh).to_owned()
    }

    fn named(&self, org: &OrgId) -> pb::OrgName {
        pb::OrgName { org_id: org.to_string(), name: self.org_name(org) }
    }
}

fn text_of(id: Option<&impl ToString>) -> String {
    id.map(ToString::to_string).unwrap_or_default()
}

fn status(name: &str) -> i32 {
    shared::CaseStatus::from_str_name(&format!("CASE_STATUS_{name}")).map_or(0, Into::into)
}

fn due(row: &DueRow) -> pb::DueTime {
    pb::DueTime {
        clock_no: row.clock.0,
        clock_kind: row.kind.clone(),
        due_time: Some(wire::timestamp(row.due_at)),
        breached: row.breached,
        paused: row.paused,
        provisional: row.provisional,
    }
}

fn progress(row: &EventRow) -> pb::CaseProgress {
    let outcome = row.outcome.as_ref().map(|outcome| format!("OUTCOME_{outcome}"));
    pb::CaseProgress {
        from_status: status(&row.from_status),
        to_status: status(&row.to_status),
        outcome: outcome.and_then(|name| shared::Outcome::from_str_name(&name)).map_or(0, Into::into),
    }
}
