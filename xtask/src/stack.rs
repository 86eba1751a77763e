//! The whole product on this machine: private servers, the api and workers.

use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use xtask::servers::{
    Colour, Durability, Output, Postgres, PostgresOptions, Process, ProcessSpec, Program, Redis,
    RunFolder, Sink, SinkOptions, free_port, prefer_port, secret_hex,
};

use crate::cargo::{self, Profile};
use crate::environment::{self, Variables, given};
use crate::{install, node, terminal};

/// The port the specification gives the API.
const API_PORT: u16 = 3004;
/// How long the api or a worker may take to say where it listens.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Longer than a worker's own grace for the jobs in its hands.
const WORKER_GRACE: Duration = Duration::from_secs(45);
/// Longer than the api's own grace for the requests in its hands.
const API_GRACE: Duration = Duration::from_secs(30);
const WORKER_COLOURS: [Colour; 4] = [Colour::Green, Colour::Yellow, Colour::Magenta, Colour::Cyan];

/// A private Postgres and Redis.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) postgres: Postgres,
    pub(crate) redis: Redis,
}

impl Servers {
    /// Starts both in `folder`.
    ///
    /// # Errors
    /// When one is missing or does not come up.
    pub(crate) fn start(folder: &RunFolder, durability: Durability) -> Result<Self> {
        terminal::busy("starting Postgres and Redis", || {
            let postgres = Postgres::start(folder, PostgresOptions::new(durability))?;
            Ok(Self {
                postgres,
                redis: Redis::start(folder)?,
            })
        })
    }

    /// Their addresses.
    pub(crate) fn variables(&self) -> Variables {
        vec![
            ("DATABASE_URL".to_owned(), self.postgres.url()),
            ("REDIS_URL".to_owned(), self.redis.url()),
        ]
    }
}

/// What to start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) profile: Profile,
    /// Whether the programs are built first. After the tests were built they are there, with the features that tests
    /// ask for of some dependencies; building them without would compile half of everything again.
    pub(crate) build: bool,
    pub(crate) workers: usize,
    /// Whether the lines of api and workers are shown.
    pub(crate) show_logs: bool,
    /// Which of the caller's servers are used instead of our own.
    pub(crate) given: &'static [&'static str],
}

impl Plan {
    /// The caller's address of a server, if it is to be used.
    fn given(self, name: &str) -> Option<String> {
        self.given.contains(&name).then(|| given(name)).flatten()
    }
}

/// Everything that runs. Fields are dropped in this order, so workers go
/// first and the databases last.
#[derive(Debug)]
pub(crate) struct Stack {
    workers: Vec<Process>,
    api: Process,
    sink: Option<Sink>,
    _redis: Option<Redis>,
    _postgres: Option<Postgres>,
    api_url: String,
    variables: Variables,
    _folder: RunFolder,
}

impl Stack {
    /// Builds what is needed and starts everything; returns once the api and
    /// all workers said where they listen.
    ///
    /// # Errors
    /// When a program is missing or does not come up.
    pub(crate) fn start(plan: Plan) -> Result<Self> {
        let own_postgres = plan.given("DATABASE_URL").is_none();
        let own_redis = plan.given("REDIS_URL").is_none();
        let wanted = [
            (own_postgres, Program::Postgres),
            (own_redis, Program::Redis),
        ];
        let wanted: Vec<Program> = wanted
            .into_iter()
            .filter(|(own, _)| *own)
            .map(|(_, program)| program)
            .collect();
        install::ensure(&wanted)?;
        if plan.build {
            build(plan.profile)?;
        }

        let folder = RunFolder::create()?;
        let postgres = own_postgres.then(|| start_postgres(&folder)).transpose()?;
        let redis = own_redis
            .then(|| terminal::busy("starting Redis", || Redis::start(&folder)))
            .transpose()?;
        let own_sink = plan.given("SMTP_URL").is_none();
        let sink = own_sink
            .then(|| {
                let program = cargo::binary(plan.profile, "sink")?;
                Sink::start(&folder, &program, SinkOptions::default())
            })
            .transpose()?;
        let variables = variables(plan, postgres.as_ref(), redis.as_ref(), sink.as_ref())?;

        migrate(plan.profile, &variables)?;
        let (api, api_url) = start_api(&folder, plan, &variables)?;
        let workers = (1..=plan.workers)
            .map(|number| start_worker(&folder, plan, number, &variables))
            .collect::<Result<_>>()?;
        environment::share(&folder, &variables)?;
        Ok(Self {
            workers,
            api,
            sink,
            _redis: redis,
            _postgres: postgres,
            api_url,
            variables,
            _folder: folder,
        })
    }

    /// Where the api answers, `http://…`.
    pub(crate) fn api_url(&self) -> &str {
        &self.api_url
    }

    /// Where the sink shows its mail, unless mail goes elsewhere.
    pub(crate) fn mailbox_url(&self) -> Option<&str> {
        self.sink.as_ref().map(Sink::http_url)
    }

    /// The environment the api and the workers got.
    pub(crate) fn variables(&self) -> &Variables {
        &self.variables
    }

