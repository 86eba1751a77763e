//! A creator as the API shows it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::access::PersonalField;
use shared::creators::{AgeDecision, AgeVerdict, Consent, CreatorId, PersonId, Profile, Sibling};
use shared::kernel::{Ctx, TypedId};
use utoipa::ToSchema;

/// A creator.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Creator)]
pub(super) struct CreatorView {
    #[schema(value_type = String, example = "creator_0192f0c1a2b37c4d8e5f60718293a4b5")]
    id: CreatorId,
    /// The person behind, who may be other creators too.
    #[schema(value_type = String, example = "person_0192f0c1a2b37c4d8e5f60718293a4b5")]
    person_id: PersonId,
    cluster_id: String,
    /// Masked, unless it is the caller's own.
    #[schema(example = "c***@example.com")]
    email: String,
    username: String,
    /// Masked, unless it is the caller's own.
    #[schema(example = "***23")]
    phone: Option<String>,
    display_name: Option<String>,
    first_name: Option<String>,
    /// Other stage names, present and former.
    aliases: Vec<String>,
    /// Names on other platforms, by platform.
    handles: BTreeMap<String, String>,
    #[schema(example = "pending_verification")]
    status: &'static str,
    status_since: DateTime<Utc>,
    #[schema(example = "newcomer")]
    tier: &'static str,
    tier_since: DateTime<Utc>,
    verification: VerificationView,
    time_zone: Option<String>,
    /// Who of the staff looks after them.
    owner: Option<String>,
    /// What they said last about each channel; channels never spoken of are absent.
    consents: Vec<ConsentView>,
    /// The same person on other clusters.
    other_profiles: Vec<SiblingView>,
    /// When they were last seen on their cluster; null if nobody told us.
    last_active_at: Option<DateTime<Utc>>,
    /// Since when they are out of lists, mails and tiers.
    archived_at: Option<DateTime<Utc>>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl CreatorView {
    /// The profile as `caller` may see it.
    pub(super) fn of(profile: Profile, caller: &Ctx) -> Self {
        let Profile {
            creator,
            consents,
            siblings,
            age,
        } = profile;
        let phone = creator.phone.as_deref();
        let (email, phone) = contact(caller, creator.id, &creator.email, phone);
        Self {
            id: creator.id,
            person_id: creator.person,
            cluster_id: creator.cluster,
            email,
            username: creator.username,
            phone,
            display_name: creator.display_name,
            first_name: creator.first_name,
            aliases: creator.aliases,
            handles: creator.handles,
            status: creator.status.as_str(),
            status_since: creator.status_since,
            tier: creator.tier.as_str(),
            tier_since: creator.tier_since,
            verification: VerificationView::from(age),
            time_zone: creator.time_zone,
            owner: creator.owner,
            consents: consents.into_iter().map(ConsentView::from).collect(),
            other_profiles: siblings.into_iter().map(SiblingView::from).collect(),
            last_active_at: creator.last_active_at,
            archived_at: creator.archived_at,
            version: creator.version,
            created_at: creator.created_at,
            updated_at: creator.updated_at,
        }
    }
}

/// Address and number as `caller` may see them: masked unless they are their own. See `POST …/reveal`.
fn contact(
    caller: &Ctx,
    id: CreatorId,
    email: &str,
    phone: Option<&str>,
) -> (String, Option<String>) {
    let (actor, owner) = (&caller.actor, id.uuid());
    (
        PersonalField::Email.shown(actor, owner, email),
        phone.map(|phone| PersonalField::Phone.shown(actor, owner, phone)),
    )
}

/// What is proven about the person; kinds that are not built yet are absent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Verification)]
struct VerificationView {
    /// `unverified`, `verified` or `revoked`.
    age: &'static str,
    /// When that was decided.
    age_decided_at: Option<DateTime<Utc>>,
}

impl From<Option<AgeDecision>> for VerificationView {
    fn from(decision: Option<AgeDecision>) -> Self {
        Self {
            age: match decision.as_ref().map(|decision| decision.verdict) {
                None => "unverified",
                Some(verdict @ (AgeVerdict::Verified | AgeVerdict::Revoked)) => verdict.as_str(),
            },
            age_decided_at: decision.map(|decision| decision.decided_at),
        }
    }
}

/// Another creator of the same person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OtherProfile)]
struct SiblingView {
    #[schema(value_type = String)]
    id: CreatorId,
    cluster_id: String,
    username: String,
    status: &'static str,
}

impl From<Sibling> for SiblingView {
    fn from(sibling: Sibling) -> Self {
        Self {
            id: sibling.id,
            cluster_id: sibling.cluster,
            username: sibling.username,
            status: sibling.status.as_str(),
        }
    }
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
