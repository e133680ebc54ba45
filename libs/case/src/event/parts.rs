//! What several events carry: who, where, which duties.

use registry::ids::{
    AreaCode, BuildingId, CompoundId, MatterId, OrgId, PersonId, PostId, ReasonCode, Role, RuleId, SourceId,
};
use registry::{Datum, Grade, Step};
use serde::{Deserialize, Serialize};

use crate::ids::{KeyId, MeasureNo, ObligationNo, RequestNo, WhistleNo};
use crate::sealed::Sealed;
use crate::time::At;

/// Who did it, and as what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum By {
    /// A person, in one of their roles.
    Person {
        /// Opaque; the registry maps it to a post.
        person: PersonId,
        /// The post held, when the registry knew one.
        #[serde(skip_serializing_if = "Option::is_none")]
        post: Option<PostId>,
        /// The organisation acted for.
        #[serde(skip_serializing_if = "Option::is_none")]
        org: Option<OrgId>,
        /// The role that gave the right.
        role: Role,
    },
    /// Another system: a hotline, a department's work-order system, the city's platform.
    System {
        /// Which one.
        source: SourceId,
        /// The organisation it works for.
        #[serde(skip_serializing_if = "Option::is_none")]
        org: Option<OrgId>,
    },
    /// Whistle itself, by a rule of the published policies.
    Automatic {
        /// The rule that called for it.
        #[serde(skip_serializing_if = "Option::is_none")]
        rule: Option<RuleId>,
    },
}

impl By {
    /// The organisation acted for, if any.
    #[must_use]
    pub fn org(&self) -> Option<&OrgId> {
        match self {
            Self::Person { org, .. } | Self::System { org, .. } => org.as_ref(),
            Self::Automatic { .. } => None,
        }
    }

    /// The person who acted, if one did.
    #[must_use]
    pub fn person(&self) -> Option<&PersonId> {
        match self {
            Self::Person { person, .. } => Some(person),
            Self::System { .. } | Self::Automatic { .. } => None,
        }
    }
}

/// The way a case takes (流程). Stored by name; its edges are in `flow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Profile {
    /// A ticket of the hotline (热线); the source may own deadline, return, call-back and reopening.
    Hotline,
    /// A report of a grid worker (网格员上报): seen with their own eyes, so not verified again.
    GridWorker,
    /// A report of a resident or lane steward (公众上报): verified on site first.
    Public,
    /// A street's or community's own matter, raised, filed and blown in one call (自吹哨).
    WhistleOnly,
    /// A question that is answered (咨询).
    Consult,
    /// Fixed on the spot by the one who found it (自处理).
    SelfHandled,
    /// One row of a list of problems (专项清单).
    ListItem,
    /// A household that is looked after (关爱).
    Care,
    /// Found by an inspection (整改).
    Inspection,
    /// History brought in from another system: no clock, outside the rates, closed at source (历史导入).
    Imported,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 10] = [
        Self::Hotline,
        Self::GridWorker,
        Self::Public,
        Self::WhistleOnly,
        Self::Consult,
        Self::SelfHandled,
        Self::ListItem,
        Self::Care,
        Self::Inspection,
        Self::Imported,
    ];
}

/// How a case came in (渠道).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Channel {
    /// 热线
    Hotline,
    /// The field app of grid workers (网格员应用).
    FieldApp,
    /// The residents' app or mini-program (居民端).
    ResidentApp,
    /// 窗口
    Window,
    /// 走访
    Visit,
    /// 社区、街镇自办
    Office,
    /// 部门移交
    Department,
    /// 视频
    Video,
    /// 巡查、检查
    Inspection,
    /// 历史导入
    Import,
}

/// What the reporter wants (诉求类型).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DemandKind {
    /// 咨询
    Consult,
    /// 求助
    Help,
    /// 投诉
    Complaint,
    /// 举报
    Tip,
    /// 建议
    Suggestion,
    /// 表扬
    Praise,
}

/// What kind of reporter stands behind a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReporterKind {
    /// 居民
    Resident,
    /// 网格员
    GridWorker,
    /// 小巷管家
    LaneSteward,
    /// 企业、商户
    Enterprise,
    /// 单位
    Organisation,
    /// 匿名
    Anonymous,
}

/// One reporter of a case. Name and phone lie in the vault under `key_id`; nothing here identifies a resident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reporter {
    /// The reporter's key in this case.
    pub key_id: KeyId,
    /// What kind of reporter.
    pub kind: ReporterKind,
    /// The account that reported, when it was one of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// Whether the vault holds contact details to call back with.
    pub contactable: bool,
}

/// A ticket of another system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The system.
    pub source: SourceId,
    /// Its own number for it, at most 64 bytes; an identifier, so never in logs.
    pub number: String,
    /// The revision this event is about, from 1.
    pub revision: u32,
}

/// A point as it was given, in whole micro-degrees (about 11 cm on the ground).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeoPoint {
    /// Latitude × 10⁶, −90,000,000 to 90,000,000.
    pub lat_microdeg: i32,
    /// Longitude × 10⁶, −180,000,000 to 180,000,000.
    pub lon_microdeg: i32,
    /// The datum of the two.
    pub datum: Datum,
    /// Radius of the likely error in metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy_m: Option<u32>,
}

