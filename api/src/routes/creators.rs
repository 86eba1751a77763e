//! Creators and their clusters.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::creators::{
    self, Channel, Cluster, Consent, ConsentState, Creator, CreatorId, NewConsent, NewCreator,
};
use shared::idempotency::{self, Answer};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{
    Allowed, IdempotencyKey, Json, JsonBytes, PathId, ReadCreators, WriteCreators, answered,
    parse_json,
};
use crate::fields::Fields;

/// Characters in a consent's source and proof at the most.
const SOURCE_MAX_CHARS: usize = 100;
const PROOF_MAX_CHARS: usize = 500;
/// Consents in one request at the most.
const CONSENTS_MAX: usize = 10;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_clusters))
        .routes(routes!(register))
        .routes(routes!(show))
}

/// All clusters.
#[derive(Debug, Serialize, ToSchema)]
struct Clusters {
    /// By id.
    items: Vec<ClusterView>,
}

/// A platform of the ecosystem.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Cluster)]
struct ClusterView {
    #[schema(example = "girlfanz")]
    id: String,
    name: String,
    /// Whether it shows adult content.
    adult: bool,
    /// Whether its age gate is stricter than the law asks for.
    enhanced_gating: bool,
}

impl From<Cluster> for ClusterView {
    fn from(cluster: Cluster) -> Self {
        let Cluster {
            id,
            name,
            adult,
            enhanced_gating,
        } = cluster;
        Self {
            id,
            name,
            adult,
            enhanced_gating,
        }
    }
}

/// What is needed to register a creator.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreatorBody {
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
    /// What they agreed to while signing up. Without consent to `email` they get no marketing mail.
    #[serde(default)]
    consents: Vec<ConsentBody>,
}

/// A consent with its proof.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ConsentBody {
    /// `email` or `sms`.
    channel: String,
    /// How it was given.
    #[schema(example = "signup_form")]
    source: String,
    /// What can be shown for it.
    proof: Option<String>,
}

/// A creator.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Creator)]
struct CreatorView {
    #[schema(value_type = String, example = "creator_0192f0c1a2b37c4d8e5f60718293a4b5")]
    id: CreatorId,
    cluster_id: String,
    email: String,
    username: String,
    phone: Option<String>,
    display_name: Option<String>,
    first_name: Option<String>,
    #[schema(example = "pending_verification")]
    status: &'static str,
    #[schema(example = "newcomer")]
    tier: &'static str,
    time_zone: Option<String>,
    /// What they said last about each channel; channels never spoken of are absent.
    consents: Vec<ConsentView>,
    created_at: DateTime<Utc>,
}

/// What a creator said about a channel.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Consent)]
struct ConsentView {
    /// `email` or `sms`.
    channel: &'static str,
    /// `granted` or `withdrawn`.
    state: &'static str,
    source: String,
    proof: Option<String>,
    recorded_at: DateTime<Utc>,
}

impl From<Consent> for ConsentView {
    fn from(consent: Consent) -> Self {
        Self {
            channel: consent.channel.as_str(),
            state: consent.state.as_str(),
            source: consent.source,
            proof: consent.proof,
            recorded_at: consent.recorded_at,
        }
    }
}

fn view(creator: Creator, consents: Vec<Consent>) -> CreatorView {
    CreatorView {
        id: creator.id,
        cluster_id: creator.cluster,
        email: creator.email,
        username: creator.username,
        phone: creator.phone,
        display_name: creator.display_name,
        first_name: creator.first_name,
        status: creator.status.as_str(),
        tier: creator.tier.as_str(),
        time_zone: creator.time_zone,
        consents: consents.into_iter().map(ConsentView::from).collect(),
        created_at: creator.created_at,
    }
}

/// List the clusters
#[utoipa::path(get, path = "/api/clusters", operation_id = "listClusters", tag = "creators", security(("bearer" = ["creators:read"])),
    responses((status = 200, body = Clusters)))]
async fn list_clusters(_: Allowed<ReadCreators>, State(app): State<App>) -> Result<Json<Clusters>> {
    let mut tx = app.db.begin().await?;
    let clusters = creators::clusters(&mut tx).await?;
    Ok(Json(Clusters {
        items: clusters.into_iter().map(ClusterView::from).collect(),
    }))
}

/// Register a creator
#[utoipa::path(post, path = "/api/creators", operation_id = "registerCreator", tag = "creators", security(("bearer" = ["creators:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key with the same body has its effect once")),
    request_body = CreatorBody,
    responses(
        (status = 201, body = CreatorView, headers(("Location" = String, description = "Where the creator is shown"))),
        (status = 409, description = "The address or name is taken in this cluster", content_type = "application/problem+json", body = crate::openapi::ProblemDocument),
        (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn register(
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
    let consents = creators::consents(&mut tx, creator.id).await?;
    let answer = Answer {
        status: StatusCode::CREATED.as_u16(),
        location: Some(format!("/api/creators/{}", creator.id)),
        body: serde_json::json!(view(creator, consents)).to_string(),
    };
    if let Some(request) = &request {
        idempotency::remember(&mut tx, &caller.ctx, request, &answer).await?;
    }
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answered(answer))
}

/// Show a creator
#[utoipa::path(get, path = "/api/creators/{id}", operation_id = "showCreator", tag = "creators", security(("bearer" = ["creators:read"])),
    params(("id" = String, Path, description = "`creator_…`")),
    responses((status = 200, body = CreatorView), (status = 404, description = "No such creator")))]
async fn show(
    _: Allowed<ReadCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
) -> Result<Json<CreatorView>> {
    let mut tx = app.db.begin().await?;
    let creator = creators::get(&mut tx, id).await?;
    let consents = creators::consents(&mut tx, id).await?;
    Ok(Json(view(creator, consents)))
}

impl CreatorBody {
    /// The command, or every wrong field.
    fn creator(self) -> Result<NewCreator> {
        let mut fields = Fields::default();
        let email = fields.parsed("/email", &self.email);
        let username = fields.parsed("/username", &self.username);
        let phone = fields.parsed_if("/phone", self.phone.as_deref());
        let time_zone = fields.parsed_if::<chrono_tz::Tz>("/timeZone", self.time_zone.as_deref());
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
