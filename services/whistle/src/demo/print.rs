//! The demonstration for people: timelines, a table of organisations, a summary.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use wire::pb::whistle::board::v1 as board;

use super::report::{DistrictReport, StoryReport};
use crate::lang::{Lang, Text};
use crate::output;

/// Holders named under a timeline.
const HOLDERS_SHOWN: usize = 3;
/// Longest words quoted, in characters.
const WORDS_CHARS_MAX: usize = 200;

/// How the printing is done.
pub(super) struct Page {
    pub lang: Lang,
    pub zone: TimeZone,
    pub coloured: bool,
}

/// A mark beside a line: what time did.
struct Mark {
    zh: &'static str,
    en: &'static str,
    ansi: &'static str,
}

const YELLOW: Mark = Mark { zh: "黄", en: "YELLOW", ansi: "33" };
const RED: Mark = Mark { zh: "红", en: "RED", ansi: "31" };
const LADDER: Mark = Mark { zh: "升级", en: "LADDER", ansi: "35" };
const WHISTLE: Mark = Mark { zh: "哨", en: "WHISTLE", ansi: "36" };
const REFUSED: Mark = Mark { zh: "拒", en: "REFUSED", ansi: "35" };
const DONE: Mark = Mark { zh: "绿", en: "GREEN", ansi: "32" };

fn mark(event_type: &str) -> Option<&'static Mark> {
    match event_type {
        "ClockWarned" => Some(&YELLOW),
        "ClockBreached" => Some(&RED),
        "EscalationStepTaken" | "EscalationUnanswered" | "SupervisionOrdered" => Some(&LADDER),
        "WhistleBlown" | "WhistleApproved" | "WhistleTriaged" | "WhistleActivated" | "WhistleStoodDown" => {
            Some(&WHISTLE)
        }
        "CaseClosed" => Some(&DONE),
        _ => None,
    }
}

impl Page {
    /// One story from its first line to its last.
    pub(super) fn story(&self, number: usize, story: &StoryReport) -> Vec<String> {
        let summary = story.case.summary.clone().unwrap_or_default();
        let label = self.lang.pick("案件", "case");
        let mut lines = vec![
            String::new(),
            self.paint("1", &format!("{number}. {}", story.title.get(self.lang))),
            format!("   {}", story.lead_in.get(self.lang)),
            format!("   {label} {}", summary.case_number),
            String::new(),
        ];
        let mut parts: Vec<(i64, Vec<String>)> = Vec::new();
        for entry in &story.entries {
            let seconds = entry.recorded_time.as_ref().map_or(0, |at| at.seconds);
            parts.push((seconds, self.entry(entry, story.told.get(&entry.version))));
        }
        parts.extend(story.refused.iter().map(|(at, who, told)| (*at, self.refused(*at, who, told))));
        parts.sort_by_key(|(seconds, _)| *seconds);
        lines.extend(parts.into_iter().flat_map(|(_, lines)| lines));
        lines.push(String::new());
        lines.push(format!("   {}", self.ending(story)));
        lines.extend(self.hands(&story.custody).map(|hands| format!("   {hands}")));
        lines
    }

    fn entry(&self, entry: &board::TimelineEntry, told: Option<&Text>) -> Vec<String> {
        let at = entry.recorded_time.as_ref().map(|at| self.time(at.seconds)).unwrap_or_default();
        let what =
            told.map_or_else(|| self.lang.pick(&entry.what, &entry.what_en), |told| told.get(self.lang));
        let mark = mark(&entry.event_type)
            .map(|mark| {
                format!("{} ", self.paint(mark.ansi, &format!("【{}】", self.lang.pick(mark.zh, mark.en))))
            })
            .unwrap_or_default();
        let who = entry.who.as_ref().map(|who| self.who(who)).filter(|who| !who.is_empty());
        let who = who.map(|who| format!(" — {who}")).unwrap_or_default();
        let mut lines = vec![format!("   {at}  {mark}{what}{who}")];
        // What is said of the whole comes before what is said of its parts; a whistle that becomes active repeats what was asked.
        let mut said: Vec<_> = entry.said.iter().filter(|_| entry.event_type != "WhistleActivated").collect();
        said.sort_by_key(|said| said.field.contains('.'));
        for said in said {
            let words = said.words.as_ref().map(|words| cut(&words.text)).unwrap_or_default();
            if !words.is_empty() {
                lines.push(format!("                 “{words}”"));
            }
        }
        lines
    }

    fn refused(&self, at: i64, who: &Text, told: &Text) -> Vec<String> {
        let mark = self.paint(REFUSED.ansi, &format!("【{}】", self.lang.pick(REFUSED.zh, REFUSED.en)));
        vec![format!("   {}  {mark} {} — {}", self.time(at), told.get(self.lang), who.get(self.lang))]
    }

