//! Made-up creators for demonstrations, tests and measurements.
//!
//! Promises: the same plan makes the same rows, on every machine and on every day; what it makes is what two years of
//! the product would have left (each status follows from the one before, tiers are what the nightly runs would have
//! found, nobody is active before their age is proven); addresses and numbers belong to nobody (domains below
//! `.example`, RFC 2606; numbers 555-0100 to 555-0199, kept for fiction); all of it is there or nothing, and never
//! beside creators that were not made up. Owns: `seed_population`. Emits: nothing. Calls: `tiers`, `onboarding`, `earnings`,
//! `ledger` (the bulk load), `audit`.

mod around;
mod author;
mod books;
mod calendar;
mod cast;
mod consents;
mod dice;
mod earnings;
mod life;
mod nights;
mod onboarding;
mod person;
mod profile;
mod rows;
mod store;
#[cfg(test)]
mod tests;
mod words;

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use thiserror::Error;
use tokio::sync::mpsc;

use author::{Author, Money};
use rows::Sheets;

use crate::audit::{self, Entry, Subject};
use crate::earnings as money;
use crate::kernel::money::UnknownCurrency;
use crate::kernel::{Ctx, words};
use crate::ledger::{self, LedgerError, Loader};
use crate::onboarding::OnboardingError;
use crate::tiers::{self, TierError};

/// Creators that can be made up at the most.
pub const CREATORS_MAX: u32 = 10_000_000;
/// Up to so many creators get everything and their earnings one by one, unless somebody says otherwise.
pub const LEDGER_MAX: u32 = 10_000;
/// Up to so many creators get everything, unless somebody says otherwise.
pub const EVERYTHING_MAX: u32 = 100_000;
/// From so many creators on, indexes are built when the rows are in; a smaller population is faster with them.
const UPKEEP_LATER_FROM: u32 = 50_000;
/// Months that two years touch: the first and the last are there in part.
const MONTHS: i32 = 25;
/// Parts that wait to be put in at the most.
const PARTS_AHEAD: usize = 1;

words!(
    /// Who is made up.
    Mixture {
        /// As in life: most are active and agreed to mail, some are not or did not.
        Lifelike => "lifelike",
        /// Everybody is active and agreed to mail.
        AllReachable => "all_reachable",
    }
);

words!(
    /// How much is made up.
    Detail {
        /// People, creators, their status and tier history, what is verified of them, and daily earnings.
        Core => "core",
        /// Onboarding runs, consents, notes, tasks, tags, fields and the history of verifications besides.
        Everything => "everything",
        /// Earnings one by one besides, about two hundred a creator, and what the ledger has of them.
        Ledger => "ledger",
    }
);

/// What a population is made from; equal plans make equal rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How many creators; at most [`CREATORS_MAX`].
    pub creators: u32,
    /// Where all chance comes from.
    pub seed: u64,
    /// The two years end as this day begins, in UTC.
    pub as_of: NaiveDate,
    /// Who they are.
    pub mixture: Mixture,
    /// How much there is of each.
    pub detail: Detail,
    /// Of a thousand creators, how many still have the tier they began with, as if no tier run had ever seen them; for
    /// measuring runs that have much to do.
    pub unevaluated_per_mille: u32,
}

impl Plan {
    /// A lifelike population with as much detail as its size allows.
    pub fn lifelike(creators: u32, as_of: NaiveDate) -> Self {
        Self {
            creators,
            seed: 1,
            as_of,
            mixture: Mixture::Lifelike,
            detail: if creators <= LEDGER_MAX {
                Detail::Ledger
            } else if creators <= EVERYTHING_MAX {
                Detail::Everything
            } else {
                Detail::Core
            },
            unevaluated_per_mille: 0,
        }
    }

    /// Creators who can all be written to, without more around them than that takes.
    pub fn all_reachable(creators: u32, as_of: NaiveDate) -> Self {
        Self {
            mixture: Mixture::AllReachable,
            detail: Detail::Core,
            ..Self::lifelike(creators, as_of)
        }
    }
}