/// Where the problem is. Plain, because it is the problem's place; a person's address goes into `note`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Grid, or the smallest area known, as it was when reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area: Option<AreaCode>,
    /// 小区
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compound: Option<CompoundId>,
    /// 楼栋
    #[serde(skip_serializing_if = "Option::is_none")]
    pub building: Option<BuildingId>,
    /// The point as given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub point: Option<GeoPoint>,
    /// The place in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Sealed>,
}

/// What was missing or wrong when a case was taken (缺项). The case waits in UNTRIAGED until each is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Defect {
    /// No matter, and a profile that needs one to go on.
    MatterMissing,
    /// A matter or class the registry does not know.
    MatterUnknown,
    /// Neither area nor point.
    PlaceMissing,
    /// An area code that is malformed or unknown.
    AreaUnknown,
    /// A compound or building the registry does not know.
    CompoundUnknown,
    /// A point outside the district.
    OutsideDistrict,
    /// A point nobody can be at.
    PointInvalid,
    /// Happened in the future, or before anything here can have happened.
    TimeImplausible,
    /// Text was cut, or had bytes that are no text.
    TextDamaged,
    /// No description at all.
    TextMissing,
    /// A contact that cannot be one.
    ContactInvalid,
    /// A field of the source that could not be read; it is kept sealed.
    SourceFieldUnreadable,
}

/// A photo, recording or paper, by what it is and not where it lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// SHA-256 of the content, 64 hexadecimal digits.
    pub sha256: String,
    /// Media type, such as `image/jpeg`.
    pub media_type: String,
    /// Size in bytes.
    pub bytes: u64,
    /// What it shows.
    pub shows: EvidenceKind,
}

/// What a piece of evidence shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EvidenceKind {
    /// 处置前
    Before,
    /// 处置后
    After,
    /// 现场
    OnSite,
    /// 文书
    Paper,
    /// Anything else.
    Other,
}

/// Leading or joining (主办、协办).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Part {
    /// 主办
    Lead,
    /// 协办
    Co,
}

/// What made a duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Origin {
    /// 派遣
    Dispatch,
    /// 吹哨
    Whistle,
    /// 会商裁定
    Arbitration,
    /// 单位内部指派
    Assignment,
    /// The lead called a co-handler (加派).
    CoCall,
    /// Rework or reopening made the lead's duty anew.
    Reopening,
    /// Brought in from another system's history.
    Import,
}

/// A duty as it is made (任务).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewObligation {
    /// Its number in the case.
    pub no: ObligationNo,
    /// Who holds it.
    pub org: OrgId,
    /// The person it was assigned to inside the organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// Leading or joining.
    pub part: Part,
    /// What made it.
    pub origin: Origin,
    /// The duty it was assigned from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<ObligationNo>,
    /// Duties that must be settled before this one begins.
    pub after: Vec<ObligationNo>,
    /// Whether disposing waits for it.
    pub mandatory: bool,
    /// The steps this duty goes through, in order.
    pub steps: Vec<Step>,
    /// The whistle that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whistle: Option<WhistleNo>,
    /// What exactly is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<Sealed>,
}

/// One party a whistle calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Who is called.
    pub org: OrgId,
    /// Leading or joining.
    pub part: Part,
    /// Whether the work waits for it.
    pub mandatory: bool,
    /// What is asked of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<Sealed>,
}

/// When and where those called meet (集合时间、地点).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meeting {
    /// When.
    pub at: At,
    /// Where.
    pub place: Place,
}

/// A measure of a joint plan (措施).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// Its number in the case.
    pub no: MeasureNo,
    /// What will be done.
    pub text: Sealed,
    /// Whose duty it belongs to.
    pub responsible: ObligationNo,
    /// Whether completing that duty waits for it.
    pub mandatory: bool,
    /// When it is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<At>,
}

/// What a clock is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "on", content = "no", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Subject {
    /// The case as a whole.
    Case,
    /// One duty.
    Obligation(ObligationNo),
    /// One whistle.
    Whistle(WhistleNo),
    /// One request that waits for a decision.
    Request(RequestNo),
}

/// How the presence of somebody who reported in was shown (到场证明).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Presence {
    /// The street's short-lived code was given: they stood there.
    Code,
    /// A position was given, nobody vouches for it.
    Position,
    /// Reported in without showing presence.
    Unproved,
}

/// How content the reporter is (满意度).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Satisfaction {
    /// 满意
    Satisfied,
    /// 基本满意
    Basically,
    /// 不满意
    Unsatisfied,
}

/// How a case ended (结案方式): closed is not the same as solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// 已解决
    Solved,
    /// 未解决已解释
    ExplainedNotSolved,
    /// 不属实
    NotGenuine,
    /// 超职责
    OutOfScope,
    /// 重复件
    Duplicate,
    /// 直接答复
    Answered,
    /// 自处理
    SelfHandled,
    /// Every child of a split ended (拆分办结).
    ChildrenEnded,
    /// The other system closed it, and says no more (来源已结).
    ClosedAtSource,
}

/// Why a return, extension, suspension or objection is asked for, or a case taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ground {
    /// A code of the published catalogue.
    pub code: ReasonCode,
    /// The case for it in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
    /// What proves it.
    pub evidence: Vec<Evidence>,
}

/// What decided the dispatch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The row of the responsibility matrix, or the rule of the fallback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleId>,
    /// Whether nobody was found and the fallback answers (兜底).
    pub fallback: bool,
}

/// The class and grade a case stands under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classification {
    /// 事项
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matter: Option<MatterId>,
    /// 紧急程度
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<Grade>,
}
