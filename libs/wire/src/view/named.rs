//! Ids with their names. What the registry does not know is shown by its id.

use case::flow::Status;
use case::state::RequestKind;
use registry::ids::{AreaCode, BuildingId, CompoundId, MatterId, OrgId, PostId, Role, SourceId, WhistleKind};
use registry::{ClockKind, Registry};

use crate::pb::whistle::board::v1::Named;

fn named(id: &str, found: Option<(&str, Option<&String>)>) -> Named {
    let (name, name_en) = found.unwrap_or((id, None));
    Named {
        id: id.to_owned(),
        name: name.to_owned(),
        name_en: name_en.map_or(name, String::as_str).to_owned(),
    }
}

/// A name that is part of the program.
fn fixed(id: &str, name: &str, name_en: &str) -> Named {
    Named { id: id.to_owned(), name: name.to_owned(), name_en: name_en.to_owned() }
}

/// An organisation.
#[must_use]
pub fn org(id: &OrgId, registry: &Registry) -> Named {
    named(id.as_str(), registry.org(id).map(|org| (org.name.as_str(), org.name_en.as_ref())))
}

/// A post.
#[must_use]
pub fn post(id: &PostId, registry: &Registry) -> Named {
    named(id.as_str(), registry.post(id).map(|post| (post.name.as_str(), post.name_en.as_ref())))
}

/// An area of any level.
#[must_use]
pub fn area(code: &AreaCode, registry: &Registry) -> Named {
    named(code.as_str(), registry.area(code).map(|area| (area.name.as_str(), area.name_en.as_ref())))
}

/// 小区
#[must_use]
pub fn compound(id: &CompoundId, registry: &Registry) -> Named {
    named(id.as_str(), registry.compound(id).map(|found| (found.name.as_str(), found.name_en.as_ref())))
}

/// 楼栋
#[must_use]
pub fn building(id: &BuildingId, registry: &Registry) -> Named {
    named(id.as_str(), registry.building(id).map(|(_, found)| (found.name.as_str(), found.name_en.as_ref())))
}

/// 事项
#[must_use]
pub fn matter(id: &MatterId, registry: &Registry) -> Named {
    named(id.as_str(), registry.matter(id).map(|found| (found.name.as_str(), found.name_en.as_ref())))
}

/// Another system.
#[must_use]
pub fn source(id: &SourceId, registry: &Registry) -> Named {
    named(id.as_str(), registry.source(id).map(|found| (found.name.as_str(), found.name_en.as_ref())))
}

/// 哨种
#[must_use]
pub fn whistle_kind(id: &WhistleKind, registry: &Registry) -> Named {
    named(id.as_str(), registry.whistle_kind(id).map(|found| (found.name.as_str(), found.name_en.as_ref())))
}

/// A role, by its stored name.
#[must_use]
pub fn role(role: Role) -> Named {
    let (id, name, name_en) = match role {
        Role::GridWorker => ("grid_worker", "网格员", "grid worker"),
        Role::LaneSteward => ("lane_steward", "小巷管家", "lane steward"),
        Role::Resident => ("resident", "居民", "resident"),
        Role::CallTaker => ("call_taker", "话务员", "call taker"),
        Role::Receptionist => ("receptionist", "受理员", "receptionist"),
        Role::DutyLeader => ("duty_leader", "值班长", "duty leader"),
        Role::Dispatcher => ("dispatcher", "派遣员", "dispatcher"),
        Role::OrgDispatcher => ("org_dispatcher", "单位派遣员", "dispatcher of the organisation"),
        Role::Handler => ("handler", "承办人", "handler"),
        Role::Inspector => ("inspector", "监督员", "inspector"),
        Role::CallerBack => ("caller_back", "回访员", "caller-back"),
        Role::Supervisor => ("supervisor", "督查", "supervisor"),
        Role::DistrictCentre => ("district_centre", "区中心", "district centre"),
        Role::CommunityOfficer => ("community_officer", "社区工作人员", "community officer"),
        Role::SubdistrictOfficer => ("subdistrict_officer", "街镇工作人员", "subdistrict officer"),
        Role::SubdistrictLeader => ("subdistrict_leader", "街镇领导", "subdistrict leader"),
        Role::SourceSystem => ("source_system", "来源系统", "source system"),
        Role::Auditor => ("auditor", "审计员", "auditor"),
        Role::Registrar => ("registrar", "登记员", "registrar"),
        Role::Operator => ("operator", "运维", "operator"),
    };
    fixed(id, name, name_en)
}

