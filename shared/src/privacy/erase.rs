//! Erasing a person, class by class, all of it or nothing.

use chrono::{Months, NaiveDate};
use sqlx::PgConnection;

use super::measures::stands;
use super::requests::{person, record};
use super::retention;
use super::store::{self, Subjects};
use super::{
    Fate, HOLDINGS, Holding, MeasureKind, Outcome, PrivacyError, RequestId, RequestState, Treatment,
};
use crate::audit;
use crate::creators::CreatorId;
use crate::kernel::Ctx;
use crate::messaging::{self, AddressDigests};

/// Carries out a confirmed erasure in the caller's transaction; one that is over stays as it is. If a legal hold came
/// first, it fails and says so.
///
/// # Errors
/// If there is no such request, a retention rule is missing, or the database refuses.
pub async fn erase(
    conn: &mut PgConnection,
    ctx: &Ctx,
    digests: &AddressDigests,
    id: RequestId,
) -> Result<(), PrivacyError> {
    let request = store::lock(conn, id)
        .await?
        .ok_or(PrivacyError::NotFound(id))?;
    if request.state != RequestState::Running {
        return Ok(());
    }
    let subjects = store::subjects(conn, request.person).await?;
    // creators before their person, as every change of status takes them
    store::measures::lock_creators(conn, &subjects.creators).await?;
    store::measures::lock_people(conn, &subjects.people).await?;
    if stands(conn, &subjects, MeasureKind::LegalHold).await? {
        let why = PrivacyError::Held.to_string();
        return Ok(store::fail(conn, ctx, id, &why).await?);
    }
    // before anything goes: who they were is what the rest is found by
    let names = store::names(conn, &subjects).await?;
    let outcome = outcome(conn, ctx, &subjects).await?;
    messaging::suppress_for_good(conn, digests, &names.emails, &names.phones, ctx.now()).await?;
    store::forget_elsewhere(conn, &subjects, &names).await?;
    store::drop_files(conn, &subjects, &names).await?;
    for creator in &subjects.creators {
        audit::erase_personal(conn, &CreatorId::from(*creator).into()).await?;
    }
    for login in &subjects.logins {
        let login = crate::access::UserId::from(*login);
        audit::erase_personal(conn, &login.into()).await?;
    }
    audit::erase_personal(conn, &person(request.person)).await?;
    for holding in HOLDINGS {
        store::treat(conn, holding, &subjects, ctx.now()).await?;
    }
    store::complete_erasure(conn, ctx, id, &outcome).await?;
    Ok(record(conn, ctx, "privacy.erase", person(request.person), id).await?)
}

/// What becomes of each class of data if it is done today; classes without rows are left out.
pub(super) async fn outcome(
    conn: &mut PgConnection,
    ctx: &Ctx,
    subjects: &Subjects,
) -> Result<Vec<Outcome>, PrivacyError> {
    let today = ctx.now().date_naive();
    let mut all = Vec::new();
    for holding in HOLDINGS {
        let rows = store::count(conn, holding, subjects).await?;
        if rows > 0 {
            all.push(one(conn, holding, rows, today).await?);
        }
    }
    Ok(all)
}

async fn one(
    conn: &mut PgConnection,
    holding: &Holding,
    rows: u64,
    today: NaiveDate,
) -> Result<Outcome, PrivacyError> {
    let (fate, class) = match holding.treatment {
        Treatment::Erase => (Fate::Erased, None),
        Treatment::Pseudonymise { kept_as, .. } => (Fate::Pseudonymised, kept_as),
        Treatment::Retain { kept_as } => (Fate::Retained, Some(kept_as)),
        Treatment::Stay => (Fate::Retained, None),
    };
    let rule = match class {
        Some(class) => Some(retention::rule(conn, class, today).await?),
        None => None,
    };
    let (basis, years) = rule.map(|rule| (rule.basis, rule.years)).unzip();
    let until = years.and_then(|years| today.checked_add_months(Months::new(years * 12)));
    Ok(Outcome {
        table: holding.table.to_owned(),
        about: holding.about.to_owned(),
        rows,
        fate,
        basis,
        until,
    })
}
