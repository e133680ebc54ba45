//! Enums of the domain and of the wire: each value on either side has one on the other, or this does not compile.

use case::event::closure::{CostBearer, ReopenCause};
use case::event::parts::{
    Channel, Defect, DemandKind, EvidenceKind, Origin, Outcome, Part, Presence, Profile, ReporterKind,
    Satisfaction,
};
use case::event::whistle::DeliberationForm;
use case::flow::Status;
use case::intake::Exit;
use case::state::{ObligationState, WhistlePhase};
use registry::{Datum, Grade, Step};

use crate::pb::whistle::case::v1 as pb;

/// An enum of the domain that has a twin on the wire.
pub trait Wire: Copy {
    /// The twin, whose zero says that nothing was told.
    type Pb: Copy + TryFrom<i32> + Into<i32>;

    /// The twin of a value.
    fn to_pb(self) -> Self::Pb;

    /// The value of a twin; none for the unspecified one.
    fn from_pb(pb: Self::Pb) -> Option<Self>;
}

macro_rules! twins {
    ($($name:ident: $($value:ident)*;)*) => {$(
        impl Wire for $name {
            type Pb = pb::$name;

            fn to_pb(self) -> pb::$name {
                match self {
                    $(Self::$value => pb::$name::$value,)*
                }
            }

            fn from_pb(pb: pb::$name) -> Option<Self> {
                match pb {
                    pb::$name::Unspecified => None,
                    $(pb::$name::$value => Some(Self::$value),)*
                }
            }
        }
    )*};
}

/// The main status has another name on the wire, where packages have fewer modules to tell it apart.
type CaseStatus = Status;

twins! {
    CaseStatus: Untriaged Raised Verifying Accepted SelfHandled Filed Dispatched InProgress Suspended Disposed Checked Closed
        Rejected Merged Split Withdrawn Voided Terminated ForceClosed;
    Profile: Hotline GridWorker Public WhistleOnly Consult SelfHandled ListItem Care Inspection Imported;
    Channel: Hotline FieldApp ResidentApp Window Visit Office Department Video Inspection Import;
    DemandKind: Consult Help Complaint Tip Suggestion Praise;
    ReporterKind: Resident GridWorker LaneSteward Enterprise Organisation Anonymous;
    Grade: ExtraUrgent Urgent Ordinary;
    Defect: MatterMissing MatterUnknown PlaceMissing AreaUnknown CompoundUnknown OutsideDistrict PointInvalid TimeImplausible
        TextDamaged TextMissing ContactInvalid SourceFieldUnreadable;
    EvidenceKind: Before After OnSite Paper Other;
    Part: Lead Co;
    Origin: Dispatch Whistle Arbitration Assignment CoCall Reopening Import;
    ObligationState: Assigned SignedFor Contacted ReportedIn Completed Confirmed Returned Released Withdrawn;
    Step: SignFor Contact ReportIn Complete Confirm;
    WhistlePhase: Drafted Approved Triaged Active StoodDown Withdrawn HandedBack Invalid;
    Presence: Code Position Unproved;
    DeliberationForm: JointConference ResidentsCouncil Hearing DoorToDoor Other;
    Satisfaction: Satisfied Basically Unsatisfied;
    Outcome: Solved ExplainedNotSolved NotGenuine OutOfScope Duplicate Answered SelfHandled ChildrenEnded ClosedAtSource;
    CostBearer: Government TitleHolder Owner Property;
    ReopenCause: Reporter CallBack Inspection Source FalseReply;
    Exit: Void Terminate ForceClose Exclude;
    Datum: Wgs84 Cgcs2000 Gcj02 Bd09;
}

/// The main status on the wire.
#[must_use]
pub fn status_of(status: Status) -> pb::CaseStatus {
    status.to_pb()
}

/// Defects on the wire.
#[must_use]
pub fn defects_of(defects: &[Defect]) -> Vec<i32> {
    defects.iter().map(|defect| defect.to_pb().into()).collect()
}
