use case::event::Whistle;
use case::event::whistle::{DeliberationForm, DeliberationRoundHeld, WhistleBlown};

use super::lines::{Line, Teller, number, plain, say};

pub(super) fn line(event: &Whistle, tell: &Teller<'_>) -> Line {
    match event {
        Whistle::WhistleRequested(asked) => {
            say!("{}申请吹哨", "{} asked for a whistle", tell.holder(asked.obligation))
        }
        Whistle::WhistleRequestDeclined(_) => plain("不予吹哨", "the whistle was declined"),
        Whistle::WhistleBlown(whistle) => blown(whistle, tell),
        Whistle::WhistleApproved(approved) => {
            say!("审哨通过:{}", "whistle approved: {}", tell.whistle(approved.whistle))
        }
        Whistle::WhistleTriaged(triaged) => {
            let called = tell.orgs(triaged.parties.iter().map(|party| &party.org));
            say!("分哨:{}", "whistle triaged: {}", called)
        }
        Whistle::WhistleActivated(active) => {
            let called = tell.orgs(active.obligations.iter().map(|duty| &duty.org));
            say!("哨声生效,应哨单位:{}", "the whistle is active, called are {}", called)
        }
        Whistle::WhistlePartyAdded(added) => {
            say!("增加应哨单位:{}", "also called: {}", tell.org(&added.obligation.org))
        }
        Whistle::WhistleLeadChanged(changed) => {
            say!("变更牵头单位为{}", "{} leads the whistle now", tell.holder(changed.to))
        }
        Whistle::WhistleHandedBack(back) => {
            say!("退哨:{}", "whistle handed back: {}", tell.whistle(back.whistle))
        }
        Whistle::WhistleWithdrawn(withdrawn) => {
            say!("撤哨:{}", "whistle withdrawn: {}", tell.whistle(withdrawn.whistle))
        }
        Whistle::WhistleStoodDown(down) => {
            say!("销哨:{}", "whistle stood down: {}", tell.whistle(down.whistle))
        }
        Whistle::WhistleConfirmed(confirmed) => {
            say!("补批:{}", "whistle confirmed afterwards: {}", tell.whistle(confirmed.whistle))
        }
        Whistle::WhistleInvalidated(invalid) => {
            say!("无效哨:{}", "the whistle should not have been blown: {}", tell.whistle(invalid.whistle))
        }
        Whistle::WhistleRated(rated) => {
            say!("哨声评价:{} 分", "whistle rated: {} of 5", number(rated.score))
        }
        Whistle::JointPlanAgreed(plan) => {
            let (measures, orgs) = (number(plan.measures.len()), tell.orgs(plan.attendees.iter()));
            say!("联合方案:{} 条措施,{}参加", "joint plan of {} measures, agreed by {}", measures, orgs)
        }
        Whistle::DeliberationRoundHeld(held) => round(held),
    }
}

fn blown(blown: &WhistleBlown, tell: &Teller<'_>) -> Line {
    let (caller, kind) = (tell.org(&blown.caller), tell.whistle(blown.whistle));
    let called = tell.orgs(blown.parties.iter().map(|party| &party.org));
    say!("{}吹哨({}),呼叫{}", "{} blew the whistle ({}), calling {}", caller, kind, called)
}

fn round(held: &DeliberationRoundHeld) -> Line {
    let form = match held.form {
        DeliberationForm::JointConference => plain("联席会议", "joint conference"),
        DeliberationForm::ResidentsCouncil => plain("民主议事会", "residents' council"),
        DeliberationForm::Hearing => plain("听证会", "hearing"),
        DeliberationForm::DoorToDoor => plain("入户征求意见", "door to door"),
        DeliberationForm::Other => plain("其他形式", "another form"),
    };
    let agreed = if held.agreed {
        plain("达成一致", "agreed")
    } else {
        plain("尚未达成一致", "not agreed yet")
    };
    say!("第 {} 轮议事({}):{}", "deliberation round {} ({}): {}", number(held.round), form, agreed)
}
