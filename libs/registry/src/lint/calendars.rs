//! Calendars that cannot be counted over.

use crate::content::Content;
use crate::lint::Report;

pub(super) fn check(content: &Content, report: &mut Report) {
    for calendar in &content.calendars {
        let path = format!("calendars[{}]", calendar.id());
        let data = calendar.data();
        if !calendar.has_working_time() {
            report.error(&path, "has no working time, so nothing on it falls due", "give it weekly windows");
        }
        let dated = data.days_off.iter().chain(&data.days_worked);
        let last = dated.map(|days| days.to.unwrap_or(days.from)).max();
        match (last, data.covered_until) {
            (Some(_), None) => report.warning(
                format!("{path}.covered_until"),
                "has dated days but does not say until when they are known",
                "name the last day of the last announced year",
            ),
            (Some(last), Some(until)) if last > until => report.warning(
                format!("{path}.covered_until"),
                format!("{last} lies beyond it"),
                "move it to the last day of the last announced year",
            ),
            _ => {}
        }
    }
}
