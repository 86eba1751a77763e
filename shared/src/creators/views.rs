//! Filters that people keep: their own, and those that somebody shares.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{CreatorError, CreatorFilter, NAME_MAX_CHARS, Sort, store};
use crate::audit::{self, Entry};
use crate::kernel::{Ctx, FieldError, typed_id};

typed_id!(
    /// Names one kept filter.
    ViewId,
    "view"
);

/// Filters that one person may keep at the most.
pub const VIEWS_MAX: i64 = 200;

/// A kept filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Which.
    pub id: ViewId,
    /// Who keeps it.
    pub owner: String,
    /// What it is called; once for each owner.
    pub name: String,
    /// Whether everybody sees it.
    pub shared: bool,
    /// Which creators.
    pub filter: CreatorFilter,
    /// In which order.
    pub sort: Sort,
    /// Grows with each change.
    pub version: i64,
    /// Since when it is kept.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a kept filter is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewView {
    /// What it is called.
    pub name: String,
    /// Whether everybody sees it.
    pub shared: bool,
    /// Which creators.
    pub filter: CreatorFilter,
    /// In which order.
    pub sort: Sort,
}

impl NewView {
    fn check(&self) -> Result<(), CreatorError> {
        let mut wrong = self.filter.check().err().unwrap_or_default();
        for field in &mut wrong {
            field.field = format!("/filter/{}", field.field).into();
        }
        if self.filter.legal_name.is_some() {
            let message = "a legal name is not kept; search for it each time";
            wrong.push(FieldError::new("/filter/legalName", message));
        }
        if !super::model::is_name(&self.name) {
            let message = format!("use 1 to {NAME_MAX_CHARS} characters, without line breaks");
            wrong.push(FieldError::new("/name", message));
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(CreatorError::Invalid(wrong))
        }
    }
}

/// The caller's own views by name, then those that others share.
///
/// # Errors
/// If the database does not answer.
pub async fn views(conn: &mut PgConnection, ctx: &Ctx) -> Result<Vec<View>, CreatorError> {
    Ok(store::views::list(conn, &ctx.actor.to_string()).await?)
}

/// Keeps a filter.
///
/// # Errors
/// If a field is wrong, the caller has one of this name, or too many.
pub async fn keep_view(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewView,
) -> Result<View, CreatorError> {
    new.check()?;
    let owner = ctx.actor.to_string();
    if store::views::count(conn, &owner).await? >= VIEWS_MAX {
        let message = format!("you keep {VIEWS_MAX} already; remove one first");
        return Err(CreatorError::Invalid(vec![FieldError::new(
            "/name", message,
        )]));
    }
    let view = store::views::insert(conn, ctx, &owner, new)
        .await?
        .ok_or(CreatorError::ViewNameTaken)?;
    audit::record(conn, ctx, Entry::new("view.keep", view.id)).await?;
    Ok(view)
}

/// Changes one of the caller's views; only at the given version, if one is given.
///
/// # Errors
/// As [`keep_view`], and if the caller has none of this id, or it is at another version.
pub async fn change_view(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: ViewId,
    version: Option<i64>,
    new: &NewView,
) -> Result<View, CreatorError> {
    new.check()?;
    let owner = ctx.actor.to_string();
    let present = store::views::lock(conn, &owner, id)
        .await?
        .ok_or(CreatorError::ViewNotFound(id))?;
    if version.is_some_and(|version| version != present) {
        return Err(CreatorError::Stale(present));
    }
    let view = store::views::update(conn, ctx, &owner, id, new)
        .await?
        .ok_or(CreatorError::ViewNotFound(id))?;
    audit::record(conn, ctx, Entry::new("view.change", id)).await?;
    Ok(view)
}

/// Removes one of the caller's views.
///
/// # Errors
/// If the caller has none of this id.
pub async fn remove_view(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: ViewId,
) -> Result<(), CreatorError> {
    if !store::views::delete(conn, &ctx.actor.to_string(), id).await? {
        return Err(CreatorError::ViewNotFound(id));
    }
    Ok(audit::record(conn, ctx, Entry::new("view.remove", id)).await?)
}
