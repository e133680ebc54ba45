//! The main status of a case and every edge it may take, as data.

use serde::Serialize;

use crate::event::parts::Profile;

/// The main status (案件状态).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// 待分类: taken, but something needed is missing or wrong.
    Untriaged,
    /// 已上报
    Raised,
    /// 待核实
    Verifying,
    /// 已受理(待立案)
    Accepted,
    /// 自处理待审
    SelfHandled,
    /// 已立案(待派遣)
    Filed,
    /// 已派遣(待签收)
    Dispatched,
    /// 处置中
    InProgress,
    /// 挂账
    Suspended,
    /// 已处置(待核查)
    Disposed,
    /// 已核查(待回访)
    Checked,
    /// 已结案
    Closed,
    /// 不予受理
    Rejected,
    /// 合并办理
    Merged,
    /// 已拆分
    Split,
    /// 已撤单
    Withdrawn,
    /// 作废
    Voided,
    /// 终止办理
    Terminated,
    /// 强制结案
    ForceClosed,
}

use Status::{
    Accepted, Checked, Closed, Dispatched, Disposed, Filed, ForceClosed, InProgress, Merged, Raised,
    Rejected, SelfHandled, Split, Suspended, Terminated, Untriaged, Verifying, Voided, Withdrawn,
};

impl Status {
    /// Every status, in the order of the life of a case.
    pub const ALL: [Self; 19] = [
        Untriaged,
        Raised,
        Verifying,
        Accepted,
        SelfHandled,
        Filed,
        Dispatched,
        InProgress,
        Suspended,
        Disposed,
        Checked,
        Closed,
        Rejected,
        Merged,
        Split,
        Withdrawn,
        Voided,
        Terminated,
        ForceClosed,
    ];

    /// Whether nothing is left to do: no clock runs, nobody holds it. A merged case follows its parent, a split one its children.
    #[must_use]
    pub fn is_ended(self) -> bool {
        matches!(self, Closed | Rejected | Merged | Split | Withdrawn | Voided | Terminated | ForceClosed)
    }

    /// The stored and public name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Untriaged => "UNTRIAGED",
            Raised => "RAISED",
            Verifying => "VERIFYING",
            Accepted => "ACCEPTED",
            SelfHandled => "SELF_HANDLED",
            Filed => "FILED",
            Dispatched => "DISPATCHED",
            InProgress => "IN_PROGRESS",
            Suspended => "SUSPENDED",
            Disposed => "DISPOSED",
            Checked => "CHECKED",
            Closed => "CLOSED",
            Rejected => "REJECTED",
            Merged => "MERGED",
            Split => "SPLIT",
            Withdrawn => "WITHDRAWN",
            Voided => "VOIDED",
            Terminated => "TERMINATED",
            ForceClosed => "FORCE_CLOSED",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// Every edge any case may take. What a profile leaves out stands in [`CLOSED_TO`].
///
/// Withdrawal leads from every open status: the reporter may before anybody worked on it, the source always (`decide` tells them apart).
pub const EDGES: &[(Status, &[Status])] = &[
    (Untriaged, &[Raised, Rejected, Merged, Split, Voided, Withdrawn]),
    (Raised, &[Verifying, Accepted, Filed, Closed, Rejected, Merged, Split, Withdrawn]),
    (Verifying, &[Accepted, Rejected, Voided, Withdrawn]),
    (Accepted, &[Filed, SelfHandled, Closed, Rejected, Merged, Split, Terminated, Withdrawn]),
    (SelfHandled, &[Closed, Accepted, Voided, Withdrawn]),
    (Filed, &[Dispatched, Merged, Split, Voided, Suspended, Terminated, ForceClosed, Withdrawn]),
    (Dispatched, &[InProgress, Filed, Suspended, Voided, Terminated, ForceClosed, Withdrawn]),
    (InProgress, &[Disposed, Filed, Suspended, Terminated, ForceClosed, Withdrawn]),
    (Suspended, &[Filed, Dispatched, InProgress, Disposed, ForceClosed, Withdrawn]),
    (Disposed, &[Checked, InProgress, Withdrawn]),
    (Checked, &[Closed, InProgress, Withdrawn]),
    (Closed, &[InProgress, Accepted]),
    (Rejected, &[Accepted]),
    (Merged, &[Untriaged, Raised, Accepted, Filed]),
    (Split, &[Closed]),
    (Withdrawn, &[]),
    (Voided, &[]),
    (Terminated, &[]),
    (ForceClosed, &[]),
];

/// Edges a profile does not have.
///
/// Only residents' reports are verified on site, and they always are; only a street's own matter is filed without being accepted;
/// only history from elsewhere is closed as raised, and it goes nowhere else.
pub const CLOSED_TO: &[(Profile, &[(Status, Status)])] = &[
    (Profile::Hotline, &[(Raised, Verifying), (Raised, Filed), (Raised, Closed)]),
    (Profile::GridWorker, &[(Raised, Verifying), (Raised, Filed), (Raised, Closed)]),
    (Profile::Public, &[(Raised, Accepted), (Raised, Filed), (Raised, Closed)]),
    (Profile::WhistleOnly, &[(Raised, Verifying), (Raised, Closed), (Accepted, SelfHandled)]),
    (Profile::Consult, &[(Raised, Verifying), (Raised, Filed), (Raised, Closed), (Accepted, SelfHandled)]),
    (Profile::SelfHandled, &[(Raised, Verifying), (Raised, Filed), (Raised, Closed)]),
    (Profile::ListItem, &[(Raised, Verifying), (Raised, Filed), (Raised, Closed), (Accepted, SelfHandled)]),
    (Profile::Care, &[(Raised, Verifying), (Raised, Filed), (Raised, Closed), (Accepted, SelfHandled)]),
    (Profile::Inspection, &[(Raised, Verifying), (Raised, Filed), (Raised, Closed), (Accepted, SelfHandled)]),
    (
        Profile::Imported,
        &[
            (Raised, Verifying),
            (Raised, Accepted),
            (Raised, Filed),
            (Raised, Rejected),
            (Raised, Merged),
            (Raised, Split),
            (Closed, InProgress),
            (Closed, Accepted),
        ],
    ),
];

/// Whether a case of this profile may go from one status to the other.
#[must_use]
pub fn allows(profile: Profile, from: Status, to: Status) -> bool {
    next(profile, from).any(|status| status == to)
}

/// The statuses a case of this profile may go to.
pub fn next(profile: Profile, from: Status) -> impl Iterator<Item = Status> {
    let edges =
        EDGES.iter().filter(move |(start, _)| *start == from).flat_map(|(_, ends)| ends.iter().copied());
    edges.filter(move |to| {
        let closed = CLOSED_TO.iter().filter(|(of, _)| *of == profile).flat_map(|(_, edges)| edges.iter());
        !closed.into_iter().any(|edge| *edge == (from, *to))
    })
}
