//! Every kind of job there is, on one page: what `GET /api/job-kinds` publishes and what workers can be given.

use crate::access::SendPasswordMail;
use crate::campaigns::{FinishCampaign, LaunchCampaign, SendDeliveries};
use crate::creators::{CreatorBulkWork, LiftSuspension, NotifySuspension};
use crate::earnings::{ConvertEarnings, MatureEarnings};
use crate::exports::ExportWork;
use crate::files::PurgeFiles;
use crate::fx::ImportRates;
use crate::imports::ImportWork;
use crate::ledger::{CheckLedger, ExpireHolds, MakePartitions};
use crate::onboarding::SweepOnboarding;
use crate::payouts::{
    AskPayout, BatchPayouts, MatchStatement, ReadStatements, RunPayouts, SubmitPayout, SweepPayouts,
};
use crate::privacy::{ErasePerson, ExportPerson, RemoveRetained};
use crate::queue::Catalog;
use crate::queue::bulk::BulkWork;
use crate::tasks::RemindTask;
use crate::tiers::{EndTierOverride, EvaluateTier, RecalculateTiers};
use crate::verification::ExpireVerifications;

/// The catalogue of this version. A kind that was once in here stays: stored jobs name it.
pub fn catalog() -> Catalog {
    Catalog::default()
        .with::<BulkWork>()
        .with::<LiftSuspension>()
        .with::<NotifySuspension>()
        .with::<CreatorBulkWork>()
        .with::<RecalculateTiers>()
        .with::<EvaluateTier>()
        .with::<EndTierOverride>()
        .with::<LaunchCampaign>()
        .with::<SendDeliveries>()
        .with::<FinishCampaign>()
        .with::<SweepOnboarding>()
        .with::<RemindTask>()
        .with::<ExportPerson>()
        .with::<ErasePerson>()
        .with::<RemoveRetained>()
        .with::<SendPasswordMail>()
        .with::<ImportWork>()
        .with::<ExportWork>()
        .with::<PurgeFiles>()
        .with::<ImportRates>()
        .with::<MatureEarnings>()
        .with::<ConvertEarnings>()
        .with::<CheckLedger>()
        .with::<ExpireHolds>()
        .with::<MakePartitions>()
        .with::<ExpireVerifications>()
        .with::<SubmitPayout>()
        .with::<AskPayout>()
        .with::<SweepPayouts>()
        .with::<RunPayouts>()
        .with::<BatchPayouts>()
        .with::<MatchStatement>()
        .with::<ReadStatements>()
}
