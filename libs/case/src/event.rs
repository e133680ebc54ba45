//! Everything that can happen to a case, as it is stored.
//!
//! The stored name is flat (`CaseRaised`); how the enums nest is not stored. Payloads are JSON. A type, once here, never changes
//! its meaning: a changed meaning is a new type, or a higher schema version with an upcaster. `EVENTS.md` lists them all,
//! `golden/` pins their bytes.

pub mod clock;
pub mod closure;
pub mod dispatch;
pub mod district;
pub mod intake;
pub mod parts;
pub mod whistle;

use serde::Deserialize;

use crate::time::At;

/// Why stored bytes are not an event this program knows.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A type or schema version of a later program. The role must stop: what it does not know it must not skip.
    #[error("event {event_type} with schema {schema_version} was written by a newer version")]
    Newer {
        /// The stored name.
        event_type: String,
        /// Its schema version.
        schema_version: u16,
    },
    /// The payload does not fit its type: damage, or a writer that is not this program.
    #[error("payload of {event_type} does not fit its type")]
    Payload {
        /// The stored name.
        event_type: String,
        /// What the parser says.
        #[source]
        source: serde_json::Error,
    },
}

/// Reads a payload. Whether it is text is looked at once, rather than for each of the strings in it.
fn read<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, serde_json::Error> {
    match str::from_utf8(payload) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(payload),
    }
}

/// The schema version every event type has today.
pub const SCHEMA_VERSION: u16 = 1;

macro_rules! family {
    ($(#[$doc:meta])* $family:ident in $module:ident { $($name:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each variant is documented at its payload")]
        pub enum $family {
            $($name($module::$name),)*
        }

        impl $family {
            /// The stored names of this family.
            pub const TYPES: &'static [&'static str] = &[$(stringify!($name),)*];

            /// The stored name.
            #[must_use]
            pub fn event_type(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }

            /// The payload as it is stored.
            ///
            /// # Errors
            /// Only when a value cannot be written as JSON, which no event type allows.
            pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
                // Nearly every payload fits, so that it is not written in pieces that are copied together.
                let mut bytes = Vec::with_capacity(1024);
                match self {
                    $(Self::$name(payload) => serde_json::to_writer(&mut bytes, payload),)*
                }?;
                Ok(bytes)
            }

            /// Reads a stored payload; none when the name is of another family.
            fn decode(event_type: &str, payload: &[u8]) -> Option<Result<Self, serde_json::Error>> {
                match event_type {
                    $(stringify!($name) => Some(read(payload).map(Self::$name)),)*
                    _ => None,
                }
            }
        }

        $(
            impl From<$module::$name> for Event {
                fn from(payload: $module::$name) -> Self {
                    Self::$family($family::$name(payload))
                }
            }
        )*
    };
}

family! {
    /// What intake decides.
    #[expect(clippy::large_enum_variant, reason = "events live one at a time, in vectors of a handful")]
    Intake in intake {
        CaseRaised,
        CaseTriaged,
        VerificationRequested,
        CaseVerified,
        CaseAccepted,
        CaseRejected,
        RejectionAppealed,
        CaseAnswered,
        SelfHandled,
        SelfHandlingAudited,
        CaseFiled,
        Reclassified,
        PlaceMoved,
        SourceRevised,
        ExternalDueSet,
        EvidenceAttached,
        NoteAdded,
        SourceNoteRecorded,
        CaseMerged,
        ReporterLinked,
        CaseUnmerged,
        ReporterUnlinked,
        CaseSplit,
        CaseWithdrawn,
        VoidRequested,
        CaseVoided,
        VoidRefused,
        TerminationRequested,
        CaseTerminated,
        TerminationRefused,
        ForceCloseRequested,
        CaseForceClosed,
        ForceCloseRefused,
        ExclusionRequested,
        CaseExcluded,
        ExclusionRefused,
        ConfidentialityMarked,
        ConfidentialityLifted,
        BreakGlassRequested,
        BreakGlassApproved,
        BreakGlassRefused,
        ContactRevealed,
        ErasureRequested,
        ErasureRefused,
        KeyDestroyed,
    }
}

family! {
    /// What is decided about duties.
    Dispatch in dispatch {
        CaseDispatched,
        ObligationsAdded,
        ObligationAssigned,
        ObligationReassigned,
        SignedFor,
        ReporterContacted,
        ExternalRefSet,
        ReturnRequested,
        ReturnUpheld,
        ReturnRefused,
        CaseArbitrated,
        ObligationWithdrawn,
        PresenceCodeIssued,
        ReportedIn,
        ObjectionRaised,
        ObjectionUpheld,
        ObjectionOverruled,
        MeasureStruckOff,
        ObligationCompleted,
        ObligationConfirmed,
        CompletionRefused,
        ResponseRated,
        RatingAppealed,
        RatingAppealDecided,
        ExtensionRequested,
        ExtensionGranted,
        ExtensionRefused,
        SuspensionRequested,
        CaseSuspended,
        SuspensionRefused,
        SuspensionReviewed,
        CaseResumed,
        SupervisionOrdered,
        SupervisionReplied,
        Reminded,
    }
}

