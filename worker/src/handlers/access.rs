//! Access: the mails by which people set their passwords.

use shared::access::SendPasswordMail;
use shared::providers::email::Handover;
use shared::queue::{Done, Failure, Next, Outcome};

use super::follow;
use crate::job_cx::JobCx;
use crate::registry::Registry;

pub(super) fn register(registry: Registry) -> Registry {
    registry.on::<SendPasswordMail, _, _>(send)
}

async fn send(job: SendPasswordMail, cx: JobCx) -> Outcome {
    let mailer = &cx.app.sender.mailer;
    let mut slots = mailer.slots(1).await;
    cx.ensure_live()?;
    let (sender, public_url) = (&cx.app.email, &cx.app.public_url);
    let ctx = cx.ctx();
    let access = &cx.app.access;
    let mail = access
        .write_password_mail(&ctx, &job, sender, public_url)
        .await;
    let (Some(mail), Some(slot)) = (mail.map_err(follow)?, slots.take()) else {
        // nobody who may log in has this address, which nobody is told
        return Ok(Done::NOTHING);
    };
    match mailer.send(slot, &mail).await {
        // it may have arrived; a second one would only confuse, and who got none asks again
        Handover::Accepted | Handover::Unknown { .. } => Ok(Done::NOTHING),
        Handover::Refused { reply, .. } => Err(Failure::told(Next::Fail, reply)),
        Handover::Deferred { reply } => Err(Failure::told(Next::Retry(None), reply)),
        Handover::Unreachable { why } => Err(Failure::told(Next::Retry(None), why)),
    }
}
