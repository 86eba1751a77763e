//! Asking for the payouts that are due by creators' schedules, in sets.

use std::collections::HashMap;

use chrono::Duration;
use sqlx::PgConnection;

use super::begin::{self, Draft};
use super::eligibility::{self, Case, choose};
use super::store::schedules::{DueSchedule, Looked};
use super::{Carriers, Destination, Limits, MethodTerms, PayoutError, store};
use crate::compliance;
use crate::creators::CreatorId;
use crate::kernel::Ctx;
use crate::kernel::money::{Currency, Money};
use crate::ledger::LedgerError;

/// Schedules that one step looks at, at the most: each payout's hold has five legs and one transfer.
pub const RUN_MAX: i64 = 500;
/// What is noted of a schedule that led to a payout.
const REQUESTED: &str = "requested";

/// What one step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunStep {
    /// Schedules that were looked at.
    pub looked_at: usize,
    /// Payouts that were asked for.
    pub requested: usize,
    /// Whether there may be more.
    pub more: bool,
}

/// Looks at schedules whose day has come, at most [`RUN_MAX`], and asks for the payout of everything that is available,
/// as far as a day's limit lets it, unless something stands against it or it is below the threshold. What was made of each
/// is noted beside it, and its next day.
///
/// # Errors
/// If the ledger or the database refuses; then nothing was done.
pub async fn run_step(
    conn: &mut PgConnection,
    ctx: &Ctx,
    carriers: &Carriers,
) -> Result<RunStep, PayoutError> {
    let today = ctx.now().date_naive();
    let due = store::schedules::lock_due(conn, today, RUN_MAX).await?;
    if due.is_empty() {
        return Ok(RunStep::default());
    }
    let desk = Desk::read(conn, ctx, carriers, &due).await?;
    let mut drafts = Vec::new();
    let mut results: HashMap<(CreatorId, Currency), String> = HashMap::new();
    for one in &due {
        let of = (one.schedule.creator, one.schedule.currency);
        let result = match desk.draft(ctx, one) {
            Ok(draft) => {
                drafts.push(draft);
                REQUESTED.to_owned()
            }
            Err(reasons) => reasons.join(" "),
        };
        results.insert(of, result.chars().take(500).collect());
    }
    // somebody else was faster with the money of one: the others are paid all the same
    while let Err(error) = begin::many(conn, ctx, &drafts).await {
        let PayoutError::Insufficient(LedgerError::Insufficient { account, .. }) = &error else {
            return Err(error);
        };
        let before = drafts.len();
        drafts.retain(|draft| Some(draft.creator) != account.owner);
        if drafts.len() == before {
            return Err(error);
        }
        if let Some(owner) = account.owner {
            results.insert((owner, account.currency), "insufficient_balance".to_owned());
        }
    }
    let looked: Vec<Looked> = due
        .iter()
        .map(|one| {
            let of = (one.schedule.creator, one.schedule.currency);
            Looked {
                creator: of.0,
                currency: of.1,
                next_on: one.schedule.frequency.next_after(today),
                result: results.remove(&of).unwrap_or_default(),
            }
        })
        .collect();
    store::schedules::note(conn, today, &looked).await?;
    Ok(RunStep {
        looked_at: due.len(),
        requested: drafts.len(),
        more: i64::try_from(due.len()).is_ok_and(|looked| looked == RUN_MAX),
    })
}

/// What is needed to judge a step's schedules, read in sets.
struct Desk<'a> {
    carriers: &'a Carriers,
    terms: HashMap<Option<String>, Vec<MethodTerms>>,
    limits: HashMap<Currency, Limits>,
    against: HashMap<CreatorId, Vec<compliance::Reason>>,
    destinations: HashMap<CreatorId, Vec<Destination>>,
    /// How many payouts within a day, and of how much.
    asked: HashMap<(CreatorId, Currency), (i64, i64)>,
}

impl<'a> Desk<'a> {
    async fn read(
        conn: &mut PgConnection,
        ctx: &Ctx,
        carriers: &'a Carriers,
        due: &[DueSchedule],
    ) -> Result<Self, PayoutError> {
        let today = ctx.now().date_naive();
        let mut creators: Vec<CreatorId> = due.iter().map(|one| one.schedule.creator).collect();
        creators.sort_unstable();
        creators.dedup();
        let mut terms = HashMap::new();
        for one in due {
            if !terms.contains_key(&one.country) {
                let all = store::rules::methods(conn, today, one.country.as_deref()).await?;
                terms.insert(one.country.clone(), all);
            }
        }
        let (mut limits, mut asked) = (HashMap::new(), HashMap::new());
        let since = ctx.now() - Duration::hours(24);
        for one in due {
            let currency = one.schedule.currency;
            if limits.contains_key(&currency) {
                continue;
            }
            limits.insert(currency, eligibility::limits(conn, ctx, currency).await?);
            let sums = store::payouts::since(conn, &creators, currency, since).await?;
            asked.extend(sums.into_iter().map(|(id, sum)| ((id, currency), sum)));
        }
        Ok(Self {
            carriers,
            terms,
            limits,
            against: compliance::payable_many(conn, ctx, &creators).await?,
            destinations: store::destinations::of_creators(conn, &creators).await?,
            asked,
        })
    }

    /// The payout of a schedule, or the codes of what stands against it.
    fn draft(&self, ctx: &Ctx, one: &DueSchedule) -> Result<Draft, Vec<&'static str>> {
        let schedule = &one.schedule;
        let (id, currency) = (schedule.creator, schedule.currency);
        let offered = self.terms.get(&one.country).map_or(&[][..], Vec::as_slice);
        let terms = offered
            .iter()
            .find(|terms| terms.method == schedule.method && terms.currency == currency)
            .filter(|_| self.carriers.carries(schedule.method, currency))
            .ok_or_else(|| vec!["method_not_offered"])?;
        let limits = self
            .limits
            .get(&currency)
            .ok_or_else(|| vec!["no_limits"])?;
        let (count, minor) = self.asked.get(&(id, currency)).copied().unwrap_or_default();
        let amount = one.available.min(limits.day_max_minor - minor);
        if one.available < schedule.threshold_minor.max(terms.min_minor) {
            return Err(vec!["below_threshold"]);
        }
        let mut against: Vec<&'static str> = self
            .against
            .get(&id)
            .map(|all| all.iter().map(compliance::Reason::code).collect())
            .unwrap_or_default();
        if count >= i64::from(limits.day_max_count) {
            against.push("too_many_payouts");
        }
        if amount < terms.min_minor || terms.fee.of(amount) >= amount {
            against.push("too_much_within_a_day");
        }
        let own = self.destinations.get(&id).map_or(&[][..], Vec::as_slice);
        match choose(ctx, terms, limits, own, schedule.destination) {
            Ok(destination) if against.is_empty() => Ok(Draft {
                creator: id,
                amount: Money::new(currency, amount),
                case: Case {
                    terms: terms.clone(),
                    limits: limits.clone(),
                    destination: destination.clone(),
                },
                retry_of: None,
                automatic: true,
            }),
            Ok(_) => Err(against),
            Err(more) => {
                against.extend(more.iter().map(|reason| reason.code));
                Err(against)
            }
        }
    }
}
