//! How many and how long at most.

use serde::{Deserialize, Serialize};

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        /// Bounds of what may happen to one case. Each has its source in the policies' `limit_sources`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Limits {
            $($(#[$doc])* pub $name: u32,)*
        }

        impl Limits {
            /// Every limit by name, in the order of the struct.
            #[must_use]
            pub fn by_name(&self) -> Vec<(&'static str, u32)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

limits! {
    /// Returns (退单) of one case before it goes to arbitration.
    returns_max;
    /// Working days after dispatch within which a return may be asked for.
    return_window_working_days;
    /// Extensions of one duty.
    extensions_max;
    /// Working days one extension may give.
    extension_working_days_max;
    /// Days after closing within which a reporter may have a case opened again.
    reopen_days;
    /// Times one case may be opened again by others than its source.
    reopenings_max;
    /// Calls at different times before a reporter counts as unreachable.
    callback_attempts_min;
    /// Calls after which the call-back ends whatever came of it.
    callback_attempts_max;
    /// Minutes between two calls for them to count as at different times.
    callback_gap_minutes;
    /// Organisations one whistle may call.
    parties_max;
    /// Whistles on one case.
    whistles_max;
    /// Duties on one case, ended ones included.
    obligations_max;
    /// Duties within duties.
    nesting_max;
    /// Deliberation rounds on one case.
    deliberation_rounds_max;
    /// Measures of one joint plan.
    measures_max;
    /// People listed at one meeting.
    attendees_max;
    /// Days a suspension may last before its review.
    suspension_days_max;
    /// Suspensions of one case.
    suspensions_max;
    /// Minutes a code that proves presence holds.
    presence_code_minutes;
    /// Minutes a confidential contact may be seen once a second person allowed it.
    break_glass_minutes;
    /// Minutes an event may lie ahead of the server's clock.
    occurred_skew_minutes;
    /// Children one case may be split into.
    split_children_max;
    /// Cases merged into one.
    merged_max;
    /// Reporters linked to one case.
    reporters_max;
    /// Pieces of evidence on one case.
    evidence_max;
    /// Reminders on one case in one day.
    reminders_per_day_max;
    /// Supervision orders on one case.
    supervisions_max;
    /// Clocks of one case, ended ones included.
    clocks_max;
    /// Notes on one case.
    notes_max;
}
