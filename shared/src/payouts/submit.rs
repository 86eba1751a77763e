//! Handing payouts over, and asking what became of them.
//!
//! The provider is called between two transactions: the first says that it is about to be, the second what it answered. Who
//! dies in between leaves a payout that is `submitted` without an answer; it becomes `unknown` and is asked about.

use chrono::{DateTime, Duration, Utc};
use sqlx::PgConnection;

use super::eligibility::standing;
use super::{
    AskPayout, Carriers, DestinationState, Payee, Payout, PayoutError, PayoutId, PayoutState,
    SubmitPayout, report, step, store,
};
use crate::kernel::{Ctx, Db, Reach, TypedId};
use crate::providers::payout::{
    Asked, Destination as Wallet, Instruction, InstructionId, OnUnknown, Order, PaymentOrder,
    PayoutProvider, Submission,
};
use crate::queue::enqueue;

/// How long a handing over may take before nobody waits for its answer any more: longer than the job may run.
const ANSWER_WITHIN: Duration = Duration::minutes(5);
/// How long something that was handed over may take to show up at the provider.
const SHOWS_WITHIN: Duration = Duration::minutes(15);
/// Before it is tried again after a refusal for the moment, unless the provider says how long.
const AGAIN_AFTER: Duration = Duration::minutes(15);
/// How often a payout is handed over at the most, before somebody has to look.
const SUBMISSIONS_MAX: i32 = 12;
/// Questions come at a quarter of the time that a payout is under way, within these bounds.
const ASK_AFTER: (Duration, Duration) = (Duration::minutes(1), Duration::hours(6));

/// What a handing over or a question led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The payout stands here now.
    Stands(PayoutState),
    /// There was nothing to do: somebody else has done it, or the payout has ended.
    Nothing,
}

/// Hands a payout to its provider, if it is to go out and nothing stands against it.
///
/// # Errors
/// If nobody carries the method's money, or the database refuses; whatever had begun is found by the sweep.
pub async fn submit(
    db: &Db,
    ctx: &Ctx,
    carriers: &Carriers,
    job: &SubmitPayout,
) -> Result<Step, PayoutError> {
    let mut tx = db.begin().await?;
    let Some(mut payout) = store::payouts::lock(&mut tx, Reach::ALL, job.payout_id).await? else {
        return Err(PayoutError::NotFound(job.payout_id));
    };
    let is_next = payout.submissions + 1 == job.submission;
    if payout.state == PayoutState::Submitted && payout.submissions == job.submission {
        // an earlier run of this job called the provider, or was about to, and did not live to say how it went
        lose(
            &mut tx,
            ctx,
            &mut payout,
            "nobody noted the provider's answer",
        )
        .await?;
        enqueue(
            &mut tx,
            ctx,
            &AskPayout {
                payout_id: payout.id,
            },
        )
        .await?;
        db.commit(tx, ctx).await?;
        return Ok(Step::Stands(payout.state));
    }
    if payout.state != PayoutState::Scheduled || !is_next {
        return Ok(Step::Nothing);
    }
    if let Some(why) = why_not(&mut tx, ctx, &payout).await? {
        payout.attention = Some(why.clone());
        step::go(
            &mut tx,
            ctx,
            &mut payout,
            PayoutState::ComplianceHold,
            Some(&why),
        )
        .await?;
        db.commit(tx, ctx).await?;
        return Ok(Step::Stands(payout.state));
    }
    let provider = carriers.of(payout.method)?;
    let instruction = instruct(&mut tx, carriers, &payout).await?;
    begin(&mut tx, ctx, &mut payout, provider.name()).await?;
    db.commit(tx, ctx).await?;
    hand_over(db, ctx, provider.as_ref(), &payout, &instruction).await
}

