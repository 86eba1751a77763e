//! An operator's browser, as far as the server sees it, and the programs that serve it.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lab::programs::sibling;
use nix::sys::signal::Signal;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use xtask::servers::{Output, Process, ProcessSpec, RunFolder, free_port, secret_hex};

/// How long a program may take to start.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long one may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(45);
/// How long an answer is waited for.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
const EMAIL: &str = "operator@creatorcrm.example";

/// An API process, and a worker for bulk operations.
pub(super) struct Programs {
    api: Process,
    worker: Process,
    url: String,
    password: String,
}

impl Programs {
    /// Starts them, and adds somebody who may log in.
    pub(super) fn start(database: &str, redis: &str) -> Result<Self> {
        let folder = RunFolder::create()?;
        let port = free_port()?;
        let url = format!("http://127.0.0.1:{port}");
        let variables = [
            ("DATABASE_URL", database.to_owned()),
            ("REDIS_URL", redis.to_owned()),
            ("NODE_ENV", "test".to_owned()),
            (
                "EMAIL_FROM_ADDRESS",
                "noreply@creatorcrm.example".to_owned(),
            ),
            ("HOST", "127.0.0.1".to_owned()),
            ("PORT", port.to_string()),
            ("PUBLIC_URL", url.clone()),
            ("ENABLE_METRICS", "false".to_owned()),
            ("TRUSTED_PROXIES", "127.0.0.1".to_owned()),
            ("RUST_LOG", "info,sqlx=warn".to_owned()),
        ];
        let program = |name: &str| -> Result<Command> {
            let mut command = Command::new(sibling(name)?);
            command.envs(variables.iter().map(|(name, value)| (name, value)));
            Ok(command)
        };
        let password = secret_hex(8)?;
        add_operator(program("api")?, &password)?;
        let mut serve = program("api")?;
        serve.arg("serve");
        let mut work = program("worker")?;
        work.args(["--queue", "operations=2", "--probe-addr", "127.0.0.1:0"]);
        let mut api = start(&folder, "api", serve)?;
        api.announced("listening on http://", START_LIMIT)?;
        let mut worker = start(&folder, "worker", work)?;
        worker.announced("probe on http://", START_LIMIT)?;
        Ok(Self {
            api,
            worker,
            url,
            password,
        })
    }

    /// A browser that is logged in, at an address of its own: an address is let try only so often.
    pub(super) async fn log_in(&self, place: usize) -> Result<Operator> {
        let [.., high, low] = place.to_be_bytes();
        let client = Client::builder().timeout(ANSWER_LIMIT).build()?;
        let begun = client
            .post(format!("{}/api/auth/session", self.url))
            .header("sec-fetch-site", "same-origin")
            .header("x-forwarded-for", format!("10.0.{high}.{low}"))
            .json(&json!({ "email": EMAIL, "password": self.password }))
            .send()
            .await?;
        ensure!(begun.status().is_success(), "no login: {}", begun.status());
        let cookie = begun
            .headers()
            .get("set-cookie")
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.split(';').next())
            .context("a cookie")?
            .to_owned();
        let body: Value = begun.json().await?;
        Ok(Operator {
            client,
            url: self.url.clone(),
            cookie,
            csrf: body["csrfToken"].as_str().context("a token")?.to_owned(),
        })
    }

    /// Stops them.
    pub(super) fn stop(mut self) -> Result<()> {
        self.worker.stop(Signal::SIGTERM, STOP_LIMIT)?;
        self.api.stop(Signal::SIGTERM, STOP_LIMIT)?;
        Ok(())
    }
}

fn start(folder: &RunFolder, name: &str, command: Command) -> Result<Process> {
    let spec = ProcessSpec {
        name: name.into(),
        command,
        output: Output::Quiet,
    };
    Process::start(folder, spec)
}

fn add_operator(mut command: Command, password: &str) -> Result<()> {
    command.args([
        "user-add",
        "--email",
        EMAIL,
        "--role",
        "admin",
        "--password-stdin",
    ]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let mut input = child.stdin.take().context("api user-add takes no input")?;
    writeln!(input, "{password}")?;
    drop(input);
    let status = child.wait()?;
    ensure!(status.success(), "api user-add failed: {status}");
    Ok(())
}

/// A browser that is logged in.
#[derive(Debug, Clone)]
pub(super) struct Operator {
    client: Client,
    url: String,
    cookie: String,
    csrf: String,
}

impl Operator {
    fn request(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.url))
            .header("cookie", &self.cookie)
            .header("sec-fetch-site", "same-origin")
            .header("x-csrf-token", &self.csrf)
    }

    /// Milliseconds from asking for a page to having all of it.
    pub(super) async fn time(&self, path: &str) -> Result<f64> {
        let began = Instant::now();
        let answer = self.request(reqwest::Method::GET, path).send().await?;
        ensure!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.bytes().await?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }

    /// What the API answers.
    pub(super) async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.request(reqwest::Method::GET, path).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// What the API answers to a change.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.request(reqwest::Method::POST, path).json(body);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// The stream of events, for as long as it is read.
    pub(super) async fn events(&self) -> Result<Response> {
        let request = self.request(reqwest::Method::GET, "/api/events");
        let answer = request.timeout(Duration::from_secs(900)).send().await?;
        Ok(answer.error_for_status()?)
    }
}
