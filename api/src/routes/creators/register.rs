//! Registering a creator.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::NaiveDate;
use serde::Deserialize;
use shared::creators::{self, Channel, ConsentState, NewConsent, NewCreator, PersonId};
use shared::idempotency::{self, Answer};
use utoipa::ToSchema;

use super::view::CreatorView;
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, IdempotencyKey, JsonBytes, WriteCreators, answered, parse_json};
use crate::fields::Fields;

/// Characters in a consent's source and proof at the most.
pub(super) const SOURCE_MAX_CHARS: usize = 100;
pub(super) const PROOF_MAX_CHARS: usize = 500;
/// Consents in one request at the most.
const CONSENTS_MAX: usize = 10;

/// What is needed to register a creator.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CreatorBody {
    /// Taken once in a cluster, whatever its capitals.
    #[schema(example = "creator@example.com")]
    email: String,
    /// 3 to 30 letters, digits, dots, dashes or underscores; taken once in a cluster.
    #[schema(example = "testcreator")]
    username: String,
    #[schema(example = "girlfanz")]
    cluster_id: String,
    /// `+` and 7 to 15 digits.
    #[schema(example = "+15550100123")]
    phone: Option<String>,
    display_name: Option<String>,
    first_name: Option<String>,
    /// IANA name.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// Nobody under 18 is registered.
    birth_date: Option<NaiveDate>,
    /// The person behind, if they are a creator of another cluster already; a new person if left out.
    #[schema(example = "person_0192f0c1a2b37c4d8e5f60718293a4b5")]
    person_id: Option<String>,
    /// What they agreed to while signing up. Without consent to `email` they get no marketing mail.
    #[serde(default)]
    consents: Vec<ConsentBody>,
}

/// A consent with its proof.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ConsentBody {
    /// `email` or `sms`.
    channel: String,
    /// How it was given.
    #[schema(example = "signup_form")]
    source: String,
    /// What can be shown for it.
    proof: Option<String>,
}

/// Register a creator
#[utoipa::path(post, path = "/api/creators", operation_id = "registerCreator", tag = "creators", security(("bearer" = ["creators:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key with the same body has its effect once")),
    request_body = CreatorBody,
    responses(
        (status = 201, body = CreatorView, headers(("Location" = String, description = "Where the creator is shown"), ("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 409, description = "The address or name is taken in this cluster", content_type = "application/problem+json", body = crate::openapi::ProblemDocument),
        (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn register(
    caller: Allowed<WriteCreators>,
    State(app): State<App>,
    key: IdempotencyKey,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response> {
    let new = parse_json::<CreatorBody>(&bytes, "")?.creator()?;
    let request = key.request("POST /api/creators", &bytes);
    let mut tx = app.db.begin().await?;
    if let Some(request) = &request
        && let Some(answer) = idempotency::seen(&mut tx, &caller.ctx, request).await?
    {
        return Ok(answered(answer));
    }
    let creator = creators::register(&mut tx, &caller.ctx, &new).await?;
    let profile = creators::profile(&mut tx, &caller.ctx, creator.id).await?;
    let answer = Answer {
        status: StatusCode::CREATED.as_u16(),
        location: Some(format!("/api/creators/{}", creator.id)),
        body: serde_json::json!(CreatorView::of(profile, &caller.ctx)).to_string(),
    };
    if let Some(request) = &request {
        idempotency::remember(&mut tx, &caller.ctx, request, &answer).await?;
    }
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answered(answer))
}

impl CreatorBody {
    /// The command, or every wrong field.
    fn creator(self) -> Result<NewCreator> {
        let mut fields = Fields::default();
        let email = fields.parsed("/email", &self.email);
        let username = fields.parsed("/username", &self.username);
        let phone = fields.parsed_if("/phone", self.phone.as_deref());
        let time_zone = fields.parsed_if::<chrono_tz::Tz>("/timeZone", self.time_zone.as_deref());
        let person = fields.parsed_if::<PersonId>("/personId", self.person_id.as_deref());
        if self.consents.len() > CONSENTS_MAX {
            fields.wrong("/consents", format!("at most {CONSENTS_MAX} consents"));
        }
        let consents = self.consents.into_iter().enumerate();
        let consents: Vec<_> = consents
            .filter_map(|(at, c)| c.consent(at, &mut fields))
            .collect();
        fields.finish()?;
        match (email, username) {
            (Some(email), Some(username)) => Ok(NewCreator {
                email,
                username,
                cluster: self.cluster_id,
                phone,
                display_name: self.display_name,
                first_name: self.first_name,
                time_zone,
                person,
                birth_date: self.birth_date,
                consents,
            }),
            (_, _) => Err(Problem::internal()),
        }
    }
}

impl ConsentBody {
    fn consent(self, at: usize, fields: &mut Fields) -> Option<NewConsent> {
        let pointer = |name: &str| format!("/consents/{at}/{name}");
        let channel: Option<Channel> = fields.parsed(pointer("channel"), &self.channel);
        fields.text(pointer("source"), &self.source, SOURCE_MAX_CHARS);
        if let Some(proof) = &self.proof {
            fields.text(pointer("proof"), proof, PROOF_MAX_CHARS);
        }
        Some(NewConsent {
            channel: channel?,
            state: ConsentState::Granted,
            source: self.source,
            proof: self.proof,
        })
    }
}
