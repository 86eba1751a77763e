//! Any sequence of transfers leaves the ledger as a plain model says, refusals included.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sqlx::PgPool;

use super::*;
use crate::testing;

/// Sequences that are tried, and steps of each at the most.
const SEQUENCES: usize = 12;
const STEPS_MAX: usize = 40;

/// A step; numbers choose among what there is.
#[derive(Debug, Clone)]
enum Op {
    Earn { who: usize, amount: i64 },
    Pay { who: usize, amount: i64 },
    Hold { who: usize, amount: i64 },
    PostHeld { which: usize, part: Option<i64> },
    VoidHeld { which: usize },
    TakeBack { which: usize, amount: i64 },
    SayAgain { which: usize },
}

fn any_op() -> impl Strategy<Value = Op> {
    let who = 0usize..2;
    let amount = 1i64..200;
    prop_oneof![
        (who.clone(), amount.clone()).prop_map(|(who, amount)| Op::Earn { who, amount }),
        (who.clone(), amount.clone()).prop_map(|(who, amount)| Op::Pay { who, amount }),
        (who, amount.clone()).prop_map(|(who, amount)| Op::Hold { who, amount }),
        (any::<usize>(), proptest::option::of(amount.clone()))
            .prop_map(|(which, part)| Op::PostHeld { which, part }),
        any::<usize>().prop_map(|which| Op::VoidHeld { which }),
        (any::<usize>(), amount).prop_map(|(which, amount)| Op::TakeBack { which, amount }),
        any::<usize>().prop_map(|which| Op::SayAgain { which }),
    ]
}

/// What the ledger should be: plain numbers, no debits and credits.
#[derive(Default)]
struct Plain {
    /// What each creator has, and what of it is held.
    has: [i64; 2],
    held: [i64; 2],
    /// Earnings: whose, and what is left to take back.
    earned: Vec<(TransferId, usize, i64)>,
    /// Holds: whose, how much, and whether they stand.
    holds: Vec<(TransferId, usize, i64, bool)>,
    said: Vec<NewTransfer>,
}

impl Plain {
    /// What the step asks for, and whether it should be done; none if there is nothing to do it to.
    fn ask(&mut self, ctx: &Ctx, people: [CreatorId; 2], op: &Op) -> Option<(NewTransfer, bool)> {
        let own = |who: usize| available(people[who]);
        match *op {
            Op::Earn { who, amount } => {
                let new = moving(ctx, Step::Post, receipts(), own(who), amount);
                self.has[who] += amount;
                self.earned.push((new.id, who, amount));
                Some((new, true))
            }
            Op::Pay { who, amount } => {
                let done = self.has[who] - self.held[who] >= amount;
                if done {
                    self.has[who] -= amount;
                }
                Some((moving(ctx, Step::Post, own(who), clearing(), amount), done))
            }
            Op::Hold { who, amount } => {
                let done = self.has[who] - self.held[who] >= amount;
                let step = Step::Hold { expires_at: None };
                let new = moving(ctx, step, own(who), clearing(), amount);
                if done {
                    self.held[who] += amount;
                    self.holds.push((new.id, who, amount, true));
                }
                Some((new, done))
            }
            Op::PostHeld { which, part } => {
                let at = which.checked_rem(self.holds.len())?;
                let (id, who, amount, stands) = self.holds[at];
                let mut new = resolving(ctx, Step::PostHeld(id));
                if let Some(part) = part {
                    new.legs = vec![Leg::debit(own(who), part), Leg::credit(clearing(), part)];
                }
                let posted = part.unwrap_or(amount);
                let done = stands && posted <= amount;
                if done {
                    self.held[who] -= amount;
                    self.has[who] -= posted;
                    self.holds[at].3 = false;
                }
                Some((new, done))
            }
            Op::VoidHeld { which } => {
                let at = which.checked_rem(self.holds.len())?;
                let (id, who, amount, stands) = self.holds[at];
                if stands {
                    self.held[who] -= amount;
                    self.holds[at].3 = false;
                }
                Some((resolving(ctx, Step::VoidHeld(id)), stands))
            }
            Op::TakeBack { which, amount } => {
                let at = which.checked_rem(self.earned.len())?;
                let (id, who, left) = self.earned[at];
                let done = amount <= left;
                if done {
                    self.earned[at].2 -= amount;
                    self.has[who] -= amount;
                }
                Some((
                    moving(ctx, Step::Reverse(id), own(who), receipts(), amount),
                    done,
                ))
            }
            Op::SayAgain { which } => {
                let at = which.checked_rem(self.said.len())?;
                Some((self.said[at].clone(), true))
            }
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn any_sequence_of_steps_leaves_what_a_plain_model_says(pool: PgPool) {
    let mut runner = TestRunner::deterministic();
    let sequences = proptest::collection::vec(any_op(), 1..STEPS_MAX);
    let mut outcomes: HashMap<bool, usize> = HashMap::new();
    for n in 0..SEQUENCES {
        let ops = sequences.new_tree(&mut runner).expect("steps").current();
        let people = [
            testing::creator(&pool, "girlfanz", &format!("ada{n}")).await,
            testing::creator(&pool, "girlfanz", &format!("bea{n}")).await,
        ];
        let mut plain = Plain::default();
        for op in &ops {
            let ctx = ctx();
            let Some((new, done)) = plain.ask(&ctx, people, op) else {
                continue;
            };
            let result = posted(&pool, &ctx, std::slice::from_ref(&new)).await;
            assert_eq!(result.is_ok(), done, "{op:?} of {ops:?}: {result:?}");
            *outcomes.entry(done).or_default() += 1;
            if done {
                plain.said.push(new);
            }
        }
        for (who, person) in people.into_iter().enumerate() {
            let expected = (plain.has[who] - plain.held[who], plain.has[who]);
            assert_eq!(funds(&pool, person).await, expected, "{ops:?}");
        }
    }
    assert!(outcomes.values().all(|times| *times > 20), "{outcomes:?}");
    check(&db(&pool), &ctx()).await.expect("it holds");
}
