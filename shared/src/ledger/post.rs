//! The way into the ledger.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::model::{Move, Purse};
use super::store::{self, balances::Locked, links::HeldTransfer};
use super::{
    Account, LedgerError, Leg, NewTransfer, Outcome, Side, Step, TransferId, TransferKind,
};
use crate::kernel::Ctx;
use crate::kernel::money::{Currency, Money};

/// Transfers that are posted at once at the most.
pub const POST_MAX: usize = 1_000;

/// What became of a transfer that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// It was done.
    New,
    /// The same was done before; nothing was done now.
    Before,
}

/// Does transfers in their order, in the caller's transaction: all of them or, with an error, none. Answers for each
/// whether it is new. Ask for all that one transaction does in one call: the rows of balances are then locked in one
/// order, and nobody waits in a circle.
///
/// # Errors
/// If a transfer is not well formed, stands for another one, overdraws a limited account, resolves what is resolved or
/// takes back more than there is, or the database refuses. Then roll back.
pub async fn post(
    conn: &mut PgConnection,
    ctx: &Ctx,
    transfers: &[NewTransfer],
) -> Result<Vec<Posted>, LedgerError> {
    if transfers.len() > POST_MAX {
        return Err(LedgerError::TooMany(transfers.len()));
    }
    transfers.iter().try_for_each(|new| new.check(ctx.now()))?;
    store::keep_plans(conn).await?;
    let links = Links::read(conn, transfers).await?;
    let standing = if links.is_empty() {
        HashSet::new()
    } else {
        // what stands already has resolved or taken back what it names
        store::transfers::standing(conn, transfers).await?
    };
    let mut plan = Plan::of(transfers, &links, &standing, ctx.now())?;
    let locked = lock(conn, &plan.accounts()).await?;
    if let Err(refused) = plan.try_on(&locked) {
        // what stands already needs no funds again
        let standing = store::transfers::standing(conn, transfers).await?;
        if standing.is_empty() {
            return Err(refused);
        }
        plan.leave_out(&standing);
        plan.try_on(&locked)?;
    }
    let new = store::transfers::insert(conn, ctx, &plan.rows(&locked)).await?;
    store::links::keep(conn, &plan.holds(&new), &plan.resolutions(&new)).await?;
    if new.len() < transfers.len() {
        // fails for an id that stands for something else
        store::transfers::standing(conn, transfers).await?;
    }
    let answer = |one: &NewTransfer| match new.contains(&one.id) {
        true => Posted::New,
        false => Posted::Before,
    };
    Ok(transfers.iter().map(answer).collect())
}

/// Locks the accounts' balances, each account's in one order for everybody; those that are new come into being.
async fn lock(
    conn: &mut PgConnection,
    accounts: &[Account],
) -> Result<HashMap<Account, Locked>, LedgerError> {
    let locked = store::balances::lock(conn, accounts).await?;
    if locked.len() == accounts.len() {
        return Ok(locked);
    }
    let missing: Vec<Account> = accounts
        .iter()
        .filter(|account| !locked.contains_key(account))
        .copied()
        .collect();
    store::balances::open(conn, &missing).await?;
    Ok(store::balances::lock(conn, accounts).await?)
}

/// The transfers that others resolve or take back.
struct Links {
    held: HashMap<TransferId, HeldTransfer>,
    /// What is left of transfers to take back, by currency.
    left: HashMap<TransferId, BTreeMap<Currency, i64>>,
}

impl Links {
    async fn read(conn: &mut PgConnection, transfers: &[NewTransfer]) -> Result<Self, LedgerError> {
        let of = |link: fn(&Step) -> Option<TransferId>| -> BTreeSet<TransferId> {
            transfers.iter().filter_map(|new| link(&new.step)).collect()
        };
        let resolved = of(|step| step.resolves().map(|(id, _)| id));
        let reversed = of(|step| step.reverses());
        Ok(Self {
            held: store::links::lock_holds(conn, &resolved).await?,
            left: store::links::lock_reversible(conn, &reversed).await?,
        })
    }

