//! The subcommands.

use std::net::SocketAddr;
use std::time::Duration;

use api::app::App;
use api::{metrics, router, serve};
use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use secrecy::{ExposeSecret, SecretString};
use shared::access::{self, Grant, NewUser, Tokens};
use shared::config::Config;
use shared::kernel::{Actor, Classify, Clock, Ctx, EmailAddress, MIGRATIONS, Role};
use shared::queue::installation;
use shared::seed::{self, Detail, Plan};
use shared::standing_schedules;
use tokio::task::JoinSet;

/// CreatorCRM's HTTP service.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve HTTP on HOST and PORT (what happens without a subcommand)
    Serve,
    /// Bring the database up to date
    Migrate,
    /// Print an access token
    Token {
        /// A role it grants; repeat for several
        #[arg(long = "role", required = true)]
        roles: Vec<Role>,
        /// Who it is for
        #[arg(long, default_value = "operator")]
        subject: String,
        /// How long it lives, in minutes
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
        ttl_minutes: u32,
    },
    /// Make up creators for demonstrations: always the same ones, with addresses that belong to nobody
    Seed(SeedOptions),
    /// Add a user who may log in
    UserAdd {
        /// What they log in with
        #[arg(long)]
        email: EmailAddress,
        /// What they are called
        #[arg(long, default_value = "Operator")]
        name: String,
        /// A role they have; repeat for several
        #[arg(long = "role", required = true)]
        roles: Vec<Role>,
        /// The only cluster they may know of; repeat for several, leave it out for all
        #[arg(long = "cluster")]
        clusters: Vec<String>,
        /// Read their password from the first line of the standard input, instead of making one up and printing it
        #[arg(long)]
        password_stdin: bool,
    },
    /// Say that DATABASE_URL, a restored or moved copy, is the database to work for from now on; until then workers run
    /// nothing in a copy, so that no mail is sent twice
    RestoreAccept,
    /// Print the OpenAPI document
    Openapi,
}

/// What to make up.
#[derive(Debug, Args)]
struct SeedOptions {
    /// How many creators; exactly the same again changes nothing
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(..=i64::from(seed::CREATORS_MAX)))]
    creators: u32,
    /// Where all chance comes from: the same number and the same day make the same rows
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The day up to which two years are made up; if not given, that of the population that is there, else today
    #[arg(long)]
    as_of: Option<NaiveDate>,
    /// `core`: only people, creators, their history and daily earnings; `everything`; `ledger`: earnings one by one and what
    /// the ledger has of them besides. If not given, `ledger` up to 10,000 creators, `everything` up to 100,000
    #[arg(long, value_parser = |word: &str| word.parse::<Detail>().map_err(|error| error.to_string()))]
    detail: Option<Detail>,
}

impl Cli {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self.command.unwrap_or(Command::Serve) {
            Command::Serve => serve_http(Config::from_env()?).await,
            Command::Migrate => migrate(Config::from_env()?).await,
            Command::Token {
                roles,
                subject,
                ttl_minutes,
            } => {
                let ttl = Duration::from_secs(u64::from(ttl_minutes) * 60);
                println!(
                    "{}",
                    Tokens::new(&Config::from_env()?.secrets).issue(
                        &subject,
                        &roles,
                        Clock::system().now(),
                        ttl
                    )
                );
                Ok(())
            }
            Command::Seed(options) => seed(Config::from_env()?, options).await,
            Command::UserAdd {
                email,
                name,
                roles,
                clusters,
                password_stdin,
            } => {
                let clusters = Some(clusters).filter(|clusters| !clusters.is_empty());
                let creator = None;
                let grant = Grant {
                    roles,
                    clusters,
                    creator,
                };
                let new = NewUser { email, name, grant };
                add_user(Config::from_env()?, new, password_stdin).await
            }
            Command::RestoreAccept => restore_accept(Config::from_env()?).await,
            Command::Openapi => {
                println!("{}", router::document().to_pretty_json()?);
                Ok(())
            }
        }
    }
}

