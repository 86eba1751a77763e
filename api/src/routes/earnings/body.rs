//! What is said of earnings.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;
use shared::creators::CreatorId;
use shared::earnings::NewEarning;
use shared::kernel::FieldError;
use shared::kernel::money::{Currency, json_text};
use utoipa::ToSchema;

use crate::error::Result;
use crate::fields::Fields;

/// An earning. The first four fields are enough.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewEarning)]
pub(super) struct EarningBody {
    /// What the fan paid, gross, as a number or a text; with no more decimals than the currency has.
    #[schema(value_type = f64, example = 125.50)]
    pub(super) amount: Box<RawValue>,
    /// `subscription`, `tip`, `custom_content`, `live_stream`, `video_call`, `message`, `affiliate`, `merchandise` or `bonus`.
    #[schema(example = "subscription")]
    pub(super) source: String,
    /// Up to 500 characters.
    pub(super) description: Option<String>,
    /// Who paid, as your platform calls them.
    pub(super) fan_id: Option<String>,
    /// What for, as your platform calls it.
    pub(super) content_id: Option<String>,
    /// What your platform calls this earning: in a cluster the same counts once.
    pub(super) external_id: Option<String>,
    /// ISO 4217; the creator's if it is left out.
    #[schema(example = json!(null))]
    pub(super) currency: Option<String>,
    /// When the fan paid, at most 62 days ago; now if it is left out.
    pub(super) occurred_at: Option<DateTime<Utc>>,
}

impl EarningBody {
    /// The earning of a creator; pointers in a refusal begin with `prefix`.
    pub(super) fn read(self, creator: CreatorId, prefix: &str) -> Result<NewEarning> {
        let mut fields = Fields::default();
        let source = fields.parsed(format!("{prefix}/source"), &self.source);
        let currency: Option<Currency> = self
            .currency
            .as_deref()
            .and_then(|code| fields.parsed(format!("{prefix}/currency"), code));
        fields.finish()?;
        Ok(NewEarning {
            creator,
            amount: json_text(&self.amount),
            currency,
            source: source.ok_or_else(crate::error::Problem::internal)?,
            description: self.description,
            fan: self.fan_id,
            content: self.content_id,
            external_id: self.external_id,
            occurred_at: self.occurred_at,
        })
    }
}

/// The same errors with pointers below `prefix`.
pub(super) fn below(prefix: &str, errors: Vec<FieldError>) -> Vec<FieldError> {
    let one =
        |error: FieldError| FieldError::new(format!("{prefix}{}", error.field), error.message);
    errors.into_iter().map(one).collect()
}
