use jiff::Timestamp;
use proptest::prelude::*;

use crate::{Budget, Calendar, CalendarData, Error};

fn weekday() -> Calendar {
    calendar(
        r#"{"id":"weekday","name":"工作日","zone":"Asia/Shanghai","source":"test",
            "weekly":[{"days":["MON","TUE","WED","THU","FRI"],"windows":["09:00-12:00","13:30-17:30"]}],
            "days_off":[{"from":"2025-10-01","to":"2025-10-08","name":"国庆节、中秋节","source":"test"}],
            "days_worked":[{"from":"2025-09-28","name":"调休","source":"test"},
                           {"from":"2025-10-11","name":"调休","source":"test"}],
            "covered_until":"2025-12-31"}"#,
    )
}

fn always() -> Calendar {
    calendar(
        r#"{"id":"always","name":"24×7","zone":"Asia/Shanghai","source":"test",
            "weekly":[{"days":["MON","TUE","WED","THU","FRI","SAT","SUN"],"windows":["00:00-24:00"]}]}"#,
    )
}

fn calendar(json: &str) -> Calendar {
    serde_json::from_str(json).unwrap()
}

fn at(local: &str) -> Timestamp {
    format!("{local}+08:00").parse().unwrap()
}

fn check(calendar: &Calendar, start: &str, budget: Budget, due: &str) {
    let found = calendar.due(at(start), &budget).unwrap();
    assert_eq!(found.at, at(due), "{start} plus {budget:?}");
}

#[test]
fn working_minutes_skip_lunch_night_weekend_and_holiday() {
    let weekday = weekday();
    let minutes = |minutes| Budget::WorkingMinutes { minutes };
    check(&weekday, "2025-09-24T09:00:00", minutes(60), "2025-09-24T10:00:00");
    check(&weekday, "2025-09-24T11:30:00", minutes(60), "2025-09-24T14:00:00");
    check(&weekday, "2025-09-24T17:00:00", minutes(60), "2025-09-25T09:30:00");
    check(&weekday, "2025-09-24T20:00:00", minutes(60), "2025-09-25T10:00:00");
    // A Friday evening before a Sunday that is worked for the holiday.
    check(&weekday, "2025-09-26T17:00:00", minutes(60), "2025-09-28T09:30:00");
    check(&weekday, "2025-09-30T17:00:00", minutes(60), "2025-10-09T09:30:00");
    check(&weekday, "2025-09-24T09:00:00", minutes(180), "2025-09-24T12:00:00");
}

#[test]
fn working_days_count_from_the_next_working_day_and_end_with_its_last_window() {
    let weekday = weekday();
    let days = |days| Budget::WorkingDays { days };
    check(&weekday, "2025-09-24T08:00:00", days(1), "2025-09-25T17:30:00");
    check(&weekday, "2025-09-26T16:00:00", days(1), "2025-09-28T17:30:00");
    check(&weekday, "2025-09-29T16:00:00", days(3), "2025-10-10T17:30:00");
    check(&weekday, "2025-10-10T23:00:00", days(1), "2025-10-11T17:30:00");
}

#[test]
fn natural_time_ignores_the_calendar() {
    check(&weekday(), "2025-10-01T02:00:00", Budget::Natural { minutes: 30 }, "2025-10-01T02:30:00");
    check(&weekday(), "2025-10-01T02:00:00", Budget::Natural { minutes: 7 * 1440 }, "2025-10-08T02:00:00");
}

#[test]
fn a_day_that_ends_at_24_00_loses_no_minute() {
    let start = "2025-10-01T23:50:00";
    check(&always(), start, Budget::WorkingMinutes { minutes: 20 }, "2025-10-02T00:10:00");
    let week = always().working_minutes_between(at("2025-10-01T00:00:00"), at("2025-10-08T00:00:00"));
    assert_eq!(week, 7 * 1440);
}

#[test]
fn nothing_to_count_is_due_at_once() {
    for budget in [
        Budget::Natural { minutes: 0 },
        Budget::WorkingMinutes { minutes: 0 },
        Budget::WorkingDays { days: 0 },
    ] {
        check(&weekday(), "2025-10-01T02:00:00", budget, "2025-10-01T02:00:00");
        let warn = weekday().warn_at(at("2025-10-01T02:00:00"), &budget, 800);
        assert_eq!(warn, Ok(at("2025-10-01T02:00:00")));
    }
}