    fn is_empty(&self) -> bool {
        self.held.is_empty() && self.left.is_empty()
    }
}

/// A transfer with what it does to accounts.
struct Planned<'a> {
    new: &'a NewTransfer,
    moves: Vec<(Account, Move)>,
}

/// What is about to be done.
struct Plan<'a>(Vec<Planned<'a>>);

impl<'a> Plan<'a> {
    /// Works out the movements of all that does not stand yet.
    fn of(
        transfers: &'a [NewTransfer],
        links: &Links,
        standing: &HashSet<TransferId>,
        now: DateTime<Utc>,
    ) -> Result<Self, LedgerError> {
        let mut left = links.left.clone();
        let mut resolved: HashSet<TransferId> = HashSet::new();
        let mut seen: HashSet<TransferId> = HashSet::new();
        let mut planned = Vec::with_capacity(transfers.len());
        for new in transfers.iter().filter(|new| !standing.contains(&new.id)) {
            if !seen.insert(new.id) {
                let why = "its id comes twice in one call";
                return Err(LedgerError::Malformed { id: new.id, why });
            }
            if let Step::Reverse(of) = new.step {
                take_back(&mut left, of, &new.legs)?;
            }
            let moves = match new.step.resolves() {
                None => posted(&new.legs, matches!(new.step, Step::Hold { .. })),
                Some((id, outcome)) => {
                    let held = links.held.get(&id).ok_or(LedgerError::NotFound(id))?;
                    if !resolved.insert(id) {
                        let why = "what it resolves is resolved twice in one call";
                        return Err(LedgerError::Malformed { id: new.id, why });
                    }
                    held.resolve(id, outcome, &new.legs, now)?
                }
            };
            planned.push(Planned { new, moves });
        }
        Ok(Self(planned))
    }

    fn accounts(&self) -> Vec<Account> {
        let moves = self.0.iter().flat_map(|planned| &planned.moves);
        let all: BTreeSet<Account> = moves.map(|(account, _)| *account).collect();
        all.into_iter().collect()
    }

    fn leave_out(&mut self, standing: &HashSet<TransferId>) {
        self.0.retain(|planned| !standing.contains(&planned.new.id));
    }

    /// Tries all movements on the limited accounts, one transfer after the other.
    fn try_on(&self, locked: &HashMap<Account, Locked>) -> Result<(), LedgerError> {
        let mut purses: HashMap<Account, Purse> = HashMap::new();
        for planned in &self.0 {
            // what one creator owes may become what the other one does
            let reversal =
                planned.new.step.reverses().is_some() || planned.new.kind == TransferKind::Merge;
            let touched: BTreeSet<Account> = planned
                .moves
                .iter()
                .map(|(account, _)| *account)
                .filter(|account| account.code.is_limited())
                .collect();
            for account in touched {
                let of_account = planned.moves.iter().filter(|(at, _)| *at == account);
                let moves: Vec<Move> = of_account.map(|(_, by)| *by).collect();
                let balance = locked
                    .get(&account)
                    .map(|row| row.balance)
                    .unwrap_or_default();
                let code = account.code;
                let purse = purses.entry(account).or_insert(Purse { code, balance });
                *purse = purse
                    .after(&moves, reversal)
                    .ok_or(LedgerError::Insufficient {
                        account,
                        available: Money::new(account.currency, purse.balance.available()),
                    })?;
            }
        }
        Ok(())
    }

    fn rows(&self, locked: &HashMap<Account, Locked>) -> store::transfers::Rows {
        let mut rows = store::transfers::Rows::default();
        for planned in &self.0 {
            rows.transfer(planned.new, planned.moves.len());
            for (place, (account, by)) in planned.moves.iter().enumerate() {
                if let Some(row) = locked.get(account) {
                    rows.entry(planned.new.id, place, row, *by);
                }
            }
        }
        rows
    }

