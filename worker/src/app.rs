//! What every handler may use.

use std::sync::Arc;

use secrecy::ExposeSecret;
use shared::access::Access;
use shared::campaigns::{SendPolicy, Sender};
use shared::config::{CampaignConfig, Config, EmailConfig, FxConfig};
use shared::kernel::{Clock, Db};
use shared::messaging::{Identity, Mailer, RateLimit, UnsubscribeLinks};
use shared::payouts::Carriers;
use shared::providers::email::{SmtpOptions, SmtpProvider};
use shared::providers::fx::{RatePublisher, ReferenceRates};
use shared::queue::Catalog;
use url::Url;

/// The process's shared parts, as handlers see them.
#[derive(Debug)]
pub struct App {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Every kind of job.
    pub catalog: Catalog,
    /// Limits of campaigns.
    pub campaigns: CampaignConfig,
    /// Sends the mails of campaigns.
    pub sender: Sender,
    /// Writes the mails by which people set their passwords.
    pub access: Access,
    /// Who mails come from.
    pub email: EmailConfig,
    /// What links in mails begin with.
    pub public_url: Url,
    /// Carry money to creators.
    pub carriers: Carriers,
    /// Publishes exchange rates.
    pub rates: Arc<dyn RatePublisher>,
}

impl App {
    /// What `config` says, over a database. The mail server is connected to when the first mail is sent.
    ///
    /// # Errors
    /// If the mail server's URL cannot be used.
    pub fn new(db: Db, clock: Clock, config: &Config) -> anyhow::Result<Self> {
        let policy = SendPolicy::with_retries(config.campaigns.retry_attempts);
        let sender = Sender {
            db: db.clone(),
            mailer: mailer(&db, config)?,
            policy,
        };
        Ok(Self {
            access: Access::new(db.clone(), &config.secrets, config.second_factor),
            email: config.email.clone(),
            public_url: config.http.public_url.clone(),
            carriers: Carriers::connect(&config.payouts, config.secrets.encryption.expose_secret()),
            rates: Arc::new(rates(&config.fx)),
            db,
            clock,
            catalog: shared::job_kinds::catalog(),
            campaigns: config.campaigns,
            sender,
        })
    }
}

fn rates(config: &FxConfig) -> ReferenceRates {
    let FxConfig {
        daily,
        recent,
        history,
    } = config.clone();
    ReferenceRates::new(daily, recent, history)
}

fn mailer(db: &Db, config: &Config) -> anyhow::Result<Mailer> {
    let options = SmtpOptions {
        sessions: config.email.sessions.into(),
        ..SmtpOptions::default()
    };
    let provider = SmtpProvider::new(&config.email.smtp_url, &options)?;
    let rate = config
        .email
        .rate_per_second
        .zip(db.signals())
        .map(|(per_second, signals)| RateLimit::new(&signals.ready, per_second));
    let identity = Identity {
        from: config.email.from.clone(),
        from_name: config.email.from_name.clone(),
        postal_address: config.email.postal_address.clone(),
        public_url: config.http.public_url.clone(),
    };
    let key = config.secrets.encryption.expose_secret();
    let links = UnsubscribeLinks::new(key, &config.http.public_url);
    Ok(Mailer::new(Arc::new(provider), rate, identity, links))
}
