//! Recording what creators earned, in sets.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde_json::json;
use sqlx::PgConnection;

use super::store::{self, earnings::Earner, keys::Key};
use super::{About, Due, DueKind, Earning, EarningError, EarningId, NewEarning, Rules, Terms};
use crate::audit::{self, Entry, Subject};
use crate::creators::{CreatorError, CreatorId};
use crate::kernel::money::{Currency, Money};
use crate::kernel::{Ctx, TypedId};
use crate::ledger::{self, NewTransfer};
use crate::reactions;
use crate::tiers;

/// Earnings that are recorded at once at the most.
pub const RECORD_MAX: usize = 1_000;
const _: () = assert!(RECORD_MAX <= ledger::POST_MAX);

/// What became of an earning that was reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The earning.
    pub id: EarningId,
    /// Whether it is new; else it was reported before.
    pub new: bool,
}

/// Records one earning and answers it, and whether it is new.
///
/// # Errors
/// If a field breaks a rule, the creator is unknown, or the external id stands for something else.
pub async fn record(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: NewEarning,
) -> Result<(Earning, bool), EarningError> {
    let mut done = record_many(conn, ctx, vec![new]).await?;
    let recorded = done.pop().ok_or(EarningError::TooMany)??;
    let earning = store::earnings::find(conn, recorded.id)
        .await?
        .ok_or(EarningError::NotFound(recorded.id))?;
    Ok((earning, recorded.new))
}

/// Records earnings; answers for each what became of it, in the order given. One that is refused keeps no other from
/// being recorded.
///
/// # Errors
/// If there are none or too many, or the database or the ledger refuses; then nothing was recorded.
pub async fn record_many(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: Vec<NewEarning>,
) -> Result<Vec<Result<Recorded, EarningError>>, EarningError> {
    if new.is_empty() || new.len() > RECORD_MAX {
        return Err(EarningError::TooMany);
    }
    let asked: Vec<CreatorId> = new.iter().map(|one| one.creator).collect();
    let earners = store::earnings::earners(conn, &asked).await?;
    let desk = Desk {
        rules: store::rules::all(conn).await?,
        reporting: tiers::reporting_currency(conn, ctx.now().date_naive()).await?,
        earners,
    };
    let mut drafts: Vec<Result<Draft, EarningError>> =
        new.into_iter().map(|one| desk.draft(ctx, one)).collect();
    settle_keys(conn, &mut drafts).await?;
    let fresh: Vec<&Draft> = drafts
        .iter()
        .filter_map(|draft| draft.as_ref().ok().filter(|draft| draft.known.is_none()))
        .collect();
    write(conn, ctx, &fresh).await?;
    let answer = |draft: Result<Draft, EarningError>| {
        draft.map(|draft| Recorded {
            id: draft.known.unwrap_or(draft.id),
            new: draft.known.is_none(),
        })
    };
    Ok(drafts.into_iter().map(answer).collect())
}

/// What is needed to judge earnings.
struct Desk {
    rules: Rules,
    reporting: Currency,
    earners: HashMap<CreatorId, Earner>,
}

/// An earning that is about to be written.
pub(super) struct Draft {
    pub(super) id: EarningId,
    pub(super) earner: Earner,
    pub(super) currency: Currency,
    pub(super) terms: Terms,
    pub(super) occurred_at: chrono::DateTime<chrono::Utc>,
    pub(super) said: NewEarning,
    /// The earning that its external id stands for already.
    pub(super) known: Option<EarningId>,
}

impl Desk {
    fn draft(&self, ctx: &Ctx, said: NewEarning) -> Result<Draft, EarningError> {
        let earner = self.earners.get(&said.creator);
        let reached = earner.filter(|earner| {
            let reach = ctx.actor.reach();
            reach.covers(&earner.cluster, earner.id.uuid())
        });
        let earner = reached.ok_or(CreatorError::NotFound(said.creator))?.clone();
        let currency = said.currency.or(earner.currency).unwrap_or(self.reporting);
        let mut wrong = said.check(ctx.now());
        let gross = match Money::parse(currency, &said.amount) {
            Ok(money) => money.minor,
            Err(error) => {
                let message = error.to_string();
                wrong.push(crate::kernel::FieldError::new("/amount", message));
                0
            }
        };
        if !wrong.is_empty() {
            return Err(EarningError::Invalid(wrong));
        }
        let occurred_at = said.occurred_at.unwrap_or(ctx.now());
        let about = (earner.country.as_deref(), earner.created_at);
        let terms = self
            .rules
            .terms(said.source, gross, occurred_at, about, ctx.now())
            .ok_or(EarningError::NoRule)?;
        Ok(Draft {
            id: EarningId::from(ledger::TransferId::at(ctx.now()).uuid()),
            earner,
            currency,
            terms,
            occurred_at,
            said,
            known: None,
        })
    }
}