#[test]
fn a_due_date_beyond_the_known_year_is_provisional() {
    let weekday = weekday();
    let due = |start: &str, budget| weekday.due(at(start), &budget).unwrap().provisional;
    assert!(!due("2025-12-20T10:00:00", Budget::WorkingDays { days: 3 }));
    assert!(due("2025-12-30T10:00:00", Budget::WorkingDays { days: 3 }));
    assert!(!due("2025-12-30T10:00:00", Budget::Natural { minutes: 10_000 }));
    assert!(!always().due(at("2039-12-30T10:00:00"), &Budget::WorkingDays { days: 3 }).unwrap().provisional);
}

#[test]
fn a_calendar_without_working_time_is_told_not_searched_for_ever() {
    let idle = calendar(r#"{"id":"idle","name":"idle","zone":"Asia/Shanghai","source":"test","weekly":[]}"#);
    assert!(!idle.has_working_time());
    for budget in [Budget::WorkingMinutes { minutes: 1 }, Budget::WorkingDays { days: 1 }] {
        let refused = idle.due(at("2025-10-01T00:00:00"), &budget).unwrap_err();
        assert_eq!(refused, Error::Unreachable { calendar: idle.id().clone(), budget });
    }
    let huge = Budget::WorkingMinutes { minutes: u32::MAX };
    assert!(matches!(weekday().due(at("2025-10-01T00:00:00"), &huge), Err(Error::Unreachable { .. })));
    let end = Timestamp::MAX;
    assert_eq!(weekday().due(end, &Budget::Natural { minutes: 1 }).unwrap_err(), Error::OutOfRange);
}

#[test]
fn the_explanation_lists_what_counted_and_which_holiday_did_not() {
    let due = weekday().due(at("2025-09-30T17:00:00"), &Budget::WorkingMinutes { minutes: 60 }).unwrap();
    let spans: Vec<_> = due.explanation.intervals.iter().map(|i| (i.from, i.to)).collect();
    let expected = [
        (at("2025-09-30T17:00:00"), at("2025-09-30T17:30:00")),
        (at("2025-10-09T09:00:00"), at("2025-10-09T09:30:00")),
    ];
    assert_eq!(spans, expected);
    assert_eq!(due.explanation.days_off.len(), 8);
    assert!(due.explanation.days_off.iter().all(|day| day.name == "国庆节、中秋节"));
    let long = weekday().due(at("2025-09-30T17:00:00"), &Budget::WorkingDays { days: 60 }).unwrap();
    assert_eq!(long.explanation.intervals.len(), crate::EXPLAINED_MAX);
    assert_eq!(long.explanation.intervals_omitted, 120 - 32);
}

#[test]
fn warnings_fall_on_the_share_of_time_that_counts() {
    let weekday = weekday();
    let warn = |start: &str, budget, permille| weekday.warn_at(at(start), &budget, permille).unwrap();
    let hour = Budget::WorkingMinutes { minutes: 60 };
    assert_eq!(warn("2025-09-24T11:30:00", hour, 800), at("2025-09-24T13:48:00"));
    assert_eq!(warn("2025-09-24T11:30:00", hour, 1500), at("2025-09-24T14:30:00"));
    let days = Budget::Natural { minutes: 10 * 1440 };
    assert_eq!(warn("2025-09-24T00:00:00", days, 800), at("2025-10-02T00:00:00"));
    // Nine working hours are left from 15:30 to the next evening: two today, seven tomorrow.
    assert_eq!(warn("2025-09-24T15:30:00", Budget::WorkingDays { days: 1 }, 500), at("2025-09-25T11:30:00"));
}

#[test]
fn calendars_that_contradict_themselves_are_refused() {
    for bad in [
        r#"{"id":"x","name":"x","zone":"Mars/Olympus","source":"t","weekly":[]}"#,
        r#"{"id":"X y","name":"x","zone":"Asia/Shanghai","source":"t","weekly":[]}"#,
        r#"{"id":"x","name":"x","zone":"Asia/Shanghai","source":"t",
            "weekly":[{"days":["MON"],"windows":["09:00-12:00","11:00-13:00"]}]}"#,
        r#"{"id":"x","name":"x","zone":"Asia/Shanghai","source":"t",
            "weekly":[{"days":["MON"],"windows":["12:00-09:00"]}]}"#,
        r#"{"id":"x","name":"x","zone":"Asia/Shanghai","source":"t",
            "weekly":[{"days":["MON"],"windows":["09:00-24:01"]}]}"#,
        r#"{"id":"x","name":"x","zone":"Asia/Shanghai","source":"t","weekly":[],
            "days_off":[{"from":"2025-10-02","to":"2025-10-01","name":"n","source":"s"}]}"#,
        r#"{"id":"x","name":"x","zone":"Asia/Shanghai","source":"t","weekly":[],
            "days_off":[{"from":"2025-10-02","name":"n","source":"s"}],
            "days_worked":[{"from":"2025-10-02","name":"n","source":"s"}]}"#,
    ] {
        assert!(serde_json::from_str::<Calendar>(bad).is_err(), "{bad}");
    }
}