/// Why a payout that was approved must not go out after all.
async fn why_not(
    conn: &mut PgConnection,
    ctx: &Ctx,
    payout: &Payout,
) -> Result<Option<String>, PayoutError> {
    let reasons = standing(conn, ctx, payout.creator).await?;
    if !reasons.is_empty() {
        let said: Vec<&str> = reasons
            .iter()
            .map(|reason| reason.message.as_str())
            .collect();
        return Ok(Some(said.join("; ")));
    }
    let destination = store::destinations::find(conn, payout.destination).await?;
    if destination.is_none_or(|to| to.state != DestinationState::Verified) {
        return Ok(Some("the destination is not verified any more".to_owned()));
    }
    let approvals = store::approvals::of_payout(conn, payout.id).await?;
    let counting = approvals.iter().filter(|approval| approval.counts).count();
    let enough = counting >= usize::try_from(payout.approvals_needed).unwrap_or(usize::MAX);
    Ok((!enough).then(|| "too few people have approved it".to_owned()))
}

/// What the provider is told: the same for as long as the payout lives.
async fn instruct(
    conn: &mut PgConnection,
    carriers: &Carriers,
    payout: &Payout,
) -> Result<Instruction, PayoutError> {
    let to = open(conn, carriers, payout).await?;
    Ok(Instruction {
        id: InstructionId::from(payout.id.uuid()),
        order: Order::Payment(PaymentOrder {
            amount: payout.net(),
            to,
            note: format!("Payout {}", payout.id),
        }),
    })
}

async fn open(
    conn: &mut PgConnection,
    carriers: &Carriers,
    payout: &Payout,
) -> Result<Wallet, PayoutError> {
    let id = payout.destination;
    let sealed = store::destinations::sealed(conn, id).await?;
    let sealed = sealed.ok_or(PayoutError::NoDestination(id))?;
    let plain = carriers.sealer.open(&id.to_string(), &sealed)?;
    let payee: Payee = serde_json::from_slice(&plain)
        .map_err(|error| sqlx::Error::Decode(format!("{id}: {error}").into()))?;
    payee
        .account
        .wallet()
        .ok_or(PayoutError::NoProvider(payout.method))
}

/// Notes that the provider is about to be called.
async fn begin(
    conn: &mut PgConnection,
    ctx: &Ctx,
    payout: &mut Payout,
    provider: &str,
) -> Result<(), PayoutError> {
    payout.submissions += 1;
    payout.handed_over_at = Some(ctx.now());
    payout.first_handed_at.get_or_insert(ctx.now());
    payout.provider = Some(provider.to_owned());
    // if nobody notes the answer
    payout.next_step_at = Some(ctx.now() + ANSWER_WITHIN);
    step::go(conn, ctx, payout, PayoutState::Submitted, None).await
}

/// Calls the provider and notes what it answered.
async fn hand_over(
    db: &Db,
    ctx: &Ctx,
    provider: &dyn PayoutProvider,
    payout: &Payout,
    instruction: &Instruction,
) -> Result<Step, PayoutError> {
    let answer = provider.submit(instruction, ctx.now()).await;
    let mut tx = db.begin().await?;
    let stands = note_answer(&mut tx, ctx, payout.id, payout.submissions, answer).await?;
    db.commit(tx, ctx).await?;
    Ok(stands)
}