    /// The first process of ours that has ended although nobody asked it to.
    ///
    /// # Errors
    /// When the system does not say.
    pub(crate) fn casualty(&mut self) -> Result<Option<(String, ExitStatus, String)>> {
        let sink = self.sink.iter_mut().map(Sink::process);
        for process in std::iter::once(&mut self.api)
            .chain(&mut self.workers)
            .chain(sink)
        {
            if let Some(status) = process.ended()? {
                return Ok(Some((process.name().to_owned(), status, process.tail())));
            }
        }
        Ok(None)
    }

    /// Stops everything in order: workers finish or give back what they hold.
    ///
    /// # Errors
    /// When a process does not stop.
    pub(crate) fn stop(mut self) -> Result<()> {
        // All are asked before any is waited for, so that they drain together.
        for worker in &mut self.workers {
            worker.signal(Signal::SIGTERM)?;
        }
        for worker in &mut self.workers {
            worker.stop(Signal::SIGTERM, WORKER_GRACE)?;
        }
        self.api.stop(Signal::SIGTERM, API_GRACE)?;
        Ok(())
    }
}

/// Builds the programs, with the scripts of the pages where that is possible.
fn build(profile: Profile) -> Result<()> {
    node::bundle_scripts_or_say()?;
    match profile {
        Profile::Dev => cargo::build(profile, &[])?,
        Profile::Release => cargo::build(profile, &cargo::FLEET)?,
    };
    Ok(())
}

fn start_postgres(folder: &RunFolder) -> Result<Postgres> {
    terminal::busy("starting Postgres", || {
        Postgres::start(folder, PostgresOptions::new(Durability::Safe))
    })
}

/// What the caller gave wins over what we started; secrets are fresh unless
/// given.
fn variables(
    plan: Plan,
    postgres: Option<&Postgres>,
    redis: Option<&Redis>,
    sink: Option<&Sink>,
) -> Result<Variables> {
    let port = match given("PORT") {
        Some(port) => port.parse().context("PORT is not a port")?,
        None => prefer_port(API_PORT)?,
    };
    let mut variables = vec![
        ("HOST", "127.0.0.1".to_owned()),
        ("PORT", port.to_string()),
        ("METRICS_PORT", free_port()?.to_string()),
        (
            "NODE_ENV",
            given("NODE_ENV").unwrap_or_else(|| "development".into()),
        ),
        (
            "PUBLIC_URL",
            given("PUBLIC_URL").unwrap_or_else(|| format!("http://127.0.0.1:{port}")),
        ),
        ("EMAIL_PROVIDER", "smtp".into()),
        (
            "EMAIL_FROM_ADDRESS",
            given("EMAIL_FROM_ADDRESS").unwrap_or_else(|| "noreply@creatorcrm.example".into()),
        ),
        (
            "JWT_SECRET",
            given("JWT_SECRET").map_or_else(|| secret_hex(32), Ok)?,
        ),
        // The specification asks for 32 characters.
        (
            "ENCRYPTION_KEY",
            given("ENCRYPTION_KEY").map_or_else(|| secret_hex(16), Ok)?,
        ),
    ];
    let servers = [
        ("DATABASE_URL", postgres.map(Postgres::url)),
        ("REDIS_URL", redis.map(Redis::url)),
        ("SMTP_URL", sink.map(|sink| sink.smtp_url().to_owned())),
        ("SINK_URL", sink.map(|sink| sink.http_url().to_owned())),
    ];
    for (name, ours) in servers {
        if let Some(url) = ours.or_else(|| plan.given(name)) {
            variables.push((name, url));
        }
    }
    Ok(variables
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect())
}

fn migrate(profile: Profile, variables: &Variables) -> Result<()> {
    let mut command = ours(profile, "api", variables)?;
    command.arg("migrate");
    cargo::require(&mut command, "the migration of the database")
}

fn start_api(folder: &RunFolder, plan: Plan, variables: &Variables) -> Result<(Process, String)> {
    let mut command = ours(plan.profile, "api", variables)?;
    command.arg("serve");
    let output = if plan.show_logs {
        Output::Prefixed(Colour::Blue)
    } else {
        Output::Quiet
    };
    let mut api = Process::start(
        folder,
        ProcessSpec {
            name: "api".into(),
            command,
            output,
        },
    )?;
    let address = api.announced("listening on http://", START_LIMIT)?;
    Ok((api, format!("http://{}", address.trim_end_matches('/'))))
}

fn start_worker(
    folder: &RunFolder,
    plan: Plan,
    number: usize,
    variables: &Variables,
) -> Result<Process> {
    let mut command = ours(plan.profile, "worker", variables)?;
    command.args(["--probe-addr", "127.0.0.1:0"]);
    let colour = WORKER_COLOURS[(number - 1) % WORKER_COLOURS.len()];
    let output = if plan.show_logs {
        Output::Prefixed(colour)
    } else {
        Output::Quiet
    };
    let name = format!("worker-{number}");
    let mut worker = Process::start(
        folder,
        ProcessSpec {
            name,
            command,
            output,
        },
    )?;
    worker.announced("probe on http://", START_LIMIT)?;
    Ok(worker)
}

/// A command for one of our own programs with `variables` set.
pub(crate) fn ours(profile: Profile, name: &str, variables: &Variables) -> Result<Command> {
    let mut command = Command::new(cargo::binary(profile, name)?);
    command.current_dir(xtask::servers::repository_root());
    if !terminal::is_interactive() {
        // Loggers colour a pipe as they would a terminal unless told.
        command.env("NO_COLOR", "1");
    }
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    Ok(command)
}