#[test]
fn calendars_and_budgets_read_back_as_written() {
    let data = CalendarData::from(weekday());
    let json = serde_json::to_string(&weekday()).unwrap();
    assert_eq!(serde_json::from_str::<Calendar>(&json).unwrap().data(), &data);
    let budget = Budget::WorkingDays { days: 3 };
    let json = serde_json::to_string(&budget).unwrap();
    assert_eq!(json, r#"{"unit":"WORKING_DAYS","days":3}"#);
    assert_eq!(serde_json::from_str::<Budget>(&json).unwrap(), budget);
}

fn starts() -> impl Strategy<Value = Timestamp> {
    // From the end of 2024 to the end of 2026, to the millisecond.
    (1_735_000_000_000_i64..1_798_000_000_000).prop_map(|ms| Timestamp::from_millisecond(ms).unwrap())
}

fn budgets() -> impl Strategy<Value = Budget> {
    prop_oneof![
        (0_u32..20_000).prop_map(|minutes| Budget::Natural { minutes }),
        (0_u32..20_000).prop_map(|minutes| Budget::WorkingMinutes { minutes }),
        (0_u32..60).prop_map(|days| Budget::WorkingDays { days }),
    ]
}

fn larger(budget: Budget, by: u32) -> Budget {
    match budget {
        Budget::Natural { minutes } => Budget::Natural { minutes: minutes + by },
        Budget::WorkingMinutes { minutes } => Budget::WorkingMinutes { minutes: minutes + by },
        Budget::WorkingDays { days } => Budget::WorkingDays { days: days + by },
    }
}

proptest! {
    #[test]
    fn more_budget_is_never_due_earlier(start in starts(), budget in budgets(), by in 0_u32..100) {
        let calendar = weekday();
        let less = calendar.due(start, &budget).unwrap().at;
        let more = calendar.due(start, &larger(budget, by)).unwrap().at;
        prop_assert!(start <= less && less <= more);
    }

    #[test]
    fn what_is_counted_in_working_time_is_never_due_outside_a_window(start in starts(), budget in budgets()) {
        prop_assume!(!budget.is_zero() && !matches!(budget, Budget::Natural { .. }));
        let calendar = weekday();
        let due = calendar.due(start, &budget).unwrap().at.to_zoned(calendar.zone().clone());
        let minute = u16::try_from(i32::from(due.hour()) * 60 + i32::from(due.minute())).unwrap();
        let inside = calendar.windows_on(due.date()).iter().any(|window| {
            window.from_minute() <= minute && minute <= window.to_minute()
        });
        prop_assert!(inside, "{due}");
    }

    #[test]
    fn the_working_minutes_up_to_due_are_the_budget(start in starts(), minutes in 0_u32..20_000) {
        let calendar = weekday();
        let due = calendar.due(start, &Budget::WorkingMinutes { minutes }).unwrap();
        prop_assert_eq!(calendar.working_minutes_between(start, due.at), u64::from(minutes));
    }

    #[test]
    fn the_whole_share_is_the_due_instant(start in starts(), budget in budgets(), permille in 0_u16..1_000) {
        let calendar = weekday();
        let due = calendar.due(start, &budget).unwrap().at;
        prop_assert_eq!(calendar.warn_at(start, &budget, 1_000).unwrap(), due);
        let warn = calendar.warn_at(start, &budget, permille).unwrap();
        prop_assert!(start <= warn && warn <= due);
        if !budget.is_zero() {
            prop_assert_eq!(calendar.spent_permille(start, &budget, due).unwrap(), 1_000);
            prop_assert!(calendar.spent_permille(start, &budget, warn).unwrap() <= u32::from(permille));
        }
    }
}
