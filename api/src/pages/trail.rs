//! The page on who did what.

use axum::extract::{Query, State};
use dashboard::{AuditPage, Section};
use serde::Deserialize;
use shared::audit::{self, AuditFilter};

use super::queue::ListQuery;
use super::screen::{Refusal, Screen};
use super::viewer::Seen;
use crate::app::App;
use crate::extract::ReadAudit;
use crate::routes::subject_parts;

/// What may be asked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AuditQuery {
    actor: String,
    action: String,
    subject: String,
    cursor: Option<String>,
}

/// `GET /audit`
pub(super) async fn audit(
    seen: Seen<ReadAudit>,
    State(app): State<App>,
    Query(asked): Query<AuditQuery>,
) -> Result<Screen, Refusal> {
    let given = |text: &str| (!text.is_empty()).then(|| text.replace('\0', ""));
    let subject = given(&asked.subject).map(|text| subject_parts(&text));
    let mut page = AuditPage {
        entries: Vec::new(),
        refusal: None,
        next: None,
        filter: [
            ("actor", asked.actor.clone()),
            ("action", asked.action.clone()),
            ("subject", asked.subject.clone()),
        ],
    };
    if subject == Some(None) {
        page.refusal = Some(
            "A subject is an id such as creator_…, or a kind and a name such as queue:mail."
                .to_owned(),
        );
    } else {
        let (subject_kind, subject_id) = subject.flatten().unzip();
        let filter = AuditFilter {
            actor: given(&asked.actor),
            action: given(&asked.action),
            subject_kind,
            subject_id,
            from: None,
            until: None,
        };
        let mut conn = app.db.pool().acquire().await?;
        let found = audit::list(
            &mut conn,
            &filter,
            &ListQuery {
                cursor: asked.cursor,
            }
            .page(),
        )
        .await?;
        page.next = found.next.map(|cursor| cursor.as_str().to_owned());
        page.entries = found.items;
    }
    let markup = dashboard::audit(&seen.frame(Section::Audit), &page);
    Ok(Screen::new(markup, &seen.nonce))
}
