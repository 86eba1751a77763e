//! The body of `POST /api/campaigns`, as the specification writes it.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use shared::campaigns::{Audience, NewCampaign};
use shared::creators::CreatorStatus;
use shared::messaging::{Action, Content};
use utoipa::ToSchema;

use crate::error::{Problem, Result};
use crate::fields::Fields;

/// A campaign.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CampaignBody {
    #[schema(example = "Q1 Creator Retention")]
    name: String,
    /// `onboarding`, `retention`, `reactivation`, `upsell`, `promotion`, `milestone`, `seasonal` or `cross_promotion`.
    #[serde(rename = "type")]
    #[schema(example = "retention")]
    kind: String,
    target_audience: AudienceBody,
    content: ContentBody,
    /// At once when it is launched, unless given.
    schedule: Option<ScheduleBody>,
    /// Not built yet.
    #[schema(value_type = Option<Object>)]
    budget: Option<Value>,
}

/// Creators that match every list.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AudienceBody {
    /// Not built yet.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    creator_segments: Vec<Value>,
    /// All tiers if empty.
    #[serde(default)]
    #[schema(example = json!(["emerging", "rising"]))]
    tiers: Vec<String>,
    /// All clusters if empty.
    #[serde(default)]
    #[schema(example = json!(["girlfanz", "boyfanz"]))]
    clusters: Vec<String>,
    /// `active` unless given.
    #[schema(example = json!(["active"]))]
    statuses: Option<Vec<String>>,
}

/// What is said. Subject, message and the button's text may use `{firstName}`, `{displayName}`, `{username}`,
/// `{clusterName}`, `{tier}`, `{postalAddress}` and `{unsubscribeUrl}`, also as `{{ firstName }}`;
/// and custom fields with what stands there where somebody has no value, as `{{ custom.city | default('your city') }}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ContentBody {
    #[schema(example = "We miss you, {firstName}!")]
    subject: String,
    /// Plain text; an empty line begins a paragraph.
    message: String,
    /// Not built yet.
    #[schema(value_type = Option<String>)]
    template: Option<Value>,
    call_to_action: Option<ActionBody>,
    /// Not built yet.
    #[schema(value_type = Option<Object>)]
    sms: Option<Value>,
}

/// A button.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ActionBody {
    text: String,
    /// `https://…` or `http://…`.
    #[schema(example = "https://fanz.com/dashboard")]
    url: String,
    /// `button`.
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// When it is sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ScheduleBody {
    /// `immediate` or `scheduled`.
    #[serde(rename = "type")]
    #[schema(example = "scheduled")]
    kind: String,
    /// For `scheduled`: not before this, as RFC 3339 with an offset.
    at: Option<String>,
    /// Not built yet.
    #[schema(value_type = Option<Vec<Object>>)]
    triggers: Option<Value>,
}

impl CampaignBody {
    /// The command, or every wrong field, also those that are not built yet.
    pub(super) fn campaign(self, now: DateTime<Utc>) -> Result<NewCampaign> {
        let mut fields = Fields::default();
        let segments = !self.target_audience.creator_segments.is_empty();
        fields.not_built_yet("/targetAudience/creatorSegments", segments);
        fields.not_built_yet("/content/template", self.content.template.is_some());
        fields.not_built_yet("/content/sms", self.content.sms.is_some());
        fields.not_built_yet("/budget", self.budget.is_some());
        let starts_at = self
            .schedule
            .and_then(|schedule| schedule.start(&mut fields));
        let kind = fields.parsed("/type", &self.kind);
        let audience = self.target_audience.audience(&mut fields);
        let content = self.content.content(&mut fields);
        let new = kind.map(|kind| NewCampaign {
            name: self.name,
            kind,
            audience,
            content,
            starts_at,
        });
        if let Some(Err(wrong)) = new.as_ref().map(|new| new.check(now)) {
            fields.extend(wrong);
        }
        fields.finish()?;
        // without a kind there is a wrong field
        new.ok_or_else(Problem::internal)
    }
}

impl AudienceBody {
    fn audience(self, fields: &mut Fields) -> Audience {
        let statuses = match self.statuses {
            Some(statuses) => fields.parsed_all("/targetAudience/statuses", &statuses),
            None => vec![CreatorStatus::Active],
        };
        Audience {
            clusters: self.clusters,
            tiers: fields.parsed_all("/targetAudience/tiers", &self.tiers),
            statuses,
        }
    }
}

impl ContentBody {
    fn content(self, fields: &mut Fields) -> Content {
        let action = self.call_to_action.map(|action| {
            if action.kind.as_deref().is_some_and(|kind| kind != "button") {
                fields.wrong("/content/callToAction/type", "use `button`");
            }
            Action {
                text: action.text,
                url: action.url,
            }
        });
        Content {
            subject: self.subject,
            message: self.message,
            action,
        }
    }
}

impl ScheduleBody {
    /// When it starts; none for at once.
    fn start(self, fields: &mut Fields) -> Option<DateTime<Utc>> {
        fields.not_built_yet("/schedule/triggers", self.triggers.is_some());
        match (self.kind.as_str(), self.at) {
            ("immediate", None) => None,
            ("immediate", Some(_)) => {
                fields.wrong(
                    "/schedule/at",
                    "an immediate campaign has no time; use `scheduled`",
                );
                None
            }
            ("scheduled", Some(at)) => match DateTime::parse_from_rfc3339(&at) {
                Ok(at) => Some(at.to_utc()),
                Err(error) => {
                    let message = format!("use RFC 3339, such as 2026-12-01T09:00:00Z: {error}");
                    fields.wrong("/schedule/at", message);
                    None
                }
            },
            ("scheduled", None) => {
                fields.wrong("/schedule/at", "say when, such as 2026-12-01T09:00:00Z");
                None
            }
            ("triggered" | "recurring", _) => {
                fields.not_built_yet("/schedule/type", true);
                None
            }
            (_, _) => {
                fields.wrong("/schedule/type", "use `immediate` or `scheduled`");
                None
            }
        }
    }
}
