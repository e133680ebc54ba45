//! What an import came to: for people as a table, for programs as one object.

use std::collections::BTreeMap;

use serde::Serialize;

use super::findings::{Finding, Kind, SHOWN_MAX, by_kind};
use super::plan::{Plan, What};
use crate::lang::{Lang, Text};
use crate::output::table;

/// What an import came to. With a dry run: what it would come to on a server that has none of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// Whether nothing was sent.
    pub dry_run: bool,
    /// Records in the file.
    pub records: u64,
    /// Records that became cases or were cases already.
    pub cases: u64,
    /// Cases made now.
    pub cases_new: u64,
    /// Cases made by an earlier run.
    pub cases_existing: u64,
    /// Orders to other organisations.
    pub obligations: u64,
    /// Orders that were done.
    pub completed: u64,
    /// Closings of orders that their record never created.
    pub closings_of_orders_never_created: u64,
    /// Cases the source has closed.
    pub closed_at_source: u64,
    /// Notes, those included that say what did not fit.
    pub notes: u64,
    /// Commits made now; a second run makes none.
    pub commits: u64,
    /// How often something did not fit, by kind.
    pub findings_by_kind: BTreeMap<Kind, usize>,
    /// Fields that have no place here and were kept sealed, and in how many records.
    pub kept_sealed: BTreeMap<String, u64>,
    /// Everything that did not fit.
    pub findings: Vec<Finding>,
}

impl Report {
    /// What a plan would come to.
    pub(super) fn plan(&mut self, plan: &Plan) {
        self.cases += 1;
        self.cases_new += 1;
        for piece in &plan.pieces {
            self.count(&piece.what);
        }
        self.describe(plan);
    }

    /// One piece of history that is there now.
    pub(super) fn count(&mut self, what: &What) {
        let counter = match what {
            What::Note { .. } => &mut self.notes,
            What::Order { .. } => &mut self.obligations,
            What::Done { .. } => &mut self.completed,
            What::Closed => &mut self.closed_at_source,
        };
        *counter += 1;
    }

    /// What the plan itself found.
    pub(super) fn describe(&mut self, plan: &Plan) {
        for field in &plan.kept {
            *self.kept_sealed.entry(field.clone()).or_default() += 1;
        }
        self.findings.extend(plan.findings.iter().cloned());
    }

    /// Adds what another record came to.
    pub(super) fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.cases_new += other.cases_new;
        self.cases_existing += other.cases_existing;
        self.obligations += other.obligations;
        self.completed += other.completed;
        self.closed_at_source += other.closed_at_source;
        self.notes += other.notes;
        self.commits += other.commits;
        for (field, count) in other.kept_sealed {
            *self.kept_sealed.entry(field).or_default() += count;
        }
        self.findings.extend(other.findings);
    }

    /// Counts the findings once all are there.
    pub(super) fn finished(mut self) -> Self {
        self.findings_by_kind = by_kind(&self.findings);
        let never = self.findings_by_kind.get(&Kind::OrderNeverCreated).copied().unwrap_or_default();
        self.closings_of_orders_never_created = u64::try_from(never).unwrap_or(u64::MAX);
        self
    }

    /// Records that are no cases.
    pub(crate) fn not_taken(&self) -> u64 {
        self.records.saturating_sub(self.cases)
    }

    /// What people read, line by line.
    pub(super) fn lines(&self, lang: Lang) -> Vec<String> {
        let totals = self.totals().map(|(name, count)| vec![name.get(lang).to_owned(), count.to_string()]);
        let mut lines = table(&[lang.pick("项目", "what"), lang.pick("数量", "count")], totals.to_vec());
        if !self.kept_sealed.is_empty() {
            let fields: Vec<String> =
                self.kept_sealed.iter().map(|(field, count)| format!("{field} ×{count}")).collect();
            let told = lang.pick("无对应字段,密封随案保存", "no place here, kept sealed with the case");
            lines.push(format!("{told}: {}", fields.join(", ")));
        }
        lines.extend(self.finding_lines(lang));
        if self.dry_run {
            let told = lang.pick(
                "试运行:什么都没有提交。去掉 --dry-run 即导入。",
                "Nothing was sent. Leave out --dry-run to import.",
            );
            lines.push(told.to_owned());
        }
        lines
    }

    fn totals(&self) -> [(Text, u64); 11] {
        [
            (Text::new("记录", "records"), self.records),
            (Text::new("未导入的记录", "records not taken"), self.not_taken()),
            (Text::new("新案件", "cases new"), self.cases_new),
            (Text::new("已有案件", "cases existing"), self.cases_existing),
            (Text::new("任务", "obligations"), self.obligations),
            (Text::new("已办结任务", "completed"), self.completed),
            (
                Text::new("没有派单的办结", "closings of orders never created"),
                self.closings_of_orders_never_created,
            ),
            (Text::new("来源已结", "closed at source"), self.closed_at_source),
            (Text::new("备注", "notes"), self.notes),
            (Text::new("不符之处", "findings"), u64::try_from(self.findings.len()).unwrap_or(u64::MAX)),
            (Text::new("本次提交", "commits made"), self.commits),
        ]
    }

    fn finding_lines(&self, lang: Lang) -> Vec<String> {
        if self.findings.is_empty() {
            return Vec::new();
        }
        let row = |finding: &Finding| {
            let Finding { record, path, kind, why } = finding;
            vec![record.clone(), path.clone(), kind.name(), why.clone()]
        };
        let rows = self.findings.iter().take(SHOWN_MAX).map(row).collect();
        let headings = [
            lang.pick("记录", "record"),
            lang.pick("位置", "where"),
            lang.pick("类别", "kind"),
            lang.pick("说明", "why"),
        ];
        let mut lines = vec![lang.pick("不符之处:", "What did not fit:").to_owned()];
        lines.extend(table(&headings, rows));
        let hidden = self.findings.len().saturating_sub(SHOWN_MAX);
        if hidden > 0 {
            lines.push(format!("… +{hidden}; -o json"));
        }
        lines
    }
}
