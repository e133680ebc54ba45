//! One line of words for every event, in both languages.

use case::Case;
use case::event::Event;
use case::ids::{ClockNo, ObligationNo, WhistleNo};
use case::time::At;
use jiff::tz::Offset;
use registry::ids::OrgId;
use registry::{Lang, Registry};
use wire::view;

use super::{clocks, closing, duties, sorting, whistles};

/// China has kept UTC+8 without summer time since 1991.
const CHINA: Offset = Offset::constant(8);

/// A line in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) zh: String,
    pub(crate) en: String,
}

/// A line without anything to fill in, or a name in both languages.
pub(super) fn plain(zh: impl Into<String>, en: impl Into<String>) -> Line {
    Line { zh: zh.into(), en: en.into() }
}

/// Writes the same sentence in both languages, with parts that have both.
macro_rules! say {
    ($zh:literal, $en:literal $(, $part:expr)*) => {{
        let parts = [$(&$part),*];
        $crate::timeline::lines::fill($zh, $en, &parts)
    }};
}
pub(super) use say;

/// Puts the parts where `{}` stands, in order.
pub(super) fn fill(zh: &str, en: &str, parts: &[&Line]) -> Line {
    let put = |pattern: &str, part: fn(&Line) -> &str| {
        let mut pieces = pattern.split("{}");
        let mut text = pieces.next().unwrap_or_default().to_owned();
        for (piece, line) in pieces.zip(parts) {
            text.push_str(part(line));
            text.push_str(piece);
        }
        text
    };
    plain(put(zh, |line| &line.zh), put(en, |line| &line.en))
}

/// What an event says, the case being as it is after it.
pub(crate) fn line(event: &Event, after: &Case, registry: &Registry) -> Line {
    let tell = Teller { case: after, registry };
    match event {
        Event::Intake(event) => sorting::line(event, &tell),
        Event::Dispatch(event) => duties::line(event, &tell),
        Event::Whistle(event) => whistles::line(event, &tell),
        Event::Clock(event) => clocks::line(event, &tell),
        Event::Closure(event) => closing::line(event),
        // Never on a case's stream.
        Event::District(event) => plain(event.event_type(), event.event_type()),
    }
}

/// Looks names up.
pub(super) struct Teller<'a> {
    pub(super) case: &'a Case,
    pub(super) registry: &'a Registry,
}

impl Teller<'_> {
    pub(super) fn org(&self, id: &OrgId) -> Line {
        plain(self.registry.org_name(id, Lang::Zh), self.registry.org_name(id, Lang::En))
    }

    pub(super) fn orgs<'a>(&self, ids: impl Iterator<Item = &'a OrgId>) -> Line {
        let names: Vec<Line> = ids.map(|id| self.org(id)).collect();
        let join =
            |part: fn(&Line) -> &str, between| names.iter().map(part).collect::<Vec<_>>().join(between);
        plain(join(|line| &line.zh, "、"), join(|line| &line.en, ", "))
    }

    /// The organisation that holds a duty.
    pub(super) fn holder(&self, no: ObligationNo) -> Line {
        match self.case.obligation(no) {
            Some(duty) => self.org(&duty.org),
            None => plain(format!("任务{no}"), format!("duty {no}")),
        }
    }

    /// The name of a whistle's kind.
    pub(super) fn whistle(&self, no: WhistleNo) -> Line {
        match self.case.whistle(no) {
            Some(whistle) => {
                let kind = view::whistle_kind(&whistle.kind, self.registry);
                plain(kind.name, kind.name_en)
            }
            None => plain(format!("哨{no}"), format!("whistle {no}")),
        }
    }

    /// What a clock times, with whose duty it is.
    pub(super) fn clock(&self, no: ClockNo) -> Line {
        let Some(clock) = self.case.clock(no) else {
            return plain(format!("时限{no}"), format!("clock {no}"));
        };
        let kind = view::clock_kind(clock.kind);
        let kind = plain(kind.name, kind.name_en);
        match clock.subject {
            case::event::parts::Subject::Obligation(duty) => {
                say!("{}的{}", "{}: {}", self.holder(duty), kind)
            }
            case::event::parts::Subject::Case
            | case::event::parts::Subject::Whistle(_)
            | case::event::parts::Subject::Request(_) => kind,
        }
    }
}

/// An instant as a clock on a wall in China shows it.
pub(super) fn time(at: At) -> Line {
    let text = CHINA.to_datetime(at.instant()).strftime("%Y-%m-%d %H:%M").to_string();
    plain(text.clone(), text)
}

pub(super) fn number(value: impl std::fmt::Display) -> Line {
    plain(value.to_string(), value.to_string())
}
