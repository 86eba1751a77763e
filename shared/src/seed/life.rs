//! The statuses that a creator goes through, from registering to today.

use super::Mixture;
use super::calendar::{DAY, END, HOUR, Moment};
use super::dice::{About, Dice};
use crate::creators::CreatorStatus;

/// Of a thousand people, how many never prove their age.
const NEVER_VERIFIED: u32 = 50;
/// How long a proof takes, in seconds.
const VERIFICATION: [(i64, i64); 4] = [
    (0, 13 * HOUR),
    (500_000, DAY),
    (900_000, 5 * DAY),
    (1_000_000, 20 * DAY),
];
/// How long one is active at a stretch, in days.
const ACTIVE_DAYS: [(i64, i64); 6] = [
    (0, 4),
    (120_000, 45),
    (300_000, 150),
    (550_000, 500),
    (800_000, 1_100),
    (1_000_000, 3_000),
];

/// A change of status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) to: CreatorStatus,
    pub(super) at: Moment,
    pub(super) reason: &'static str,
    /// The number of the member of staff who decided; none if nobody had to.
    pub(super) staff: Option<i64>,
}

/// A time during which a creator was suspended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Suspension {
    pub(super) from: Moment,
    pub(super) reason: &'static str,
    pub(super) staff: i64,
    /// None while it stands.
    pub(super) until: Option<Moment>,
    /// Who ended it before its time, and why.
    pub(super) lifted: Option<(i64, &'static str)>,
}

/// Where a creator stood, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Life {
    /// The first is registering; each may follow the one before.
    pub(super) turns: Vec<Turn>,
    pub(super) suspensions: Vec<Suspension>,
}

/// When a person who came at `created` proved their age; none if never.
pub(super) fn verified_at(
    seed: u64,
    person: u32,
    created: Moment,
    mixture: Mixture,
) -> Option<Moment> {
    let mut dice = Dice::of(seed, About::Proof, person);
    match mixture {
        Mixture::AllReachable => Some(created + 60),
        Mixture::Lifelike if dice.chance(NEVER_VERIFIED) => None,
        Mixture::Lifelike => Some(created + dice.along(&VERIFICATION)),
    }
}

impl Life {
    /// The life of the `n`-th creator, whose person proves their age at `verified`.
    pub(super) fn of(
        seed: u64,
        n: u32,
        created: Moment,
        verified: Option<Moment>,
        mixture: Mixture,
    ) -> Self {
        let mut course = Course {
            dice: Dice::of(seed, About::Life, n),
            life: Self {
                turns: vec![Turn {
                    to: CreatorStatus::PendingVerification,
                    at: created,
                    reason: "registered",
                    staff: None,
                }],
                suspensions: Vec::new(),
            },
        };
        match mixture {
            Mixture::AllReachable => {
                course.turn(
                    CreatorStatus::Active,
                    created + 120,
                    "age verified",
                    Some(1),
                );
            }
            Mixture::Lifelike => course.run(created, verified),
        }
        course.life
    }

    /// The status at a moment.
    pub(super) fn status_at(&self, moment: Moment) -> CreatorStatus {
        let before = self.turns.iter().rev().find(|turn| turn.at <= moment);
        before.map_or(CreatorStatus::PendingVerification, |turn| turn.to)
    }

    /// The last change.
    pub(super) fn last(&self) -> &Turn {
        &self.turns[self.turns.len() - 1]
    }

    /// When they first were active.
    pub(super) fn activated(&self) -> Option<Moment> {
        let first = self
            .turns
            .iter()
            .find(|turn| turn.to == CreatorStatus::Active);
        first.map(|turn| turn.at)
    }

    /// The times of being active, each with whether the creator left of their own will afterwards.
    pub(super) fn active_times(&self) -> impl Iterator<Item = (Moment, Moment, bool)> {
        self.turns.iter().enumerate().filter_map(|(place, turn)| {
            let next = self.turns.get(place + 1);
            let faded = next.is_some_and(|next| {
                matches!(next.to, CreatorStatus::Inactive | CreatorStatus::Churned)
            });
            let until = next.map_or(END, |next| next.at);
            (turn.to == CreatorStatus::Active).then_some((turn.at, until, faded))
        })
    }
}

/// A life under way.
struct Course {
    dice: Dice,
    life: Life,
}

impl Course {
    /// Adds a change; false, and nothing, if it would come after the end.
    fn turn(
        &mut self,
        to: CreatorStatus,
        at: Moment,
        reason: &'static str,
        staff: Option<i64>,
    ) -> bool {
        if at >= END {
            return false;
        }
        self.life.turns.push(Turn {
            to,
            at,
            reason,
            staff,
        });
        true
    }

    fn staff(&mut self) -> Option<i64> {
        Some(self.dice.between(1, 40))
    }

    fn days(&mut self, low: i64, high: i64) -> Moment {
        self.dice.between(low * DAY, high * DAY)
    }

