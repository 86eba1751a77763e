//! What is shown of verification.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use shared::compliance::Reason;
use shared::verification::Verification;
use utoipa::ToSchema;

/// Every kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verifications)]
pub(super) struct VerificationsView {
    items: Vec<VerificationView>,
}

impl VerificationsView {
    pub(super) fn of(all: Vec<Verification>, in_full: bool) -> Self {
        let items = all
            .into_iter()
            .map(|one| VerificationView::of(one, in_full));
        Self {
            items: items.collect(),
        }
    }
}

/// Where one kind stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KindVerification)]
pub(super) struct VerificationView {
    /// `identity`, `address`, `age`, `bank_account`, `email`, `phone`, `tax` or `business_entity`.
    #[schema(example = "identity")]
    kind: &'static str,
    /// `unverified`, `pending`, `in_review`, `verified`, `rejected`, `expired` or `revoked`.
    #[schema(example = "verified")]
    state: &'static str,
    /// `person` if it serves all creators of the person, `creator` if it is this one's alone.
    holder: &'static str,
    /// Why it is expired: `time` or `changed_on_file`.
    #[schema(example = json!(null))]
    lapse: Option<&'static str>,
    /// The last day on which it counts, in UTC; null if it has no end.
    valid_until: Option<NaiveDate>,
    /// When it was verified.
    verified_at: Option<DateTime<Utc>>,
    /// Why it was rejected or revoked.
    #[schema(example = json!(null))]
    reason: Option<String>,
    /// Of what was rejected: whether another try is welcome.
    #[schema(example = json!(null))]
    resubmittable: Option<bool>,
    /// Grows with each change; 0 as long as nothing was submitted.
    version: i64,
    updated_at: Option<DateTime<Utc>>,
    #[serde(flatten)]
    #[schema(inline)]
    noted: Option<NotedView>,
}

/// What is for staff.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VerificationNotes)]
struct NotedView {
    /// What was submitted or seen.
    #[schema(example = "Passport, Germany, ends in 48X2")]
    evidence: Option<String>,
    /// How it was looked at.
    #[schema(example = "document")]
    method: Option<&'static str>,
    /// Who verified it.
    verified_by: Option<String>,
}

impl VerificationView {
    /// `in_full` is for staff.
    pub(super) fn of(one: Verification, in_full: bool) -> Self {
        Self {
            kind: one.kind.as_str(),
            state: one.state.as_str(),
            holder: one.kind.holder().as_str(),
            lapse: one.lapse.map(|lapse| lapse.as_str()),
            valid_until: one.valid_until,
            verified_at: one.verified_at,
            reason: one.reason,
            resubmittable: one.resubmittable,
            version: one.version,
            updated_at: one.updated_at,
            noted: in_full.then(|| NotedView {
                evidence: one.evidence,
                method: one.method.map(|method| method.as_str()),
                verified_by: one.verified_by,
            }),
        }
    }
}

/// Whether somebody may be paid.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payability)]
pub(super) struct PayabilityView {
    payable: bool,
    /// Everything that keeps them from it; empty if they may be paid.
    reasons: Vec<ReasonView>,
}

/// One reason.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotPayableReason)]
struct ReasonView {
    /// `creator_not_active`, `blocked`, `age_not_verified`, `birth_date_changed`, `underage`, `identity_not_verified`,
    /// `identity_expired` or `identity_changed`.
    #[schema(example = "identity_expired")]
    code: &'static str,
    /// The same for people.
    #[schema(example = "the verification of the identity was valid until 2026-11-01 only")]
    detail: String,
    /// Of `blocked`: what set it.
    #[schema(example = json!(null))]
    source: Option<String>,
}

impl PayabilityView {
    /// To a creator a block is told without what staff wrote about it.
    pub(super) fn of(reasons: &[Reason], in_full: bool) -> Self {
        let told = |reason: &Reason| match reason {
            Reason::Blocked(_) if !in_full => "something stands against it; ask support".to_owned(),
            Reason::Blocked(_)
            | Reason::CreatorUnknown
            | Reason::CreatorNotActive(_)
            | Reason::Age(_)
            | Reason::IdentityNotVerified(_)
            | Reason::IdentityExpired(_)
            | Reason::IdentityChanged => reason.to_string(),
        };
        let views = reasons.iter().map(|reason| ReasonView {
            code: reason.code(),
            detail: told(reason),
            source: reason.source().filter(|_| in_full).map(str::to_owned),
        });
        Self {
            payable: reasons.is_empty(),
            reasons: views.collect(),
        }
    }
}