/// Notes what the provider answered to a handing over. An answer that comes after somebody gave up waiting for it counts
/// only if it says that the provider has the payout.
async fn note_answer(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PayoutId,
    submission: i32,
    answer: Submission,
) -> Result<Step, PayoutError> {
    let Some(mut payout) = store::payouts::lock(conn, Reach::ALL, id).await? else {
        return Err(PayoutError::NotFound(id));
    };
    let waited_for = payout.state == PayoutState::Submitted && payout.submissions == submission;
    if let Submission::Accepted { reference } = answer {
        return accepted(conn, ctx, &mut payout, reference).await;
    }
    if !waited_for {
        return Ok(Step::Nothing);
    }
    payout.handed_over_at = None;
    // what an earlier handing over came to is still not known: this one's refusal says nothing about it
    let was_lost = payout.was_lost;
    match answer {
        Submission::Unknown { why } => lose(conn, ctx, &mut payout, &why).await?,
        Submission::Refused { refusal, .. } if was_lost => {
            lose(conn, ctx, &mut payout, &refusal.message).await?;
        }
        Submission::NotSent { why, .. } if was_lost => lose(conn, ctx, &mut payout, &why).await?,
        Submission::Refused { refusal, is_final } => {
            payout.failure_code = Some(refusal.code);
            payout.failure_message = Some(refusal.message.clone());
            if is_final {
                let why = Some(refusal.message.as_str());
                step::go(conn, ctx, &mut payout, PayoutState::Failed, why).await?;
            } else {
                again(conn, ctx, &mut payout, AGAIN_AFTER, &refusal.message).await?;
            }
        }
        Submission::NotSent { why, retry_after } => {
            let wait = retry_after.and_then(|wait| Duration::from_std(wait).ok());
            again(conn, ctx, &mut payout, wait.unwrap_or(AGAIN_AFTER), &why).await?;
        }
        Submission::Accepted { .. } => {}
    }
    Ok(Step::Stands(payout.state))
}

async fn accepted(
    conn: &mut PgConnection,
    ctx: &Ctx,
    payout: &mut Payout,
    reference: String,
) -> Result<Step, PayoutError> {
    payout.handed_over_at = None;
    payout.reference = Some(reference);
    if matches!(payout.state, PayoutState::Submitted | PayoutState::Unknown) {
        payout.was_lost = false;
        payout.attention = None;
        payout.next_step_at = Some(next_question(payout, ctx.now()));
        step::go(conn, ctx, payout, PayoutState::InTransit, None).await?;
    } else {
        // a report was faster than the answer; or somebody has given up, and must know
        if !payout.state.is_held() && payout.completed_at.is_none() {
            let state = payout.state;
            payout.attention = Some(format!("the provider has it, and here it is {state}"));
        }
        store::payouts::update(conn, ctx, payout).await?;
    }
    Ok(Step::Stands(payout.state))
}

/// Nobody knows whether the provider has it: it is asked soon.
async fn lose(
    conn: &mut PgConnection,
    ctx: &Ctx,
    payout: &mut Payout,
    why: &str,
) -> Result<(), PayoutError> {
    payout.was_lost = true;
    payout.handed_over_at = None;
    payout.next_step_at = Some(ctx.now() + ASK_AFTER.0);
    step::go(conn, ctx, payout, PayoutState::Unknown, Some(&cut(why))).await
}

/// Nothing was handed over: it goes out later, unless that has been tried for long enough.
async fn again(
    conn: &mut PgConnection,
    ctx: &Ctx,
    payout: &mut Payout,
    wait: Duration,
    why: &str,
) -> Result<(), PayoutError> {
    let why = cut(why);
    if payout.submissions >= SUBMISSIONS_MAX {
        payout.failure_message = Some(why.clone());
        return step::go(conn, ctx, payout, PayoutState::Failed, Some(&why)).await;
    }
    payout.next_step_at = Some(ctx.now() + wait);
    step::go(conn, ctx, payout, PayoutState::Scheduled, Some(&why)).await
}

/// A reason's length at the most.
fn cut(why: &str) -> String {
    why.chars().take(super::REASON_MAX_CHARS).collect()
}

fn next_question(payout: &Payout, now: DateTime<Utc>) -> DateTime<Utc> {
    let under_way = now - payout.first_handed_at.unwrap_or(now);
    now + (under_way / 4).clamp(ASK_AFTER.0, ASK_AFTER.1)
}

