//! The way out: so many messages at once, so many in a second, through one provider.

use std::fmt::Display;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    Identity, MarketingMail, MessageTemplate, RateLimit, RenderError, Unsubscribe,
    UnsubscribeLinks, Variables,
};
use crate::kernel::EmailAddress;
use crate::providers::email::{EmailProvider, Handover, OutgoingMail};

/// Sends mail for one process. Clones share its sessions.
#[derive(Debug, Clone)]
pub struct Mailer {
    provider: Arc<dyn EmailProvider>,
    slots: Arc<Semaphore>,
    rate: Option<RateLimit>,
    identity: Arc<Identity>,
    links: UnsubscribeLinks,
}

/// The right to send so many messages now; each takes one away.
///
/// A message that has a slot is handed over at once: it waits for no session and no rate. So what is marked as being
/// sent after slots were had is really being sent.
#[derive(Debug)]
pub struct Slots {
    permit: OwnedSemaphorePermit,
}

/// The right to send one message.
#[derive(Debug)]
pub struct Slot {
    _permit: OwnedSemaphorePermit,
}

impl Slots {
    /// How many are left.
    pub fn count(&self) -> usize {
        self.permit.num_permits()
    }

    /// Takes one; none when they are used up.
    pub fn take(&mut self) -> Option<Slot> {
        self.permit.split(1).map(|permit| Slot { _permit: permit })
    }
}

impl Mailer {
    /// A mailer over `provider`, with at most `rate` of the whole fleet.
    pub fn new(
        provider: Arc<dyn EmailProvider>,
        rate: Option<RateLimit>,
        identity: Identity,
        links: UnsubscribeLinks,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(provider.sessions()));
        Self {
            provider,
            slots,
            rate,
            identity: Arc::new(identity),
            links,
        }
    }

    /// Messages that can be handed over at the same time.
    pub fn sessions(&self) -> usize {
        self.provider.sessions()
    }

    /// Who sends.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Makes and reads the links that stop mails.
    pub fn links(&self) -> &UnsubscribeLinks {
        &self.links
    }

    /// Waits for the right to send up to `most` messages: for that many sessions to be free, and for the rate to allow
    /// at least one.
    pub async fn slots(&self, most: usize) -> Slots {
        let most = most.clamp(1, self.sessions());
        let count = u32::try_from(most).unwrap_or(u32::MAX);
        let Ok(permit) = self.slots.clone().acquire_many_owned(count).await else {
            unreachable!("the semaphore is never closed");
        };
        let mut slots = Slots { permit };
        let Some(rate) = &self.rate else { return slots };
        loop {
            let grant = rate.take(count).await;
            if grant.tokens > 0 {
                // those that the rate does not allow go back at once
                drop(
                    slots
                        .permit
                        .split(most.saturating_sub(grant.tokens as usize)),
                );
                return slots;
            }
            tokio::time::sleep(grant.wait).await;
        }
    }

    /// Hands one message over.
    pub async fn send(&self, slot: Slot, mail: &OutgoingMail) -> Handover {
        let end = self.provider.hand_over(mail).await;
        drop(slot);
        end
    }

    /// The mail for one recipient, from a checked template.
    ///
    /// # Errors
    /// If it cannot be rendered or put together with these values.
    pub fn write<I: Display>(
        &self,
        template: &MessageTemplate,
        id: I,
        to: &EmailAddress,
        variables: &Variables,
        now: DateTime<Utc>,
    ) -> Result<OutgoingMail, RenderError> {
        let message = &template.render(variables)?;
        self.identity.compose(&MarketingMail {
            id,
            to,
            message,
            variables,
            now,
        })
    }

    /// The link by which a recipient stops the mails.
    pub fn unsubscribe_url(&self, link: Unsubscribe) -> String {
        self.links.url(link)
    }
}
