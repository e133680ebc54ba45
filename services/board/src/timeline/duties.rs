use case::event::Dispatch;
use case::event::parts::{NewObligation, Part, Presence};

use super::lines::{Line, Teller, number, plain, say, time};

#[expect(clippy::too_many_lines, reason = "one arm an event: total at a glance")]
pub(super) fn line(event: &Dispatch, tell: &Teller<'_>) -> Line {
    match event {
        Dispatch::CaseDispatched(dispatched) => dispatched_to(&dispatched.obligations, tell),
        Dispatch::ObligationsAdded(added) => {
            say!("加派:{}", "called in: {}", tell.orgs(added.obligations.iter().map(|duty| &duty.org)))
        }
        Dispatch::ObligationAssigned(assigned) => {
            say!("单位内指派:{}", "assigned inward: {}", tell.org(&assigned.obligation.org))
        }
        Dispatch::ObligationReassigned(moved) => say!("改派:{}", "reassigned: {}", tell.org(&moved.org)),
        Dispatch::SignedFor(signed) if signed.automatic => {
            say!(
                "{}逾时未签收,自动签收",
                "{} did not sign in time: signed for automatically",
                tell.holder(signed.obligation)
            )
        }
        Dispatch::SignedFor(signed) => say!("{}签收", "{} signed for it", tell.holder(signed.obligation)),
        Dispatch::ReporterContacted(contacted) => {
            say!("{}联系了诉求人", "{} contacted the reporter", tell.holder(contacted.obligation))
        }
        Dispatch::ExternalRefSet(set) => {
            let (org, own) = (tell.holder(set.obligation), number(&set.external_ref));
            say!("{}的工单号:{}", "{}'s own number: {}", org, own)
        }
        Dispatch::ReturnRequested(asked) => {
            say!("{}申请退单", "{} asked to return it", tell.holder(asked.obligation))
        }
        Dispatch::ReturnUpheld(upheld) => {
            say!("同意退单:{}", "return upheld: {}", tell.holder(upheld.obligation))
        }
        Dispatch::ReturnRefused(refused) => {
            say!("退单驳回:{}", "return refused: {}", tell.holder(refused.obligation))
        }
        Dispatch::CaseArbitrated(arbitrated) => {
            let orgs = tell.orgs(arbitrated.obligations.iter().map(|duty| &duty.org));
            say!("会商裁定:{}", "arbitrated: {}", orgs)
        }
        Dispatch::ObligationWithdrawn(withdrawn) => {
            say!("撤回任务:{}", "duty called off: {}", tell.holder(withdrawn.obligation))
        }
        Dispatch::PresenceCodeIssued(_) => plain("出示到场码", "a presence code was shown"),
        Dispatch::ReportedIn(reported) => {
            let presence = match reported.presence {
                Presence::Code => plain("到场码验证", "proved by code"),
                Presence::Position => plain("有定位", "position given"),
                Presence::Unproved => plain("未证明到场", "presence not proved"),
            };
            say!("{}报到({})", "{} reported in ({})", tell.holder(reported.obligation), presence)
        }
        Dispatch::ObjectionRaised(asked) => {
            say!("{}提出异议", "{} objected", tell.holder(asked.obligation))
        }
        Dispatch::ObjectionUpheld(upheld) => {
            say!("异议成立,解除{}", "objection upheld, {} is released", tell.holder(upheld.obligation))
        }
        Dispatch::ObjectionOverruled(overruled) => {
            say!("异议不成立:{}", "objection overruled: {}", tell.holder(overruled.obligation))
        }
        Dispatch::MeasureStruckOff(struck) => {
            say!("措施 {} 销号", "measure {} struck off", number(struck.measure))
        }
        Dispatch::ObligationCompleted(completed) => {
            say!("{}办结反馈", "{} reported its part done", tell.holder(completed.obligation))
        }
        Dispatch::ObligationConfirmed(confirmed) => {
            say!("验收通过:{}", "confirmed: {}", tell.holder(confirmed.obligation))
        }
        Dispatch::CompletionRefused(refused) => {
            say!("验收不通过:{}", "not done yet: {}", tell.holder(refused.obligation))
        }
        Dispatch::ResponseRated(rated) => {
            say!(
                "评哨:{} {} 分",
                "response rated: {}, {} of 5",
                tell.holder(rated.obligation),
                number(rated.score)
            )
        }
        Dispatch::RatingAppealed(asked) => {
            say!("{}对评价申诉", "{} appealed against its rating", tell.holder(asked.obligation))
        }
        Dispatch::RatingAppealDecided(decided) => {
            say!("评价申诉裁定:{}", "appeal against the rating decided: {}", tell.holder(decided.obligation))
        }
        Dispatch::ExtensionRequested(_)
        | Dispatch::ExtensionGranted(_)
        | Dispatch::ExtensionRefused(_)
        | Dispatch::SuspensionRequested(_)
        | Dispatch::CaseSuspended(_)
        | Dispatch::SuspensionRefused(_)
        | Dispatch::SuspensionReviewed(_)
        | Dispatch::CaseResumed(_)
        | Dispatch::SupervisionOrdered(_)
        | Dispatch::SupervisionReplied(_)
        | Dispatch::Reminded(_) => about_time(event, tell),
    }
}

fn dispatched_to(obligations: &[NewObligation], tell: &Teller<'_>) -> Line {
    let of = |part| tell.orgs(obligations.iter().filter(move |duty| duty.part == part).map(|duty| &duty.org));
    if obligations.iter().any(|duty| duty.part == Part::Co) {
        return say!("派遣:{}主办,{}协办", "dispatched: {} leads, with {}", of(Part::Lead), of(Part::Co));
    }
    say!("派遣:{}主办", "dispatched: {} leads", of(Part::Lead))
}

/// Asking for time, standing still, being pressed.
fn about_time(event: &Dispatch, tell: &Teller<'_>) -> Line {
    if let Dispatch::ExtensionGranted(granted) = event {
        return say!("同意延期至 {}", "extended to {}", time(granted.due_at));
    }
    if let Dispatch::SupervisionOrdered(ordered) = event {
        return say!("督办,{} 前回复", "supervision order, answer by {}", time(ordered.reply_due_at));
    }
    if let Dispatch::Reminded(reminded) = event
        && let Some(no) = reminded.obligation
    {
        return say!("催办:{}", "reminded: {}", tell.holder(no));
    }
    let found = FIXED.iter().find(|(own, _, _)| *own == event.event_type());
    found.map_or_else(|| plain(event.event_type(), event.event_type()), |(_, zh, en)| plain(*zh, *en))
}

const FIXED: [(&str, &str, &str); 9] = [
    ("ExtensionRequested", "申请延期", "more time asked for"),
    ("ExtensionRefused", "延期驳回", "no more time"),
    ("SuspensionRequested", "申请挂账", "suspension asked for"),
    ("CaseSuspended", "挂账", "suspended"),
    ("SuspensionRefused", "挂账驳回", "suspension refused"),
    ("SuspensionReviewed", "挂账复核,继续挂账", "suspension reviewed, it goes on"),
    ("CaseResumed", "挂账恢复", "resumed"),
    ("SupervisionReplied", "督办回复", "supervision order answered"),
    ("Reminded", "催办", "reminded"),
];
