//! Access: the mails by which people set their passwords.

use shared::access::SendPasswordMail;
use shared::queue::{Done, Outcome};

use super::{follow, told};
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
    told(mailer.send(slot, &mail).await)
}