/// Why nobody was made up.
#[derive(Debug, Error)]
pub enum SeedError {
    /// The database holds people that were not made up.
    #[error(
        "this database holds creators that were not made up; made-up ones do not belong among them"
    )]
    NotEmpty,
    /// The database holds another population.
    #[error(
        "this database holds {} made-up creators already (seed {}, as of {}, {}, {}); ask for the same, or use another \
         database", .0.creators, .0.seed, .0.as_of, .0.mixture, .0.detail
    )]
    OtherPopulation(Plan),
    /// The rules of tiers could not be read.
    #[error(transparent)]
    Tiers(#[from] TierError),
    /// The reporting currency of the rules is none.
    #[error(transparent)]
    Currency(#[from] UnknownCurrency),
    /// The ledger refused.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The flows of the onboarding could not be read.
    #[error(transparent)]
    Onboarding(#[from] OnboardingError),
    /// The database refused.
    #[error("the population could not be stored")]
    Db(#[from] sqlx::Error),
}

/// The population that the database holds; none if it holds none.
///
/// # Errors
/// If the database cannot be read.
pub async fn standing(conn: &mut PgConnection) -> sqlx::Result<Option<Plan>> {
    store::standing(conn).await
}

/// Makes up a population and answers how many creators are new: all of them, or none if exactly this population is there.
/// `progress` is told how many creators are stored so far.
///
/// Takes a single transaction: while it lasts, nobody else reads or writes creators of this database.
///
/// # Errors
/// If the database holds other creators, or refuses; then nothing was stored.
pub async fn populate(
    pool: &PgPool,
    ctx: &Ctx,
    plan: &Plan,
    mut progress: impl FnMut(u64) + Send,
) -> Result<u64, SeedError> {
    let mut tx = pool.begin().await?;
    if !store::note(&mut tx, plan).await? {
        return match store::standing(&mut tx).await? {
            Some(there) if there != *plan => Err(SeedError::OtherPopulation(there)),
            Some(_) | None => Ok(0),
        };
    }
    if store::anybody(&mut tx).await? {
        return Err(SeedError::NotEmpty);
    }
    let author = author(&mut tx, ctx, plan).await?;
    if plan.detail >= Detail::Everything {
        store::define_fields(&mut tx, plan).await?;
    }
    let large = plan.creators >= UPKEEP_LATER_FROM;
    let dropped = if large {
        Some(store::drop_upkeep(&mut tx).await?)
    } else {
        None
    };
    store::hold_tiers(&mut tx).await?;
    let mut books = match plan.detail {
        Detail::Ledger => Some(open_books(&mut tx, plan).await?),
        Detail::Core | Detail::Everything => None,
    };
    put_in(&mut tx, ctx, author, books.as_mut(), &mut progress).await?;
    if let Some(books) = books {
        books.finish(&mut tx, ctx).await?;
    }
    store::rank(&mut tx).await?;
    store::verify(&mut tx, plan).await?;
    if plan.detail >= Detail::Everything {
        store::tell_verifications(&mut tx).await?;
    }
    if let Some(dropped) = dropped {
        store::restore_upkeep(&mut tx, dropped).await?;
    }
    let entry = Entry::new(
        "seed.populate",
        Subject::named("seed", plan.seed.to_string()),
    )
    .after(json!({ "creators": plan.creators, "asOf": plan.as_of }));
    audit::record(&mut tx, ctx, entry).await?;
    tx.commit().await?;
    store::vacuum(pool).await?;
    Ok(plan.creators.into())
}

/// What the population is made from besides the plan: the rules of the database.
async fn author(conn: &mut PgConnection, ctx: &Ctx, plan: &Plan) -> Result<Author, SeedError> {
    let last_day = plan.as_of - Days::new(1);
    let policy = tiers::policy(conn, last_day).await?;
    let flows: HashMap<_, _> = crate::onboarding::list(conn, ctx, None)
        .await?
        .into_iter()
        .map(|flow| (flow.cluster.clone(), flow))
        .collect();
    let house = Money {
        rules: money::rules(conn).await?,
        currency: policy.currency.parse()?,
    };
    Ok(Author::new(plan.clone(), policy, flows, house))
}

/// Makes room for two years of earnings, and takes the ledger for this transaction.
async fn open_books(conn: &mut PgConnection, plan: &Plan) -> Result<Loader, SeedError> {
    let first = plan.as_of - Days::new(calendar::DAYS.unsigned_abs());
    money::make_partitions_since(conn, first, MONTHS).await?;
    Ok(ledger::bulk_load(conn).await?)
}

/// Writes on one thread while the database stores what was written before.
async fn put_in(
    conn: &mut PgConnection,
    ctx: &Ctx,
    author: Author,
    mut books: Option<&mut Loader>,
    progress: &mut (impl FnMut(u64) + Send),
) -> Result<(), SeedError> {
    let (parts, mut written) = mpsc::channel::<Sheets>(PARTS_AHEAD);
    let writing = tokio::task::spawn_blocking(move || {
        author.write(|sheets| parts.blocking_send(sheets).is_ok());
    });
    let mut stored = 0;
    while let Some(sheets) = written.recv().await {
        store::copy(conn, &sheets).await?;
        if let Some(books) = &mut books {
            books.add(conn, ctx, &sheets.transfers).await?;
        }
        stored += u64::from(sheets.creators);
        progress(stored);
    }
    writing
        .await
        .map_err(|error| sqlx::Error::Io(std::io::Error::other(error)))?;
    Ok(())
}
