//! What each event is to a department.

/// What an event is to whoever reads a feed, and so who hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nobody's duty: inner workings, or what only the centre may know.
    Silent,
    /// About duties: for their holders, the whistle's caller and the lead.
    Duty,
    /// A whistle calls: for those called and the caller.
    Called,
    /// About a whistle: for its caller, and for those called.
    Whistle,
    /// A joint plan: for everybody with a duty.
    Plan,
    /// A measure is done.
    StruckOff,
    /// A clock warns its holder.
    Warned,
    /// A clock ran over.
    Breached,
    /// 催办
    Reminded,
    /// 督办
    SupervisionOrdered,
    /// 督办回复
    SupervisionReplied,
    /// A step of the ladder: for those it tells.
    Escalated,
    /// About the case: for everybody with a duty, and for callers of its whistles.
    Case,
}

/// Every stored event type, once. A new type is silent only when somebody says so here; a test holds it.
pub(super) const KINDS: &[(Kind, &[&str])] = &[
    (
        Kind::Duty,
        &[
            "CaseDispatched",
            "ObligationsAdded",
            "ObligationAssigned",
            "ObligationReassigned",
            "SignedFor",
            "ReporterContacted",
            "ExternalRefSet",
            "ReturnRequested",
            "ReturnUpheld",
            "ReturnRefused",
            "CaseArbitrated",
            "ObligationWithdrawn",
            "ReportedIn",
            "ObjectionRaised",
            "ObjectionUpheld",
            "ObjectionOverruled",
            "ObligationCompleted",
            "ObligationConfirmed",
            "CompletionRefused",
            "ResponseRated",
            "RatingAppealed",
            "RatingAppealDecided",
            "ExtensionRequested",
            "ExtensionGranted",
            "ExtensionRefused",
            "WhistleRequested",
            "WhistleRequestDeclined",
            "ClockRebased",
        ],
    ),
    (Kind::Called, &["WhistleActivated", "WhistlePartyAdded"]),
    (
        Kind::Whistle,
        &[
            "WhistleBlown",
            "WhistleApproved",
            "WhistleTriaged",
            "WhistleLeadChanged",
            "WhistleHandedBack",
            "WhistleWithdrawn",
            "WhistleStoodDown",
            "WhistleConfirmed",
            "WhistleInvalidated",
            "WhistleRated",
        ],
    ),
    (Kind::Plan, &["JointPlanAgreed"]),
    (Kind::StruckOff, &["MeasureStruckOff"]),
    (Kind::Warned, &["ClockWarned"]),
    (Kind::Breached, &["ClockBreached"]),
    (Kind::Reminded, &["Reminded"]),
    (Kind::SupervisionOrdered, &["SupervisionOrdered"]),
    (Kind::SupervisionReplied, &["SupervisionReplied"]),
    (Kind::Escalated, &["EscalationStepTaken"]),
    (
        Kind::Case,
        &[
            "CaseDisposed",
            "CheckPassed",
            "CheckFailed",
            "CalledBack",
            "CallBackExempted",
            "CaseClosed",
            "CaseReopened",
            "SuspensionRequested",
            "CaseSuspended",
            "SuspensionRefused",
            "SuspensionReviewed",
            "CaseResumed",
            "DeliberationRoundHeld",
            "CaseFiled",
            "Reclassified",
            "PlaceMoved",
            "SourceRevised",
            "ExternalDueSet",
            "EvidenceAttached",
            "NoteAdded",
            "CaseMerged",
            "CaseUnmerged",
            "ReporterLinked",
            "ReporterUnlinked",
            "CaseSplit",
            "CaseWithdrawn",
            "CaseVoided",
            "CaseTerminated",
            "CaseForceClosed",
            "CaseExcluded",
        ],
    ),
    (
        Kind::Silent,
        &[
            // Before anybody has a duty.
            "CaseRaised",
            "CaseTriaged",
            "VerificationRequested",
            "CaseVerified",
            "CaseAccepted",
            "CaseRejected",
            "RejectionAppealed",
            "CaseAnswered",
            "SelfHandled",
            "SelfHandlingAudited",
            // History of another system.
            "SourceNoteRecorded",
            // Requests to the centre that are not the department's.
            "VoidRequested",
            "VoidRefused",
            "TerminationRequested",
            "TerminationRefused",
            "ForceCloseRequested",
            "ForceCloseRefused",
            "ExclusionRequested",
            "ExclusionRefused",
            // Who protects, sees or erases a reporter: never for those who may be complained of.
            "ConfidentialityMarked",
            "ConfidentialityLifted",
            "BreakGlassRequested",
            "BreakGlassApproved",
            "BreakGlassRefused",
            "ContactRevealed",
            "ErasureRequested",
            "ErasureRefused",
            "KeyDestroyed",
            "PresenceCodeIssued",
            // Deadlines stand with the duties.
            "ClockArmed",
            "ClockPaused",
            "ClockResumed",
            "ClockSettled",
            "ClockCancelled",
            "EscalationUnanswered",
            // No case's.
            "EpochOpened",
            "RegistryPartStaged",
            "RegistryPublished",
            "ModeSwitched",
            "InspectionDrawn",
        ],
    ),
];

/// What an event of that stored name is.
pub(super) fn kind(event_type: &str) -> Kind {
    KINDS.iter().find(|(_, types)| types.contains(&event_type)).map_or(Kind::Silent, |(kind, _)| *kind)
}