    /// The holds among the new transfers.
    fn holds(&self, new: &HashSet<TransferId>) -> Vec<(TransferId, Option<DateTime<Utc>>)> {
        self.0
            .iter()
            .filter(|planned| new.contains(&planned.new.id))
            .filter_map(|planned| match planned.new.step {
                Step::Hold { expires_at } => Some((planned.new.id, expires_at)),
                Step::Post
                | Step::PostHeld(_)
                | Step::VoidHeld(_)
                | Step::ExpireHeld(_)
                | Step::Reverse(_) => None,
            })
            .collect()
    }

    /// What the new transfers resolve: what was held, what became of it, by which.
    fn resolutions(&self, new: &HashSet<TransferId>) -> Vec<(TransferId, Outcome, TransferId)> {
        self.0
            .iter()
            .filter(|planned| new.contains(&planned.new.id))
            .filter_map(|planned| {
                let (held, outcome) = planned.new.step.resolves()?;
                Some((held, outcome, planned.new.id))
            })
            .collect()
    }
}

fn posted(legs: &[Leg], pending: bool) -> Vec<(Account, Move)> {
    let one = |leg: &Leg| {
        let by = Move {
            side: leg.side,
            pending,
            amount: leg.amount,
        };
        (leg.account, by)
    };
    legs.iter().map(one).collect()
}

/// Takes a reversal's debits from what is left of its original.
fn take_back(
    left: &mut HashMap<TransferId, BTreeMap<Currency, i64>>,
    of: TransferId,
    legs: &[Leg],
) -> Result<(), LedgerError> {
    let left = left.get_mut(&of).ok_or(LedgerError::NotFound(of))?;
    for leg in legs.iter().filter(|leg| leg.side == Side::Debit) {
        let currency = leg.account.currency;
        let there = left.entry(currency).or_default();
        if leg.amount > *there {
            return Err(LedgerError::Exceeds {
                id: of,
                left: Money::new(currency, *there),
            });
        }
        *there -= leg.amount;
    }
    Ok(())
}

impl HeldTransfer {
    /// The movements that resolve a hold: all of it is released, and posted as far as `legs` say (or whole).
    fn resolve(
        &self,
        id: TransferId,
        outcome: Outcome,
        legs: &[Leg],
        now: DateTime<Utc>,
    ) -> Result<Vec<(Account, Move)>, LedgerError> {
        if let Some(outcome) = self.outcome {
            return Err(LedgerError::AlreadyResolved { id, outcome });
        }
        let over = self.expires_at.is_some_and(|at| at <= now);
        let mut moves: Vec<(Account, Move)> = posted(&self.legs, true);
        moves.iter_mut().for_each(|(_, by)| by.amount = -by.amount);
        match outcome {
            Outcome::Posted if over => return Err(LedgerError::HoldExpired(id)),
            Outcome::Expired if !over => return Err(LedgerError::HoldStands(id)),
            Outcome::Voided | Outcome::Expired => {}
            Outcome::Posted if legs.is_empty() => moves.extend(posted(&self.legs, false)),
            Outcome::Posted => {
                self.covers(id, legs)?;
                moves.extend(posted(legs, false));
            }
        }
        Ok(moves)
    }

    /// Whether the hold has all of `legs`.
    fn covers(&self, id: TransferId, legs: &[Leg]) -> Result<(), LedgerError> {
        let mut held: BTreeMap<(Account, Side), i64> = BTreeMap::new();
        for leg in &self.legs {
            *held.entry((leg.account, leg.side)).or_default() += leg.amount;
        }
        for leg in legs {
            let there = held.entry((leg.account, leg.side)).or_default();
            if leg.amount > *there {
                return Err(LedgerError::Exceeds {
                    id,
                    left: Money::new(leg.account.currency, *there),
                });
            }
            *there -= leg.amount;
        }
        Ok(())
    }
}