/// Notes external ids, and finds out which of them were reported before.
async fn settle_keys(
    conn: &mut PgConnection,
    drafts: &mut [Result<Draft, EarningError>],
) -> Result<(), EarningError> {
    let keys: Vec<Key> = drafts
        .iter()
        .flatten()
        .filter_map(|draft| {
            Some(Key {
                cluster: draft.earner.cluster.clone(),
                external: draft.said.external_id.clone()?,
                subject: draft.id,
                hash: draft.said.body_hash(),
            })
        })
        .collect();
    let standing = store::keys::settle(conn, &keys).await?;
    for place in drafts.iter_mut() {
        let Ok(draft) = place else { continue };
        let Some(external) = draft.said.external_id.clone() else {
            continue;
        };
        let Some((subject, hash)) = standing.get(&(draft.earner.cluster.clone(), external.clone()))
        else {
            continue;
        };
        if hash[..] != draft.said.body_hash()[..] {
            *place = Err(EarningError::ExternalIdReused(external));
        } else if *subject != draft.id {
            draft.known = Some(*subject);
        }
    }
    Ok(())
}

/// Writes earnings, what becomes of them when, the ledger's transfers and the sums. The order is that of everybody who
/// writes them, so that nobody waits in a circle.
async fn write(conn: &mut PgConnection, ctx: &Ctx, fresh: &[&Draft]) -> Result<(), EarningError> {
    if fresh.is_empty() {
        return Ok(());
    }
    store::earnings::insert(conn, ctx, fresh).await?;
    let dues = fresh.iter().flat_map(|draft| draft.dues()).collect();
    store::dues::add(conn, dues).await?;
    let transfers: Vec<NewTransfer> = fresh.iter().map(|draft| draft.transfer()).collect();
    ledger::post(conn, ctx, &transfers).await?;
    let changes: Vec<Change> = fresh.iter().map(|draft| draft.change()).collect();
    count(conn, ctx, &changes).await?;
    let entry = match fresh {
        [one] => Entry::new("earning.record", one.earner.id).after(json!({
            "earningId": one.id,
            "grossMinor": one.terms.parts.gross,
            "currency": one.currency,
            "source": one.said.source,
        })),
        many => Entry::new("earning.record_many", Subject::named("earnings", "bulk"))
            .after(json!({ "recorded": many.len(), "first": many[0].id })),
    };
    Ok(audit::record(conn, ctx, entry).await?)
}

/// What an earning, or what is taken back of one (negative), changes in the sums; in minor units.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    /// Whose.
    pub creator: CreatorId,
    /// On which it counts, in UTC.
    pub day: NaiveDate,
    /// The day whose exchange rate applies: of what is taken back that of the earning.
    pub rate_day: NaiveDate,
    /// The currency.
    pub currency: Currency,
    /// What was paid for.
    pub source: super::EarningSource,
    /// What the fan paid.
    pub gross: i64,
    /// The creator's share of it.
    pub share: i64,
}

/// Keeps the sums by month, and lets what follows from a day's earnings follow.
pub(super) async fn count(
    conn: &mut PgConnection,
    ctx: &Ctx,
    changes: &[Change],
) -> Result<(), EarningError> {
    store::sums::add_months(conn, changes).await?;
    Ok(reactions::earned(conn, ctx, changes).await?)
}

/// Keeps what is earned in another than the reporting currency until a rate is known for its day.
///
/// # Errors
/// If the database refuses.
pub async fn keep_unconverted(conn: &mut PgConnection, changes: &[Change]) -> sqlx::Result<()> {
    store::conversion::wait(conn, changes).await
}

impl Draft {
    fn dues(&self) -> Vec<Due> {
        let due = |kind, on, minor| Due {
            kind,
            on,
            creator: self.earner.id,
            currency: self.currency,
            minor,
        };
        let terms = &self.terms;
        vec![
            due(DueKind::Maturity, terms.matures_on, terms.parts.maturing()),
            due(DueKind::Reserve, terms.reserve_until, terms.parts.reserve),
        ]
    }

    fn transfer(&self) -> NewTransfer {
        let about = About {
            creator: self.earner.id,
            currency: self.currency,
            source: self.said.source,
        };
        about.earned(self.id, self.terms.parts, self.occurred_at)
    }

    fn change(&self) -> Change {
        Change {
            creator: self.earner.id,
            day: self.occurred_at.date_naive(),
            rate_day: self.occurred_at.date_naive(),
            currency: self.currency,
            source: self.said.source,
            gross: self.terms.parts.gross,
            share: self.terms.parts.share(),
        }
    }
}
