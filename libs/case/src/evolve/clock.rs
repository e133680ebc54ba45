use crate::event::Clock;
use crate::event::clock::ClockArmed;
use crate::ids::ClockNo;
use crate::state::{Case, ClockPhase, ClockState};
use crate::time::At;

impl Case {
    pub(super) fn evolve_clock(&mut self, event: &Clock, at: At) {
        match event {
            Clock::ClockArmed(armed) => self.arm(armed),
            Clock::ClockPaused(paused) => self.with_clock(paused.clock, |clock| {
                clock.phase = ClockPhase::Paused;
                clock.paused_at = Some(at);
            }),
            Clock::ClockResumed(resumed) => self.with_clock(resumed.clock, |clock| {
                clock.phase = ClockPhase::Running;
                clock.paused_at = None;
                clock.generation = resumed.generation;
                clock.warn_at.clone_from(&resumed.warn_at);
                clock.due_at = resumed.due_at;
                clock.provisional = resumed.provisional;
            }),
            Clock::ClockRebased(rebased) => self.with_clock(rebased.clock, |clock| {
                clock.generation = rebased.generation;
                clock.rule.clone_from(&rebased.rule);
                clock.registry_version = rebased.registry_version;
                clock.warn_at.clone_from(&rebased.warn_at);
                clock.warned = 0;
                clock.steps_taken.clear();
                clock.due_at = rebased.due_at;
                clock.provisional = rebased.provisional;
                clock.breached = false;
            }),
            Clock::ClockWarned(warned) => self.with_clock(warned.clock, |clock| {
                clock.warned = warned.warning.saturating_add(1);
            }),
            Clock::ClockBreached(breached) => self.with_clock(breached.clock, |clock| clock.breached = true),
            Clock::ClockSettled(settled) => self.with_clock(settled.clock, |clock| {
                clock.phase = ClockPhase::Settled;
                clock.breached |= settled.late;
                clock.ended_at = Some(settled.at);
            }),
            Clock::ClockCancelled(cancelled) => self.with_clock(cancelled.clock, |clock| {
                clock.phase = ClockPhase::Cancelled;
                clock.ended_at = Some(at);
            }),
            Clock::EscalationStepTaken(taken) => self.with_clock(taken.clock, |clock| {
                clock.steps_taken.push(taken.step.clone());
            }),
            Clock::EscalationUnanswered(unanswered) => self.with_clock(unanswered.clock, |clock| {
                clock.steps_taken.push(unanswered.step.clone());
            }),
        }
    }

    fn arm(&mut self, armed: &ClockArmed) {
        // A clock that goes on where an earlier one was settled too soon, as after a refused completion, does not warn again.
        let mut earlier = self.clocks.iter().rev();
        let earlier = earlier.find(|clock| {
            clock.kind == armed.kind && clock.subject == armed.subject && clock.start_at == armed.start_at
        });
        let (warned, steps_taken) =
            earlier.map_or((0, Vec::new()), |clock| (clock.warned, clock.steps_taken.clone()));
        self.clocks.push(ClockState {
            no: armed.clock,
            generation: armed.generation,
            kind: armed.kind,
            family: armed.family,
            subject: armed.subject,
            whistle_kind: armed.whistle_kind.clone(),
            start_at: armed.start_at,
            budget: armed.budget,
            calendar: armed.calendar.clone(),
            rule: armed.rule.clone(),
            registry_version: armed.registry_version,
            warn_at: armed.warn_at.clone(),
            warned,
            due_at: armed.due_at,
            first_due_at: armed.due_at,
            provisional: armed.provisional,
            phase: ClockPhase::Running,
            paused_at: None,
            breached: false,
            ended_at: None,
            steps_taken,
        });
    }

    fn with_clock(&mut self, no: ClockNo, change: impl FnOnce(&mut ClockState)) {
        if let Some(clock) = self.clocks.iter_mut().find(|clock| clock.no == no) {
            change(clock);
        }
    }
}
