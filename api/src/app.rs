//! What every handler can reach.

use std::sync::Arc;

use secrecy::ExposeSecret;
use shared::access::{Access, Tokens, WebSessions};
use shared::config::Config;
use shared::kernel::{Clock, Db, PgPool, connect_lazy};
use shared::messaging::UnsubscribeLinks;
use shared::payouts::Carriers;
use shared::queue::feed::EventFeed;
use shared::queue::sample::Sampler;
use shared::queue::{Catalog, Signals};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::pages::Looks;

/// Connections that watch events at the same time, in one process.
pub const WATCHERS_MAX: usize = 500;

/// The application's state; clones share it.
#[derive(Debug, Clone)]
pub struct App {
    /// The database, and the signals that tell of new jobs.
    pub db: Db,
    /// Redis: ready lists and events.
    pub signals: Signals,
    /// Every kind of job.
    pub catalog: Arc<Catalog>,
    /// Looks at the whole queue.
    pub sampler: Arc<Sampler>,
    /// What the operators' pages look at.
    pub looks: Looks,
    /// What happens in the queue, for those who watch.
    pub feed: EventFeed,
    /// Places for those who watch.
    pub watchers: Arc<Semaphore>,
    /// Fires when this process stops; what would go on for ever ends then.
    pub stop: CancellationToken,
    /// What Prometheus is told.
    pub metrics: Metrics,
    /// Makes and reads access tokens.
    pub tokens: Tokens,
    /// Logging in, sessions and keys.
    pub access: Access,
    /// The sessions of web pages.
    pub web: WebSessions,
    /// Carry money to creators.
    pub carriers: Carriers,
    /// Reads the links that stop mails.
    pub links: UnsubscribeLinks,
    /// Tells the time.
    pub clock: Clock,
    /// The configuration.
    pub config: Arc<Config>,
}

impl App {
    /// An application over what `config` names; connects when first used.
    ///
    /// # Errors
    /// If an address in the configuration cannot be used.
    pub fn new(config: Config) -> anyhow::Result<Self> {
        let signals = Signals::new(config.redis_url.expose_secret())?;
        let pool = connect_lazy(&config.database, "creator-crm api")?;
        Ok(Self::over(
            pool,
            signals,
            shared::job_kinds::catalog(),
            config,
        ))
    }

    /// An application over connections and job kinds of the caller's.
    pub fn over(pool: PgPool, signals: Signals, catalog: Catalog, config: Config) -> Self {
        let (db, catalog) = (Db::new(pool, Some(signals.clone())), Arc::new(catalog));
        Self {
            sampler: Arc::new(Sampler::new(
                db.clone(),
                signals.ready.clone(),
                catalog.clone(),
            )),
            looks: Looks::default(),
            feed: EventFeed::new(&signals.ready),
            watchers: Arc::new(Semaphore::new(WATCHERS_MAX)),
            stop: CancellationToken::new(),
            metrics: Metrics::new(&signals),
            access: Access::new(db.clone(), &config.secrets, config.second_factor),
            web: WebSessions::new(signals.ready.connection()),
            db,
            signals,
            catalog,
            tokens: Tokens::new(&config.secrets),
            carriers: Carriers::connect(&config.payouts, config.secrets.encryption.expose_secret()),
            links: UnsubscribeLinks::new(
                config.secrets.encryption.expose_secret(),
                &config.http.public_url,
            ),
            clock: Clock::system(),
            config: Arc::new(config),
        }
    }
}