    fn run(&mut self, created: Moment, verified: Option<Moment>) {
        let Some(verified) = verified else {
            if self.dice.chance(600) {
                let at = created + self.days(30, 60);
                self.turn(CreatorStatus::Churned, at, "never sent documents", None);
            }
            return;
        };
        let submitted = created + self.dice.between(HOUR / 2, 12 * HOUR);
        let decided = verified.max(submitted + HOUR) + self.dice.between(5 * 60, 10 * HOUR);
        let staff = self.staff();
        if self.turn(
            CreatorStatus::PendingReview,
            submitted,
            "documents sent",
            None,
        ) && self.turn(
            CreatorStatus::Active,
            decided,
            "age and identity verified",
            staff,
        ) {
            self.be_active(decided);
        }
    }

    /// Goes on from becoming active, stretch by stretch.
    fn be_active(&mut self, since: Moment) {
        let mut since = since;
        loop {
            let end = since + self.dice.along(&ACTIVE_DAYS) * DAY + self.dice.between(0, DAY);
            let back = match self.dice.below(100) {
                0..48 => self.pause(end),
                48..72 => self.leave(end, "moved to another platform"),
                72..88 => self.suspend(end),
                88..92 => {
                    let staff = self.staff();
                    self.turn(
                        CreatorStatus::Banned,
                        end,
                        "repeated serious violations",
                        staff,
                    );
                    None
                }
                _ => self.review(end, "documents expire"),
            };
            match back {
                Some(back) => since = back,
                None => return,
            }
        }
    }

    fn pause(&mut self, at: Moment) -> Option<Moment> {
        if !self.turn(CreatorStatus::Inactive, at, "no activity for a while", None) {
            return None;
        }
        let end = at + self.days(14, 150);
        if self.dice.chance(600) {
            let staff = self.staff();
            return self
                .turn(CreatorStatus::Active, end, "creates again", staff)
                .then_some(end);
        }
        self.leave(end, "did not come back")
    }

    fn leave(&mut self, at: Moment, reason: &'static str) -> Option<Moment> {
        if !self.turn(CreatorStatus::Churned, at, reason, None) || !self.dice.chance(180) {
            return None;
        }
        let back = at + self.days(60, 220);
        self.review(back, "wants to come back")
    }

    fn review(&mut self, at: Moment, reason: &'static str) -> Option<Moment> {
        if !self.turn(CreatorStatus::PendingReview, at, reason, None) {
            return None;
        }
        let end = at + self.days(1, 8);
        let staff = self.staff();
        self.turn(CreatorStatus::Active, end, "documents are in order", staff)
            .then_some(end)
    }

    fn suspend(&mut self, at: Moment) -> Option<Moment> {
        let staff = self.dice.between(1, 40);
        let reason = self.dice.pick(&[
            "chargebacks above the limit",
            "content under review",
            "complaint under investigation",
        ]);
        if !self.turn(CreatorStatus::Suspended, at, reason, Some(staff)) {
            return None;
        }
        let outcome = self.dice.below(100);
        let end = at + self.days(1, if outcome < 70 { 14 } else { 45 });
        let ends = end < END;
        let lifted = (ends && outcome >= 70).then(|| {
            let why = if outcome < 90 {
                "cleared"
            } else {
                "repeated serious violations"
            };
            (self.dice.between(1, 40), why)
        });
        self.life.suspensions.push(Suspension {
            from: at,
            reason,
            staff,
            // one that still stands has no end: an end in the future would need its job
            until: ends.then_some(end),
            lifted,
        });
        let by = lifted.map(|(who, _)| who);
        if outcome >= 90 {
            self.turn(
                CreatorStatus::Banned,
                end,
                "repeated serious violations",
                by,
            );
            return None;
        }
        let why = if by.is_some() {
            "cleared"
        } else {
            "the suspension ended"
        };
        self.turn(CreatorStatus::Active, end, why, by)
            .then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lives() -> impl Iterator<Item = (Moment, Option<Moment>, Life)> {
        (0..5_000u32).map(|n| {
            let created = i64::from(n) * (END - HOUR) / 5_000;
            let verified = verified_at(1, n, created, Mixture::Lifelike);
            (
                created,
                verified,
                Life::of(1, n, created, verified, Mixture::Lifelike),
            )
        })
    }

    #[test]
    fn every_status_may_follow_the_one_before_and_all_are_met() {
        let mut met = std::collections::HashSet::new();
        for (created, _, life) in lives() {
            assert_eq!(life.turns[0].at, created);
            for pair in life.turns.windows(2) {
                assert!(pair[0].to.may_become(pair[1].to), "{pair:?}");
                assert!(pair[0].at < pair[1].at && pair[1].at < END, "{pair:?}");
            }
            met.insert(life.last().to);
        }
        assert_eq!(met.len(), CreatorStatus::ALL.len());
    }

    #[test]
    fn nobody_is_active_before_the_proof_of_age() {
        for (_, verified, life) in lives() {
            if let Some(active) = life.activated() {
                assert!(verified.is_some_and(|proof| proof <= active), "{life:?}");
            }
        }
    }

    #[test]
    fn most_are_active_in_the_end_and_the_suspended_have_a_standing_suspension() {
        let mut active = 0;
        for (_, _, life) in lives() {
            let standing = life.suspensions.iter().any(|one| one.until.is_none());
            assert_eq!(
                standing,
                life.last().to == CreatorStatus::Suspended,
                "{life:?}"
            );
            active += u32::from(life.last().to == CreatorStatus::Active);
        }
        assert!((3_300..4_500).contains(&active), "{active}");
    }
}