async fn seed(config: Config, options: SeedOptions) -> anyhow::Result<()> {
    anyhow::ensure!(
        !config.is_production(),
        "made-up creators do not belong among real ones: NODE_ENV is production"
    );
    let app = App::new(config)?;
    let there = seed::standing(&mut *app.db.pool().acquire().await?).await?;
    let today = app.clock.now().date_naive();
    let as_of = options.as_of.or(there.map(|plan| plan.as_of));
    let mut plan = Plan::lifelike(options.creators, as_of.unwrap_or(today));
    plan.seed = options.seed;
    plan.detail = options.detail.unwrap_or(plan.detail);
    let bar = ProgressBar::new(plan.creators.into());
    bar.set_style(ProgressStyle::with_template(
        "{bar:40.green} {pos}/{len} creators  {elapsed}  {msg}",
    )?);
    let ctx = Ctx::new(Actor::System, &app.clock);
    let progress = |stored| {
        bar.set_position(stored);
        if stored == u64::from(options.creators) {
            bar.set_message("indexes and statistics");
        }
    };
    let made = seed::populate(app.db.pool(), &ctx, &plan, progress).await?;
    bar.finish_and_clear();
    println!(
        "{made} new creators, {} in all, with {} of two years up to {} (seed {})",
        plan.creators, plan.detail, plan.as_of, plan.seed
    );
    Ok(())
}

async fn migrate(config: Config) -> anyhow::Result<()> {
    let app = App::new(config)?;
    MIGRATIONS.run(app.db.pool()).await?;
    let ctx = Ctx::new(Actor::System, &app.clock);
    let mut tx = app.db.begin().await?;
    let schedules = standing_schedules::ensure(&mut tx, &ctx, &app.catalog).await?;
    app.db.commit(tx, &ctx).await?;
    tracing::info!(
        migrations = MIGRATIONS.iter().count(),
        new_schedules = schedules,
        "the database is up to date"
    );
    Ok(())
}

async fn add_user(config: Config, new: NewUser, password_stdin: bool) -> anyhow::Result<()> {
    let app = App::new(config)?;
    let password = if password_stdin {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        SecretString::from(line.trim_end_matches(['\r', '\n']))
    } else {
        access::made_up_password()
    };
    let ctx = Ctx::new(Actor::System, &app.clock);
    let added = app.access.add_user(&ctx, new, Some(password.clone())).await;
    let user = added.map_err(|error| {
        let fields = error.fields().into_iter();
        let fields: Vec<_> = fields
            .map(|f| format!("{}: {}", f.field, f.message))
            .collect();
        anyhow::Error::new(error).context(fields.join("; "))
    })?;
    println!("{} {}", user.id, user.email);
    if !password_stdin {
        println!("password, shown this once: {}", password.expose_secret());
    }
    Ok(())
}

/// Makes the first admin that the configuration names, if there is no user yet.
async fn first_admin(app: &App) {
    let Some(first) = app.config.first_admin.clone() else {
        return;
    };
    let ctx = Ctx::new(Actor::System, &app.clock);
    let made = app
        .access
        .add_first_admin(&ctx, first.email, first.password);
    match made.await {
        Ok(Some(user)) => tracing::info!(user = %user.id, "the first admin was made"),
        Ok(None) => {}
        // the service answers without its database too, as unready
        Err(error) => tracing::error!(%error, "the first admin could not be made"),
    }
}

async fn restore_accept(config: Config) -> anyhow::Result<()> {
    let app = App::new(config)?;
    let here = installation::accept_here(app.db.pool(), "restore-accept").await?;
    println!("from now on workers work for {here}");
    Ok(())
}

async fn serve_http(config: Config) -> anyhow::Result<()> {
    let app = App::new(config)?;
    first_admin(&app).await;
    let http = &app.config.http;
    let stop = app.stop.clone();
    let mut serving = JoinSet::new();
    if let Some(port) = http.metrics_port {
        let listener = serve::listen(SocketAddr::new(http.host, port)).await?;
        tracing::info!(address = %listener.local_addr()?, "metrics");
        serving.spawn(serve::serve(
            listener,
            metrics::router(app.clone()),
            stop.clone(),
        ));
    }
    let listener = serve::listen(SocketAddr::new(http.host, http.port)).await?;
    // the line that those who started this program wait for
    println!("listening on http://{}", listener.local_addr()?);
    let events = app.signals.run();
    serving.spawn(serve::serve(listener, router::router(app), stop.clone()));
    tokio::select! {
        signal = serve::stop_signal() => signal?,
        Some(ended) = serving.join_next() => ended??,
    }
    tracing::info!("stopping");
    stop.cancel();
    while let Some(ended) = serving.join_next().await {
        ended??;
    }
    events.abort();
    Ok(())
}