family! {
    /// What is decided about whistles.
    Whistle in whistle {
        WhistleRequested,
        WhistleRequestDeclined,
        WhistleBlown,
        WhistleApproved,
        WhistleTriaged,
        WhistleActivated,
        WhistlePartyAdded,
        WhistleLeadChanged,
        WhistleHandedBack,
        WhistleWithdrawn,
        WhistleStoodDown,
        WhistleConfirmed,
        WhistleInvalidated,
        WhistleRated,
        JointPlanAgreed,
        DeliberationRoundHeld,
    }
}

family! {
    /// What clocks do.
    Clock in clock {
        ClockArmed,
        ClockPaused,
        ClockResumed,
        ClockRebased,
        ClockWarned,
        ClockBreached,
        ClockSettled,
        ClockCancelled,
        EscalationStepTaken,
        EscalationUnanswered,
    }
}

family! {
    /// What closure decides.
    Closure in closure {
        CaseDisposed,
        CheckPassed,
        CheckFailed,
        CalledBack,
        CallBackExempted,
        CaseClosed,
        CaseReopened,
    }
}

family! {
    /// What happens to the district and its ledger, on streams that are no case.
    District in district {
        EpochOpened,
        RegistryPartStaged,
        RegistryPublished,
        ModeSwitched,
        InspectionDrawn,
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Of intake.
    Intake(Intake),
    /// Of duties.
    Dispatch(Dispatch),
    /// Of whistles.
    Whistle(Whistle),
    /// Of clocks.
    Clock(Clock),
    /// Of closure.
    Closure(Closure),
    /// Of the district; never on a case's stream.
    District(District),
}

impl Event {
    /// Every stored name, by family.
    pub const FAMILIES: [(&'static str, &'static [&'static str]); 6] = [
        ("Intake", Intake::TYPES),
        ("Dispatch", Dispatch::TYPES),
        ("Whistle", Whistle::TYPES),
        ("Clock", Clock::TYPES),
        ("Closure", Closure::TYPES),
        ("District", District::TYPES),
    ];

    /// The stored name.
    #[must_use]
    pub fn event_type(&self) -> &'static str {
        match self {
            Self::Intake(event) => event.event_type(),
            Self::Dispatch(event) => event.event_type(),
            Self::Whistle(event) => event.event_type(),
            Self::Clock(event) => event.event_type(),
            Self::Closure(event) => event.event_type(),
            Self::District(event) => event.event_type(),
        }
    }

    /// The payload as it is stored.
    ///
    /// # Errors
    /// Only when a value cannot be written as JSON, which no event type allows.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            Self::Intake(event) => event.encode(),
            Self::Dispatch(event) => event.encode(),
            Self::Whistle(event) => event.encode(),
            Self::Clock(event) => event.encode(),
            Self::Closure(event) => event.encode(),
            Self::District(event) => event.encode(),
        }
    }

    /// Reads a stored event. Unknown fields are ignored; an unknown type or schema version is not.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn decode(event_type: &str, schema_version: u16, payload: &[u8]) -> Result<Self, DecodeError> {
        let newer = || DecodeError::Newer { event_type: event_type.to_owned(), schema_version };
        if schema_version != SCHEMA_VERSION {
            return Err(newer());
        }
        let decoded = Intake::decode(event_type, payload)
            .map(|event| event.map(Self::Intake))
            .or_else(|| Dispatch::decode(event_type, payload).map(|event| event.map(Self::Dispatch)))
            .or_else(|| Whistle::decode(event_type, payload).map(|event| event.map(Self::Whistle)))
            .or_else(|| Clock::decode(event_type, payload).map(|event| event.map(Self::Clock)))
            .or_else(|| Closure::decode(event_type, payload).map(|event| event.map(Self::Closure)))
            .or_else(|| District::decode(event_type, payload).map(|event| event.map(Self::District)));
        decoded
            .ok_or_else(newer)?
            .map_err(|source| DecodeError::Payload { event_type: event_type.to_owned(), source })
    }
}

/// An event with its place in the case's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The place in the ledger, gapless.
    pub position: u64,
    /// 1 for the first of the case, gapless.
    pub version: u64,
    /// When it was written down, by the fenced clock.
    pub recorded_at: At,
    /// When it happened, as told.
    pub occurred_at: At,
    /// What happened.
    pub event: Event,
}