/// Asks the provider what became of a payout, if that is still open. What the provider has never seen is handed over
/// again, under its own id, once it had the time to show up.
///
/// # Errors
/// If nobody carries the method's money, or the database refuses.
pub async fn ask(
    db: &Db,
    ctx: &Ctx,
    carriers: &Carriers,
    id: PayoutId,
) -> Result<Step, PayoutError> {
    let mut tx = db.begin().await?;
    let Some(mut payout) = store::payouts::lock(&mut tx, Reach::ALL, id).await? else {
        return Err(PayoutError::NotFound(id));
    };
    let is_waited_for = payout
        .handed_over_at
        .is_some_and(|since| ctx.now() - since < ANSWER_WITHIN);
    match payout.state {
        PayoutState::Submitted if is_waited_for => return Ok(Step::Nothing),
        PayoutState::Submitted => {
            lose(
                &mut tx,
                ctx,
                &mut payout,
                "nobody noted the provider's answer",
            )
            .await?;
        }
        PayoutState::Unknown | PayoutState::InTransit => {}
        PayoutState::Requested
        | PayoutState::ComplianceHold
        | PayoutState::AwaitingApproval
        | PayoutState::Approved
        | PayoutState::Scheduled
        | PayoutState::Batched
        | PayoutState::Completed
        | PayoutState::Rejected
        | PayoutState::Cancelled
        | PayoutState::Failed
        | PayoutState::Returned
        | PayoutState::Reversed
        | PayoutState::Expired => return Ok(Step::Nothing),
    }
    let provider = carriers.of(payout.method)?;
    payout.next_step_at = Some(next_question(&payout, ctx.now()));
    store::payouts::update(&mut tx, ctx, &payout).await?;
    let instruction = instruct(&mut tx, carriers, &payout).await?;
    db.commit(tx, ctx).await?;
    if let (PayoutState::Unknown, OnUnknown::SubmitAgainWithSameId { within }) =
        (payout.state, provider.on_unknown())
    {
        return insist(db, ctx, provider.as_ref(), payout.id, &instruction, within).await;
    }
    let reference = payout.reference.as_deref();
    match provider.ask(&instruction.id, reference, ctx.now()).await {
        Asked::Known(told) => {
            let mut tx = db.begin().await?;
            let applied = report::apply(&mut tx, ctx, id, &told).await?;
            db.commit(tx, ctx).await?;
            Ok(Step::Stands(applied.state))
        }
        Asked::NeverSeen => {
            let forever = std::time::Duration::from_secs(u64::from(u32::MAX));
            let since = payout.first_handed_at.unwrap_or(payout.requested_at);
            if payout.state == PayoutState::Unknown && ctx.now() - since >= SHOWS_WITHIN {
                return insist(db, ctx, provider.as_ref(), id, &instruction, forever).await;
            }
            Ok(Step::Stands(payout.state))
        }
        Asked::NoAnswer { why } => {
            tracing::info!(payout = %id, why, "the provider did not answer what became of a payout");
            Ok(Step::Stands(payout.state))
        }
    }
}

/// Hands the same instruction over again under the same id, as long as the provider remembers ids.
async fn insist(
    db: &Db,
    ctx: &Ctx,
    provider: &dyn PayoutProvider,
    id: PayoutId,
    instruction: &Instruction,
    within: std::time::Duration,
) -> Result<Step, PayoutError> {
    let mut tx = db.begin().await?;
    let Some(mut payout) = store::payouts::lock(&mut tx, Reach::ALL, id).await? else {
        return Err(PayoutError::NotFound(id));
    };
    if payout.state != PayoutState::Unknown {
        return Ok(Step::Nothing);
    }
    let since = payout.first_handed_at.unwrap_or(payout.requested_at);
    let remembered = Duration::from_std(within).unwrap_or(Duration::MAX);
    if ctx.now() - since >= remembered || payout.submissions >= SUBMISSIONS_MAX {
        payout.next_step_at = None;
        payout.attention = Some(
            "nobody knows whether the provider has it, and it cannot be asked any more: look at its statement and decide"
                .to_owned(),
        );
        store::payouts::update(&mut tx, ctx, &payout).await?;
        db.commit(tx, ctx).await?;
        return Ok(Step::Stands(payout.state));
    }
    begin(&mut tx, ctx, &mut payout, provider.name()).await?;
    db.commit(tx, ctx).await?;
    hand_over(db, ctx, provider, &payout, instruction).await
}
