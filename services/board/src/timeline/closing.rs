use case::event::Closure;
use case::event::closure::ReopenCause;
use case::event::parts::{Outcome, Satisfaction};

use super::lines::{Line, number, plain, say};

pub(super) fn line(event: &Closure) -> Line {
    match event {
        Closure::CaseDisposed(_) => plain("办结并答复", "disposed of, with a reply"),
        Closure::CheckPassed(_) => plain("核查通过", "check passed"),
        Closure::CheckFailed(_) => plain("核查不通过,返工", "check failed: rework"),
        Closure::CalledBack(call) if !call.contacted => {
            say!("回访 {}:未联系上", "called {} back: not reached", number(&call.reporter))
        }
        Closure::CalledBack(call) => {
            let solved = match call.solved {
                Some(true) => plain("已解决", "solved"),
                Some(false) => plain("未解决", "not solved"),
                None => plain("未说明是否解决", "not told whether solved"),
            };
            let content = match call.satisfied {
                Some(Satisfaction::Satisfied) => plain("满意", "satisfied"),
                Some(Satisfaction::Basically) => plain("基本满意", "basically satisfied"),
                Some(Satisfaction::Unsatisfied) => plain("不满意", "not satisfied"),
                None => plain("未评价", "no rating"),
            };
            say!("回访 {}:{},{}", "called {} back: {}, {}", number(&call.reporter), solved, content)
        }
        Closure::CallBackExempted(exempted) => {
            say!("免回访({})", "no call-back owed ({})", number(&exempted.reason))
        }
        Closure::CaseClosed(closed) => say!("结案:{}", "closed: {}", outcome(closed.outcome)),
        Closure::CaseReopened(reopened) => {
            let cause = match reopened.cause {
                ReopenCause::Reporter => plain("诉求人要求", "asked by the reporter"),
                ReopenCause::CallBack => plain("回访", "call-back"),
                ReopenCause::Inspection => plain("检查", "inspection"),
                ReopenCause::Source => plain("来源系统", "the source"),
                ReopenCause::FalseReply => plain("虚假回复", "false reply"),
            };
            say!("重新办理({})", "reopened ({})", cause)
        }
    }
}

fn outcome(outcome: Outcome) -> Line {
    match outcome {
        Outcome::Solved => plain("已解决", "solved"),
        Outcome::ExplainedNotSolved => plain("未解决已解释", "explained, not solved"),
        Outcome::NotGenuine => plain("不属实", "not genuine"),
        Outcome::OutOfScope => plain("超职责", "out of scope"),
        Outcome::Duplicate => plain("重复件", "duplicate"),
        Outcome::Answered => plain("直接答复", "answered"),
        Outcome::SelfHandled => plain("自处理", "fixed on the spot"),
        Outcome::ChildrenEnded => plain("拆分办结", "its children ended"),
        Outcome::ClosedAtSource => plain("来源已结", "closed at source"),
    }
}