    fn who(&self, who: &board::Who) -> String {
        let name = |named: &Option<board::Named>| {
            let name = named.as_ref().map(|named| self.lang.pick(&named.name, &named.name_en));
            name.unwrap_or_default().to_owned()
        };
        match who.kind.as_str() {
            "AUTOMATIC" if who.rule_id.is_empty() => self.lang.pick("系统自动", "Whistle itself").to_owned(),
            "AUTOMATIC" => format!("{} {}", self.lang.pick("按规则自动", "by rule"), who.rule_id),
            _ => {
                let doer = [name(&who.post), name(&who.source), name(&who.role)];
                let doer = doer.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
                let org = name(&who.org);
                if org.is_empty() || doer == org { doer } else { format!("{doer} · {org}") }
            }
        }
    }

    fn ending(&self, story: &StoryReport) -> String {
        let (warned, breached) = (story.count("ClockWarned"), story.count("ClockBreached"));
        let (told, signed) = (story.count("EscalationStepTaken"), story.signed_automatically());
        let ok = story.differences.is_empty();
        match self.lang {
            Lang::Zh => format!(
                "结局 {}/{}{} · 预警 {warned} 超时 {breached} 升级 {told} 自动签收 {signed} · 事件 {} · 按规矩被拒 {}",
                story.status,
                story.outcome,
                if ok { "(与故事一致)" } else { "(与故事不一致!)" },
                story.events,
                story.refused.len(),
            ),
            Lang::En => format!(
                "ends {}/{}{} · warned {warned}, late {breached}, ladder {told}, signed automatically {signed} · {} events · {} rightly refused",
                story.status,
                story.outcome,
                if ok { " as told" } else { " NOT AS TOLD" },
                story.events,
                story.refused.len(),
            ),
        }
    }

    /// In whose hands the longest.
    fn hands(&self, custody: &[board::CustodySpan]) -> Option<String> {
        let mut held: Vec<(String, i64)> = Vec::new();
        for span in custody {
            let org = span.holder.as_ref().and_then(|holder| holder.org.as_ref());
            let name = org.map(|org| self.lang.pick(&org.name, &org.name_en).to_owned()).unwrap_or_default();
            let seconds = span.duration.as_ref().map_or(0, |duration| duration.seconds);
            match held.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum = sum.saturating_add(seconds),
                None => held.push((name, seconds)),
            }
        }
        held.sort_by_key(|(_, seconds)| std::cmp::Reverse(*seconds));
        let shown: Vec<String> = held
            .iter()
            .take(HOLDERS_SHOWN)
            .map(|(name, seconds)| format!("{name} {}", self.length(*seconds)))
            .collect();
        let label = self.lang.pick("在谁手里最久", "longest in the hands of");
        (!shown.is_empty()).then(|| format!("{label}: {}", shown.join(" · ")))
    }

    /// How organisations stand, one row each.
    pub(super) fn organisations(&self, report: &DistrictReport) -> Vec<String> {
        let headings = match self.lang {
            Lang::Zh => {
                ["单位", "任务", "签收超时", "报到", "其中超时", "平均报到", "办结", "其中超时", "评分"]
            }
            Lang::En => [
                "organisation",
                "duties",
                "signed late",
                "reported in",
                "late",
                "average",
                "completed",
                "late",
                "rating",
            ],
        };
        let row = |standing: &board::OrganisationStanding| {
            let org = standing.org.clone().unwrap_or_default();
            let average = standing.report_in_average.as_ref();
            let rating = f64::from(standing.rating_average_hundredths) / 100.0;
            vec![
                self.lang.pick(&org.name, &org.name_en).to_owned(),
                standing.duties.to_string(),
                standing.signed_late.to_string(),
                standing.reported_in.to_string(),
                standing.reported_in_late.to_string(),
                average.map(|length| self.length(length.seconds)).unwrap_or_default(),
                standing.completed.to_string(),
                standing.completed_late.to_string(),
                if standing.ratings > 0 { format!("{rating:.1}") } else { String::new() },
            ]
        };
        let mut lines = vec![String::new(), self.lang.pick("各单位", "Organisations").to_owned()];
        lines.extend(output::table(&headings, report.organisations.iter().map(row).collect()));
        lines
    }

    fn time(&self, seconds: i64) -> String {
        let at = Timestamp::from_second(seconds).unwrap_or_default();
        at.to_zoned(self.zone.clone()).strftime("%m-%d %H:%M").to_string()
    }

    fn length(&self, seconds: i64) -> String {
        let length = SignedDuration::from_secs(seconds);
        let (hours, minutes) = (length.as_hours(), length.as_mins() % 60);
        let (days, rest) = (hours / 24, hours % 24);
        match (self.lang, days, hours) {
            (Lang::Zh, 0, 0) => format!("{minutes}分"),
            (Lang::Zh, 0, _) => format!("{hours}小时{minutes}分"),
            (Lang::Zh, ..) => format!("{days}天{rest}小时"),
            (Lang::En, 0, 0) => format!("{minutes} min"),
            (Lang::En, 0, _) => format!("{hours} h {minutes} min"),
            (Lang::En, ..) => format!("{days} d {rest} h"),
        }
    }

    fn paint(&self, ansi: &str, text: &str) -> String {
        if self.coloured { format!("\u{1b}[{ansi}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

fn cut(words: &str) -> String {
    let mut cut: String = words.chars().take(WORDS_CHARS_MAX).collect();
    if cut.len() < words.len() {
        cut.push('…');
    }
    cut.replace('\n', " ")
}
