//! Showing people's data in clear: allowed by permission, never without a reason, and always recorded.

use serde_json::json;
use sqlx::PgConnection;

use super::{AccessError, PersonalField};
use crate::audit::{self, Entry, Subject};
use crate::kernel::{Ctx, FieldError};

/// Characters of a reason at the most.
pub const REVEAL_REASON_MAX_CHARS: usize = 500;

/// Records that the caller is shown these fields of `subject` in clear, and why. Read the values in the same
/// transaction, and show them only once it has committed.
///
/// # Errors
/// If the caller lacks the permission for one of the fields, or gives no reason.
pub async fn record_reveal(
    conn: &mut PgConnection,
    ctx: &Ctx,
    subject: impl Into<Subject>,
    fields: &[PersonalField],
    reason: &str,
) -> Result<(), AccessError> {
    let lacking = fields
        .iter()
        .map(|field| field.permission())
        .find(|permission| !permission.granted_to(&ctx.actor));
    if let Some(permission) = lacking {
        return Err(AccessError::Lacking(permission));
    }
    let reason = reason.trim();
    let chars = reason.chars().count();
    if chars == 0 || chars > REVEAL_REASON_MAX_CHARS || reason.contains('\0') {
        let message = format!("say why, in 1 to {REVEAL_REASON_MAX_CHARS} characters");
        return Err(AccessError::Invalid(vec![FieldError::new(
            "/reason", message,
        )]));
    }
    let subject = subject.into();
    let entry = Entry::new("personal.reveal", subject)
        .after(json!({ "fields": fields }))
        .reason(reason);
    Ok(audit::record(conn, ctx, entry).await?)
}
