//! The product and the mail sink as seen from outside, over HTTP.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, ensure};
use reqwest::{Client, Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::access::Tokens;
use shared::config::Config;
use shared::kernel::{Clock, Role};

/// How long a token of the laboratory lives.
const TOKEN_TTL: std::time::Duration = std::time::Duration::from_secs(3600);

/// The product's API, called as an admin.
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    url: String,
    token: SecretString,
}

impl Api {
    /// The API at `API_URL`, with a token signed by the configured secret.
    ///
    /// # Errors
    /// If there is no `API_URL`.
    pub fn from_env(config: &Config) -> anyhow::Result<Self> {
        let url = std::env::var("API_URL").context("API_URL")?;
        Ok(Self::at(&url, config))
    }

    /// The API at `url`, with a token signed by the configured secret.
    pub fn at(url: &str, config: &Config) -> Self {
        let now = Clock::system().now();
        let token = Tokens::new(&config.secrets).issue("lab", &[Role::Admin], now, TOKEN_TTL);
        Self {
            client: Client::new(),
            url: url.trim_end_matches('/').to_owned(),
            token: token.into(),
        }
    }

    /// Enqueues jobs, at most once under this key; answers what the API answered.
    ///
    /// # Errors
    /// If it refuses, or no answer comes: then they may have been enqueued.
    pub async fn enqueue(&self, jobs: &Value, key: &str) -> anyhow::Result<Value> {
        let request = self
            .client
            .post(format!("{}/api/jobs", self.url))
            .header("Idempotency-Key", key)
            .json(jobs);
        self.answer(request).await
    }

    /// Makes a campaign to everybody and launches it; answers its id.
    ///
    /// # Errors
    /// If the API refuses or does not answer.
    pub async fn launch_campaign(&self, name: &str) -> anyhow::Result<String> {
        let campaign = json!({
            "name": name,
            "type": "retention",
            "targetAudience": { "statuses": ["active", "inactive"] },
            "content": {
                "subject": "We miss you, {firstName}!",
                "message": "Hi {firstName},\n\nit has been a while. Your fans ask about you.",
                "callToAction": {
                    "text": "Get back to creating",
                    "url": "https://fanz.example/dashboard",
                    "type": "button",
                },
            },
            "schedule": { "type": "immediate" },
        });
        let made = self
            .call(Method::POST, "/api/campaigns", Some(campaign))
            .await?;
        let id = made["id"]
            .as_str()
            .context("a campaign without an id")?
            .to_owned();
        self.call(Method::POST, &format!("/api/campaigns/{id}/launch"), None)
            .await?;
        Ok(id)
    }

    /// The campaign's metrics.
    ///
    /// # Errors
    /// As [`Api::launch_campaign`].
    pub async fn metrics(&self, campaign: &str) -> anyhow::Result<Value> {
        self.call(
            Method::GET,
            &format!("/api/campaigns/{campaign}/metrics"),
            None,
        )
        .await
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.answer(request).await
    }

    async fn answer(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        let request = request.bearer_auth(self.token.expose_secret());
        let answer = request.send().await?;
        let (status, path) = (answer.status(), answer.url().path().to_owned());
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path} answered {status}: {text}");
        Ok(serde_json::from_str(&text)?)
    }
}

/// The mail sink.
#[derive(Debug, Clone)]
pub struct Mailbox {
    client: Client,
    url: String,
}

/// What the sink counted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MailCounts {
    /// Messages stored, those that came twice counted twice.
    pub messages: u64,
    /// Different Message-IDs.
    pub unique: u64,
    /// Messages whose Message-ID had come before.
    pub duplicates: u64,
    /// Connections cut after a message was stored, before its sender knew.
    pub cut_after_storing: u64,
    /// Connections cut before a message was stored.
    pub cut_before_storing: u64,
}

impl Mailbox {
    /// The sink at `SINK_URL`; none when mail goes elsewhere.
    pub fn from_env() -> Option<Self> {
        let url = std::env::var("SINK_URL")
            .ok()
            .filter(|url| !url.is_empty())?;
        Some(Self::at(&url))
    }

    /// The sink whose pages are at `url`.
    pub fn at(url: &str) -> Self {
        Self {
            client: Client::new(),
            url: url.trim_end_matches('/').to_owned(),
        }
    }

    /// How often each message came, by the part of its Message-ID before the `@`.
    ///
    /// # Errors
    /// If the sink does not answer, or not so.
    pub async fn message_ids(&self) -> anyhow::Result<HashMap<String, u64>> {
        let url = format!("{}/api/message-ids", self.url);
        let answer = self.client.get(url).send().await?;
        let text = answer.error_for_status()?.text().await?;
        let mut ids = HashMap::new();
        for line in text.lines() {
            let (times, id) = line.split_once(' ').context("a line without an id")?;
            let local = id.split('@').next().unwrap_or(id);
            *ids.entry(local.to_owned()).or_default() += times.parse::<u64>()?;
        }
        Ok(ids)
    }

    /// Tells the sink how to misbehave from now on.
    ///
    /// # Errors
    /// If it refuses the plan or does not answer.
    pub async fn misbehave(&self, plan: &Value) -> anyhow::Result<()> {
        let url = format!("{}/api/faults", self.url);
        let answer = self.client.put(url).json(plan).send().await?;
        ensure!(answer.status().is_success(), "{}", answer.text().await?);
        Ok(())
    }

    /// What it has.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn counts(&self) -> anyhow::Result<MailCounts> {
        let answer = self
            .client
            .get(format!("{}/api/summary", self.url))
            .send()
            .await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Empties it.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn clear(&self) -> anyhow::Result<()> {
        let answer = self
            .client
            .delete(format!("{}/api/messages", self.url))
            .send()
            .await?;
        answer.error_for_status()?;
        Ok(())
    }
}

/// A campaign's rows by status, counted in the database.
///
/// # Errors
/// If the database does not answer.
pub async fn rows_by_status(
    pool: &sqlx::PgPool,
    campaign: uuid::Uuid,
) -> anyhow::Result<BTreeMap<String, i64>> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select status, count(*) from campaign_deliveries where campaign_id = $1 group by status",
    )
    .bind(campaign)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().collect())
}
