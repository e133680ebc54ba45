use case::event::Clock;
use case::event::clock::{CancelCause, RebaseCause};

use super::lines::{Line, Teller, number, plain, say, time};

pub(super) fn line(event: &Clock, tell: &Teller<'_>) -> Line {
    match event {
        Clock::ClockArmed(armed) => {
            say!("起算:{},{} 到期", "clock armed: {}, due {}", tell.clock(armed.clock), time(armed.due_at))
        }
        Clock::ClockPaused(paused) => say!("停表:{}", "clock paused: {}", tell.clock(paused.clock)),
        Clock::ClockResumed(resumed) => {
            say!(
                "续表:{},{} 到期",
                "clock resumed: {}, due {}",
                tell.clock(resumed.clock),
                time(resumed.due_at)
            )
        }
        Clock::ClockRebased(moved) => {
            let cause = match moved.cause {
                RebaseCause::Extended => plain("延期", "extended"),
                RebaseCause::Reclassified => plain("改分类", "reclassified"),
                RebaseCause::CalendarPublished => plain("日历更新", "calendar published"),
                RebaseCause::SourceMoved => plain("来源改时限", "moved by the source"),
                RebaseCause::ModeSwitched => plain("模式切换", "mode switched"),
            };
            let (clock, due) = (tell.clock(moved.clock), time(moved.due_at));
            say!("改期({}):{},{} 到期", "clock moved ({}): {}, due {}", cause, clock, due)
        }
        Clock::ClockWarned(warned) => say!("预警:{}", "warning: {}", tell.clock(warned.clock)),
        Clock::ClockBreached(breached) => {
            say!("超时:{},应于 {}", "overdue: {}, was due {}", tell.clock(breached.clock), time(breached.at))
        }
        Clock::ClockSettled(settled) if settled.late => {
            say!("逾期办结:{}", "done late: {}", tell.clock(settled.clock))
        }
        Clock::ClockSettled(settled) => say!("按时办结:{}", "done in time: {}", tell.clock(settled.clock)),
        Clock::ClockCancelled(cancelled) => {
            let cause = match cancelled.cause {
                CancelCause::CaseEnded => plain("案件已结束", "the case ended"),
                CancelCause::SubjectEnded => plain("事由已结束", "its subject ended"),
                CancelCause::Overtaken => plain("已走其他流程", "the case took another path"),
            };
            say!("撤表:{}({})", "clock cancelled: {} ({})", tell.clock(cancelled.clock), cause)
        }
        Clock::EscalationStepTaken(taken) => {
            let (step, clock) = (number(&taken.step), tell.clock(taken.clock));
            let told = tell.orgs(taken.recipients.iter().map(|recipient| &recipient.org));
            say!("升级 {}({}):告知{}", "escalation {} ({}): told {}", step, clock, told)
        }
        Clock::EscalationUnanswered(unanswered) => {
            let (step, clock) = (number(&unanswered.step), tell.clock(unanswered.clock));
            say!("升级 {}({}):无人可告知", "escalation {} ({}): nobody to tell", step, clock)
        }
    }
}
