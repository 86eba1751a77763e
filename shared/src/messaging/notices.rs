//! Mails about a creator's own account. They need no consent, since nobody can do without them; but nobody is written to
//! at an address that is dead or was erased.

use sqlx::PgConnection;

use super::{Identity, MessagingError, UnsubscribeLinks, store};
use crate::creators::{self, Block, Channel, NotifySuspension};
use crate::kernel::{Ctx, EmailAddress};
use crate::providers::email::{OutgoingMail, PlainMail};

/// The mail that tells a creator of a suspension; none if it does not stand any more, or nobody may be written to. It
/// names no reason: what staff wrote down is not written for them.
///
/// # Errors
/// If the creator is not there, or the mail cannot be put together.
pub async fn suspension_notice(
    conn: &mut PgConnection,
    ctx: &Ctx,
    identity: &Identity,
    links: &UnsubscribeLinks,
    job: &NotifySuspension,
) -> Result<Option<OutgoingMail>, MessagingError> {
    let creator = creators::get(conn, job.creator_id).await?;
    let standing = creators::blocks(conn, ctx, creator.id).await?;
    let block = standing
        .into_iter()
        .find(|block| block.id == job.block_id && block.stands(ctx.now()));
    let Some(block) = block.filter(|_| creator.archived_at.is_none()) else {
        return Ok(None);
    };
    let key = creator.email.to_lowercase();
    let digest = links.digests().of(Channel::Email, &key);
    if store::is_suppressed(conn, &key, &digest).await? {
        return Ok(None);
    }
    let cluster = store::cluster_name(conn, &creator.cluster).await?;
    let to: EmailAddress = creator.email.parse().map_err(|_| MessagingError::Address)?;
    let mail = PlainMail {
        from: &identity.from,
        from_name: &identity.from_name,
        to: &to,
        subject: &format!("Your {cluster} profile is suspended"),
        text: &text(&cluster, &creator.username, &block),
        now: ctx.now(),
    };
    Ok(Some(mail.compose().ok_or(MessagingError::Address)?))
}

fn text(cluster: &str, username: &str, block: &Block) -> String {
    let until = block.ends_at.map_or_else(
        || "It stays so until we lift it.".to_owned(),
        |end| {
            format!(
                "It ends on {} UTC by itself.",
                end.format("%Y-%m-%d at %H:%M")
            )
        },
    );
    format!(
        "Your profile {username} on {cluster} has been suspended since {} UTC. {until}\r\n\r\n\
         While it is suspended you cannot be paid out, and you get no mails of our campaigns. What you earned stays \
         yours.\r\n\r\nIf you do not know why, or think that it is wrong, answer this mail.\r\n",
        block.starts_at.format("%Y-%m-%d at %H:%M"),
    )
}
