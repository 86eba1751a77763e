//! What is asked of verification.

use chrono::NaiveDate;
use serde::Deserialize;
use shared::verification::{NewVerdict, Verdict};
use utoipa::ToSchema;

use crate::error::{Problem, Result};
use crate::fields::Fields;

/// What is handed in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = VerificationSubmission)]
pub(super) struct SubmissionBody {
    /// A reference to it, in 1 to 500 characters: a document, its issuer, a ticket; not the document itself.
    #[schema(example = "Passport, Germany, sent with ticket 4711")]
    pub(super) evidence: String,
}

/// What staff decides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = VerificationDecision)]
pub(super) struct DecisionBody {
    /// `in_review`, `verify`, `reject` or `revoke`.
    #[schema(example = "verify")]
    decision: String,
    /// Of `verify`: `document`, `video_call`, `in_person`, `registry`, `statement`, `message` or `other`.
    #[schema(example = "document")]
    method: Option<String>,
    /// Of `verify`: what was seen, in 1 to 500 characters. No full numbers.
    #[schema(example = "Passport, Germany, ends in 48X2")]
    evidence: Option<String>,
    /// Of `verify`: the last day on which it counts, as the document says; left out if it has no end.
    #[schema(example = "2031-05-06")]
    valid_until: Option<NaiveDate>,
    /// Of `reject` and `revoke`: why, in 1 to 500 characters. The creator may read it.
    #[schema(example = json!(null))]
    reason: Option<String>,
    /// Of `reject`: whether another try is welcome; yes, if it is left out.
    #[schema(example = json!(null))]
    resubmittable: Option<bool>,
}

impl DecisionBody {
    pub(super) fn verdict(self) -> Result<NewVerdict> {
        let mut fields = Fields::default();
        let verdict: Option<Verdict> = fields.parsed("/decision", &self.decision);
        let method = fields.parsed_if("/method", self.method.as_deref());
        fields.finish()?;
        Ok(NewVerdict {
            verdict: verdict.ok_or_else(Problem::internal)?,
            evidence: self.evidence,
            method,
            valid_until: self.valid_until,
            reason: self.reason,
            resubmittable: self.resubmittable,
        })
    }
}