/// What is asked.
#[must_use]
pub fn request_kind(kind: &RequestKind) -> Named {
    let (id, name, name_en) = match kind {
        RequestKind::Return(_) => ("RETURN", "退单", "return"),
        RequestKind::Objection(_) => ("OBJECTION", "异议", "objection"),
        RequestKind::Extension(..) => ("EXTENSION", "延期", "extension"),
        RequestKind::Suspension => ("SUSPENSION", "挂账", "suspension"),
        RequestKind::Void => ("VOID", "作废", "voiding"),
        RequestKind::Termination => ("TERMINATION", "终止办理", "termination"),
        RequestKind::ForceClose => ("FORCE_CLOSE", "强制结案", "closing by force"),
        RequestKind::Exclusion => ("EXCLUSION", "剔除", "leaving out of the rates"),
        RequestKind::BreakGlass(_) => ("BREAK_GLASS", "解密查看", "seeing a confidential contact"),
        RequestKind::Erasure(_) => ("ERASURE", "删除个人信息", "erasure of personal data"),
        RequestKind::RatingAppeal(_) => ("RATING_APPEAL", "评价申诉", "appeal against a rating"),
        RequestKind::Whistle(_) => ("WHISTLE", "申请吹哨", "a whistle"),
        RequestKind::Supervision(..) => ("SUPERVISION", "督办", "supervision order"),
    };
    fixed(id, name, name_en)
}

/// What a clock times, by its stored name.
#[must_use]
pub fn clock_kind(kind: ClockKind) -> Named {
    let (id, name, name_en) = match kind {
        ClockKind::Triage => ("TRIAGE", "分类时限", "triage"),
        ClockKind::Accept => ("ACCEPT", "受理时限", "accepting"),
        ClockKind::Verify => ("VERIFY", "核实时限", "verifying"),
        ClockKind::File => ("FILE", "立案时限", "filing"),
        ClockKind::Dispatch => ("DISPATCH", "派遣时限", "dispatching"),
        ClockKind::SignFor => ("SIGN_FOR", "签收时限", "signing for"),
        ClockKind::Contact => ("CONTACT", "联系时限", "contacting"),
        ClockKind::ReportIn => ("REPORT_IN", "报到时限", "reporting in"),
        ClockKind::Complete => ("COMPLETE", "办结时限", "completing"),
        ClockKind::Confirm => ("CONFIRM", "验收时限", "confirming"),
        ClockKind::Whole => ("WHOLE", "整体时限", "the whole case"),
        ClockKind::Check => ("CHECK", "核查时限", "checking"),
        ClockKind::CallBack => ("CALL_BACK", "回访时限", "calling back"),
        ClockKind::Close => ("CLOSE", "结案时限", "closing"),
        ClockKind::WhistleApproval => ("WHISTLE_APPROVAL", "审哨时限", "approving the whistle"),
        ClockKind::WhistleTriage => ("WHISTLE_TRIAGE", "分哨时限", "triaging the whistle"),
        ClockKind::SuspensionReview => ("SUSPENSION_REVIEW", "挂账复核", "reviewing the suspension"),
        ClockKind::ReturnDecision => ("RETURN_DECISION", "退单审批时限", "deciding the return"),
        ClockKind::ObjectionDecision => ("OBJECTION_DECISION", "异议审批时限", "deciding the objection"),
        ClockKind::ExtensionDecision => ("EXTENSION_DECISION", "延期审批时限", "deciding the extension"),
        ClockKind::ExternalDue => ("EXTERNAL_DUE", "来源时限", "the source's own deadline"),
    };
    fixed(id, name, name_en)
}

/// A main status, by its stored name.
#[must_use]
pub fn status(status: Status) -> Named {
    let (name, name_en) = match status {
        Status::Untriaged => ("待分类", "untriaged"),
        Status::Raised => ("已上报", "raised"),
        Status::Verifying => ("待核实", "being verified"),
        Status::Accepted => ("已受理(待立案)", "accepted"),
        Status::SelfHandled => ("自处理待审", "fixed on the spot, to be audited"),
        Status::Filed => ("已立案(待派遣)", "filed"),
        Status::Dispatched => ("已派遣(待签收)", "dispatched"),
        Status::InProgress => ("处置中", "in progress"),
        Status::Suspended => ("挂账", "suspended"),
        Status::Disposed => ("已处置(待核查)", "disposed of"),
        Status::Checked => ("已核查(待回访)", "checked"),
        Status::Closed => ("已结案", "closed"),
        Status::Rejected => ("不予受理", "rejected"),
        Status::Merged => ("合并办理", "merged"),
        Status::Split => ("已拆分", "split"),
        Status::Withdrawn => ("已撤单", "withdrawn"),
        Status::Voided => ("作废", "voided"),
        Status::Terminated => ("终止办理", "terminated"),
        Status::ForceClosed => ("强制结案", "closed by force"),
    };
    fixed(status.name(), name, name_en)
}
