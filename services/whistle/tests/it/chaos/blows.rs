//! Who is struck when, and how it goes on.

use super::dice::Dice;
use super::load::Load;
use crate::district::District;

/// Acknowledgements between two blows, at most.
const APART_MAX: usize = 40;
/// Acknowledgements without a copy that was killed, at most.
const WITHOUT_MAX: usize = 30;
/// Times that one process is killed as soon as it serves, at most.
const TIMES_MAX: usize = 3;

/// One blow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blow {
    /// So many acknowledgements after the blow before.
    pub after: usize,
    victim: Victim,
}

#[derive(Debug, Clone, Copy)]
enum Victim {
    /// Killed and started again, so many times.
    Ledger { times: usize, back: Back },
    /// The NATS server, killed and started again.
    Nats(Back),
    /// The NATS server stopped in its tracks and let go on.
    PausedNats(Back),
    /// A copy of a deciding role, killed, and started again after so many acknowledgements; then killed again as soon as it serves.
    Role { index: usize, without: usize, times: usize },
    /// The machine: all of them at once.
    Everything,
}

/// When somebody whom everybody needs comes back.
#[derive(Debug, Clone, Copy)]
enum Back {
    AtOnce,
    /// Once this process says that it is not ready.
    NoticedBy(usize),
}

impl Blow {
    /// Blows for some rounds. In every eight of them each kind comes.
    pub(super) fn plan(dice: &mut Dice, rounds: u64, processes: usize) -> Vec<Self> {
        let mut plan = Vec::new();
        while (plan.len() as u64) < rounds {
            let back = |dice: &mut Dice| {
                if dice.coin() { Back::AtOnce } else { Back::NoticedBy(1 + dice.below(processes - 1)) }
            };
            let mut victims =
                vec![Victim::Nats(back(dice)), Victim::PausedNats(back(dice)), Victim::Everything];
            victims.push(Victim::Ledger { times: 1 + dice.below(TIMES_MAX), back: back(dice) });
            victims.extend((0..4).map(|_| {
                let without = if dice.coin() { 0 } else { 1 + dice.below(WITHOUT_MAX) };
                let (index, times) = (1 + dice.below(processes - 1), 1 + dice.below(TIMES_MAX));
                Victim::Role { index, without, times }
            }));
            dice.shuffle(&mut victims);
            let blows = victims.into_iter().map(|victim| Self { after: 1 + dice.below(APART_MAX), victim });
            plan.extend(blows);
        }
        plan.truncate(usize::try_from(rounds).unwrap());
        plan
    }

    fn acknowledgements(&self) -> usize {
        let without = match self.victim {
            Victim::Ledger { .. } | Victim::Nats(_) | Victim::PausedNats(_) | Victim::Everything => 0,
            Victim::Role { without, .. } => without,
        };
        self.after + without
    }
}

/// Acknowledgements that a load must come to so that all blows fall into it.
pub(super) fn acknowledgements(blows: &[Blow]) -> usize {
    blows.iter().map(Blow::acknowledgements).sum::<usize>() + APART_MAX
}

/// Strikes, and sees that whoever was struck serves again.
pub(super) fn strike(blow: &Blow, district: &mut District, load: &mut Load) {
    match blow.victim {
        Victim::Ledger { times, back } => {
            district.kill(0);
            back.wait(district);
            district.start_again(0);
            strike_again(0, times, district);
        }
        Victim::Nats(back) => {
            district.nats.kill();
            back.wait(district);
            district.nats.restart().unwrap();
        }
        Victim::PausedNats(back) => {
            district.nats.pause().unwrap();
            back.wait(district);
            district.nats.resume().unwrap();
        }
        Victim::Role { index, without, times } => {
            district.kill(index);
            load.wait_for(without);
            district.start_again(index);
            strike_again(index, times, district);
        }
        Victim::Everything => {
            let everybody = 0..district.processes.len();
            district.nats.kill();
            everybody.clone().for_each(|index| district.kill(index));
            district.nats.restart().unwrap();
            everybody.for_each(|index| district.start_again(index));
        }
    }
}

/// Strikes one that was struck once already, each time as soon as it says that it serves.
fn strike_again(index: usize, times: usize, district: &mut District) {
    for _ in 1..times {
        district.kill(index);
        district.start_again(index);
    }
}

impl Back {
    fn wait(self, district: &District) {
        match self {
            Self::AtOnce => {}
            Self::NoticedBy(index) => {
                district.processes[index].wait("away from the ledger", |process| !process.ready().0);
            }
        }
    }
}
