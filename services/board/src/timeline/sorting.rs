use case::event::Intake;
use case::event::intake::CaseRaised;
use registry::Lang;
use registry::ids::MatterId;

use super::lines::{Line, Teller, number, plain, say, time};

pub(super) fn line(event: &Intake, tell: &Teller<'_>) -> Line {
    match event {
        Intake::CaseRaised(case) => raised(case),
        Intake::CaseTriaged(triaged) if triaged.remaining.is_empty() => plain("分类完成", "triaged"),
        Intake::CaseTriaged(triaged) => {
            let left = number(triaged.remaining.len());
            say!("分类,尚有 {} 项缺项", "triaged, {} defects remain", left)
        }
        Intake::VerificationRequested(_) => plain("派人现场核实", "somebody was asked to verify on site"),
        Intake::CaseVerified(verified) if verified.genuine => plain("核实:属实", "verified: it is so"),
        Intake::CaseVerified(_) => plain("核实:不属实", "verified: it is not so"),
        Intake::CaseAccepted(_) => plain("受理", "accepted"),
        Intake::CaseRejected(rejected) => say!("不予受理({})", "rejected ({})", number(&rejected.reason)),
        Intake::RejectionAppealed(_) => plain("申诉受理", "accepted on appeal"),
        Intake::CaseAnswered(_) => plain("直接答复", "answered at once"),
        Intake::SelfHandled(_) => plain("自处理", "fixed on the spot"),
        Intake::SelfHandlingAudited(audit) if audit.passed => {
            plain("自处理审核通过", "fixing on the spot: audit passed")
        }
        Intake::SelfHandlingAudited(_) => plain("自处理审核不通过", "fixing on the spot: audit failed"),
        Intake::CaseFiled(filed) => say!("立案:{}", "filed: {}", matter(&filed.matter, tell)),
        Intake::Reclassified(_) => plain("改分类", "reclassified"),
        Intake::PlaceMoved(_) => plain("改地点", "place corrected"),
        Intake::SourceRevised(revised) => {
            let revision = number(revised.ticket.revision);
            say!("来件更正(第 {} 版)", "the source sent revision {}", revision)
        }
        Intake::ExternalDueSet(due) => {
            say!("来源时限:{}", "the source's own deadline: {}", time(due.due_at))
        }
        Intake::EvidenceAttached(attached) => {
            say!("补充材料 {} 件", "{} pieces of evidence added", number(attached.evidence.len()))
        }
        Intake::NoteAdded(note) if note.public => plain("备注(公开)", "note, public"),
        Intake::NoteAdded(_) => plain("备注", "note"),
        Intake::SourceNoteRecorded(note) => say!("来源记录:{}", "source note: {}", number(&note.label)),
        Intake::CaseMerged(_)
        | Intake::ReporterLinked(_)
        | Intake::CaseUnmerged(_)
        | Intake::ReporterUnlinked(_)
        | Intake::CaseSplit(_)
        | Intake::CaseWithdrawn(_)
        | Intake::VoidRequested(_)
        | Intake::CaseVoided(_)
        | Intake::VoidRefused(_)
        | Intake::TerminationRequested(_)
        | Intake::CaseTerminated(_)
        | Intake::TerminationRefused(_)
        | Intake::ForceCloseRequested(_)
        | Intake::CaseForceClosed(_)
        | Intake::ForceCloseRefused(_)
        | Intake::ExclusionRequested(_)
        | Intake::CaseExcluded(_)
        | Intake::ExclusionRefused(_)
        | Intake::ConfidentialityMarked(_)
        | Intake::ConfidentialityLifted(_)
        | Intake::BreakGlassRequested(_)
        | Intake::BreakGlassApproved(_)
        | Intake::BreakGlassRefused(_)
        | Intake::ContactRevealed(_)
        | Intake::ErasureRequested(_)
        | Intake::ErasureRefused(_)
        | Intake::KeyDestroyed(_) => fixed(event.event_type()),
    }
}

fn raised(raised: &CaseRaised) -> Line {
    match raised.defects.len() {
        0 => plain("上报", "raised"),
        defects => say!("上报,{} 项缺项待分类", "raised with {} defects, to be triaged", number(defects)),
    }
}

fn matter(id: &MatterId, tell: &Teller<'_>) -> Line {
    let found = tell.registry.matter(id);
    let name = |lang| match (found, lang) {
        (Some(matter), Lang::Zh) => matter.name.clone(),
        (Some(matter), Lang::En) => matter.name_en.clone().unwrap_or_else(|| matter.name.clone()),
        (None, _) => id.to_string(),
    };
    plain(name(Lang::Zh), name(Lang::En))
}

/// Merging and splitting, exits, privacy: nothing to fill in.
const FIXED: [(&str, &str, &str); 27] = [
    ("CaseMerged", "合并办理", "merged into another case"),
    ("ReporterLinked", "关联诉求人:另一案件并入", "another case follows this one"),
    ("CaseUnmerged", "取消合并", "goes its own way again"),
    ("ReporterUnlinked", "解除关联", "a case no longer follows"),
    ("CaseSplit", "拆分", "split"),
    ("CaseWithdrawn", "撤单", "withdrawn"),
    ("VoidRequested", "申请作废", "voiding asked for"),
    ("CaseVoided", "作废", "voided"),
    ("VoidRefused", "作废驳回", "voiding refused"),
    ("TerminationRequested", "申请终止办理", "termination asked for"),
    ("CaseTerminated", "终止办理", "terminated"),
    ("TerminationRefused", "终止办理驳回", "termination refused"),
    ("ForceCloseRequested", "申请强制结案", "closing by force asked for"),
    ("CaseForceClosed", "强制结案", "closed by force"),
    ("ForceCloseRefused", "强制结案驳回", "closing by force refused"),
    ("ExclusionRequested", "申请剔除", "leaving out of the rates asked for"),
    ("CaseExcluded", "剔除", "left out of the rates"),
    ("ExclusionRefused", "剔除驳回", "leaving out of the rates refused"),
    ("ConfidentialityMarked", "标记保密", "marked confidential"),
    ("ConfidentialityLifted", "解除保密", "no longer confidential"),
    ("BreakGlassRequested", "申请解密查看", "seeing a confidential contact asked for"),
    ("BreakGlassApproved", "批准解密查看", "seeing a confidential contact approved"),
    ("BreakGlassRefused", "拒绝解密查看", "seeing a confidential contact refused"),
    ("ContactRevealed", "查看联系方式", "a contact was shown"),
    ("ErasureRequested", "申请删除个人信息", "erasure of personal data asked for"),
    ("ErasureRefused", "不予删除个人信息", "erasure of personal data refused"),
    ("KeyDestroyed", "销毁密钥,个人信息已删除", "a key was destroyed: personal data is erased"),
];

fn fixed(event_type: &str) -> Line {
    let found = FIXED.iter().find(|(own, _, _)| *own == event_type);
    found.map_or_else(|| plain(event_type, event_type), |(_, zh, en)| plain(*zh, *en))
}
