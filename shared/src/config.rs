//! Every environment variable, read once; all problems are reported together and secrets cannot be printed.
//!
//! A `.env` file in the working directory fills in what the environment leaves open, and never overrides it. An empty
//! value counts as unset. The table of variables is `.env.example`.

mod payouts;
mod reader;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

use crate::access::{SecondFactorPolicy, password_error};
use crate::kernel::EmailAddress;
use crate::providers::fx::RatesUrl;
use reader::Reader;

pub use payouts::{PayoutFiles, PayoutsConfig};
pub use reader::{ConfigProblem, ConfigProblems};

/// Where this program runs; decides how strict its configuration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// On a programmer's machine: everything has a default.
    Development,
    /// In a test run: as development.
    Test,
    /// With real data: defaults that are known to everybody are refused.
    Production,
}

/// The whole configuration.
#[derive(Debug)]
pub struct Config {
    /// `NODE_ENV`.
    pub environment: Environment,
    /// Where HTTP is served.
    pub http: HttpConfig,
    /// Where the truth is kept.
    pub database: DatabaseConfig,
    /// `REDIS_URL`, or put together from `REDIS_HOST`, `REDIS_PORT`, `REDIS_PASSWORD` and `REDIS_CRM_DB`.
    pub redis_url: SecretString,
    /// How mail leaves.
    pub email: EmailConfig,
    /// What signs and encrypts.
    pub secrets: Secrets,
    /// Limits of campaigns.
    pub campaigns: CampaignConfig,
    /// Where exchange rates come from.
    pub fx: FxConfig,
    /// Who carries money to creators.
    pub payouts: PayoutsConfig,
    /// Who has to show more than a password.
    pub second_factor: SecondFactorPolicy,
    /// Who may log in before anybody can be added.
    pub first_admin: Option<FirstAdmin>,
}

/// Who may log in before anybody can be added: made when the service starts and there is no user yet.
#[derive(Debug, Clone)]
pub struct FirstAdmin {
    /// `FIRST_ADMIN_EMAIL`.
    pub email: EmailAddress,
    /// `FIRST_ADMIN_PASSWORD`: to be changed after the first login.
    pub password: SecretString,
}

/// Where HTTP is served.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// `HOST`: the address to listen on.
    pub host: IpAddr,
    /// `PORT`; 0 takes a free one.
    pub port: u16,
    /// `METRICS_PORT`; none when `ENABLE_METRICS` is false.
    pub metrics_port: Option<u16>,
    /// `TRUSTED_PROXIES`: whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// `PUBLIC_URL`: what links in mails begin with; ends without a slash.
    pub public_url: Url,
    /// `TRACE_URL_TEMPLATE`: where a trace is shown, with `{traceId}` for its id; none for no links.
    pub trace_url: Option<String>,
}

/// Where the truth is kept.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `DATABASE_URL`.
    pub url: SecretString,
    /// `DATABASE_MAX_CONNECTIONS`: connections of one process at the most.
    pub max_connections: u32,
}

/// How mail leaves. `EMAIL_PROVIDER` can only be `smtp` so far.
#[derive(Debug, Clone)]
pub struct EmailConfig {
    /// `SMTP_URL`: `smtp://` or `smtps://`, with user and password if the server wants them.
    pub smtp_url: SecretString,
    /// `EMAIL_FROM_ADDRESS`.
    pub from: EmailAddress,
    /// `EMAIL_FROM_NAME`: the name beside the address.
    pub from_name: String,
    /// `EMAIL_POSTAL_ADDRESS`: where the sender can be reached by post; the law wants it in marketing mail.
    pub postal_address: String,
    /// `SMTP_SESSIONS`: sessions that one process has open with the mail server at the most.
    pub sessions: u16,
    /// `EMAIL_RATE_PER_SECOND`: messages that the whole fleet sends in a second; none for as many as it can.
    pub rate_per_second: Option<u32>,
}

/// What signs and encrypts.
pub struct Secrets {
    /// `JWT_SECRET`: signs access tokens.
    pub jwt: SecretString,
    /// `JWT_SECRET_PREVIOUS`: still accepted while a new secret is rolled out.
    pub jwt_previous: Option<SecretString>,
    /// `ENCRYPTION_KEY`: encrypts at rest and signs links.
    pub encryption: secrecy::SecretBox<[u8; ENCRYPTION_KEY_BYTES]>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

/// Limits of campaigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CampaignConfig {
    /// `MAX_CONCURRENT_CAMPAIGNS`: campaigns that send at the same time.
    pub max_concurrent: u32,
    /// `CAMPAIGN_RETRY_ATTEMPTS`: how often a delivery that failed for a while is tried again.
    pub retry_attempts: u16,
}

/// Where exchange rates come from: documents of the European Central Bank on its servers, on a mirror, or in files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FxConfig {
    /// `FX_DAILY_URL`: the last day.
    pub daily: RatesUrl,
    /// `FX_RECENT_URL`: the last weeks, which is imported every day.
    pub recent: RatesUrl,
    /// `FX_HISTORY_URL`: all days.
    pub history: RatesUrl,
}

/// Length of the encryption key, in bytes.
pub const ENCRYPTION_KEY_BYTES: usize = 32;
/// Length of a token secret in production, in bytes: as long as the hash that uses it.
pub const JWT_SECRET_MIN_BYTES: usize = 32;

const DEVELOPMENT_JWT_SECRET: &str = "development-only-jwt-secret-do-not-use-elsewhere";
const DEVELOPMENT_ENCRYPTION_KEY: &str = "development-only-encryption-key!";
/// Values that stand in public files.
const WELL_KNOWN: [&str; 4] = [
    DEVELOPMENT_JWT_SECRET,
    DEVELOPMENT_ENCRYPTION_KEY,
    "your-super-secure-jwt-secret",
    "your-32-character-encryption-key",
];

impl Config {
    /// Reads `.env` and the environment.
    ///
    /// # Errors
    /// With every problem found, each naming its variable and the remedy.
    pub fn from_env() -> Result<Self, ConfigProblems> {
        let file = reader::dotenv_values(".env".as_ref())?;
        Self::read(|name| {
            std::env::var(name)
                .ok()
                .filter(|value| !value.is_empty())
                .or_else(|| file.get(name).cloned())
        })
    }

    /// Reads the variables that `lookup` knows.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigProblems> {
        let mut reader = Reader::new(&lookup);
        let environment = read_environment(&mut reader);
        reader.strict = environment == Environment::Production;
        let http = read_http(&mut reader);
        let database = read_database(&mut reader);
        let redis_url = read_redis(&mut reader);
        let email = read_email(&mut reader);
        let secrets = read_secrets(&mut reader);
        let campaigns = CampaignConfig {
            max_concurrent: reader.number("MAX_CONCURRENT_CAMPAIGNS", 50, 1..=10_000),
            retry_attempts: reader.number("CAMPAIGN_RETRY_ATTEMPTS", 3, 0..=100),
        };
        // programmers and demonstrations log in without; where there is real data an admin can do more than finance can
        let second_factor = SecondFactorPolicy {
            admins: reader.flag("SECOND_FACTOR_FOR_ADMINS", reader.strict),
        };
        let fx = read_fx(&mut reader);
        let payouts = PayoutsConfig::read(&mut reader);
        let first_admin = read_first_admin(&mut reader);
        reader.finish()?;
        // each part is there once there are no problems
        match (http, database, redis_url, email, secrets, fx) {
            (Some(http), Some(database), Some(redis_url), Some(email), Some(secrets), Some(fx)) => {
                Ok(Self {
                    environment,
                    http,
                    database,
                    redis_url,
                    email,
                    secrets,
                    campaigns,
                    fx,
                    payouts,
                    second_factor,
                    first_admin,
                })
            }
            (_, _, _, _, _, _) => unreachable!("a part that is missing has reported a problem"),
        }
    }

    /// Whether this is production.
    pub fn is_production(&self) -> bool {
        self.environment == Environment::Production
    }
}

fn read_environment(reader: &mut Reader<'_>) -> Environment {
    match reader.get("NODE_ENV").as_deref() {
        None | Some("development") => Environment::Development,
        Some("test") => Environment::Test,
        Some("production") => Environment::Production,
        Some(other) => {
            reader.note(
                "NODE_ENV",
                format!("`{other}` is unknown: use development, test or production"),
            );
            Environment::Production
        }
    }
}

fn read_http(reader: &mut Reader<'_>) -> Option<HttpConfig> {
    let host = reader.parsed(
        "HOST",
        "0.0.0.0",
        "an IP address to listen on, such as 0.0.0.0 or 127.0.0.1",
    );
    let port = reader.number("PORT", 3004, 0..=u16::MAX);
    let metrics_port = reader.number("METRICS_PORT", 9091, 0..=u16::MAX);
    let enabled = reader.flag("ENABLE_METRICS", true);
    if enabled && port != 0 && port == metrics_port {
        reader.note(
            "METRICS_PORT",
            "is the same as PORT: choose another, or set ENABLE_METRICS=false",
        );
    }
    let public_url = reader.required(
        "PUBLIC_URL",
        &format!("http://localhost:{port}"),
        "the address people reach this service at",
    );
    let public_url = public_url.and_then(|text| match parse_public_url(&text) {
        Some(url) => Some(url),
        None => reader.refuse(
            "PUBLIC_URL",
            "must be http://… or https://… without query or fragment",
        ),
    });
    let trusted_proxies = read_networks(reader, "TRUSTED_PROXIES");
    let trace_url = reader.get("TRACE_URL_TEMPLATE");
    if let Some(text) = &trace_url
        && !(has_scheme(text, &["http", "https"]) && text.contains("{traceId}"))
    {
        reader.note(
            "TRACE_URL_TEMPLATE",
            "must be http://… or https://… and contain {traceId}",
        );
    }
    Some(HttpConfig {
        trusted_proxies: trusted_proxies?,
        host: host?,
        port,
        metrics_port: enabled.then_some(metrics_port),
        public_url: public_url?,
        trace_url,
    })
}

/// Addresses and networks, separated by commas.
fn read_networks(reader: &mut Reader<'_>, name: &'static str) -> Option<Vec<IpNet>> {
    let text = reader.get(name).unwrap_or_default();
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let parsed = parts.map(|part| {
        let address = part.parse().map(|ip: IpAddr| IpNet::from(ip));
        address.or_else(|_| part.parse::<IpNet>()).map_err(|_| part)
    });
    match parsed.collect::<Result<_, _>>() {
        Ok(networks) => Some(networks),
        Err(part) => {
            let message = format!("`{part}` is no address or network, such as 10.0.0.0/8");
            reader.refuse(name, message)
        }
    }
}

fn parse_public_url(text: &str) -> Option<Url> {
    let url: Url = text.trim_end_matches('/').parse().ok()?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.host().is_some();
    (plain && matches!(url.scheme(), "http" | "https")).then_some(url)
}

fn read_database(reader: &mut Reader<'_>) -> Option<DatabaseConfig> {
    let max_connections = reader.number("DATABASE_MAX_CONNECTIONS", 20, 2..=1000);
    let Some(url) = reader.get("DATABASE_URL") else {
        return reader.refuse(
            "DATABASE_URL",
            "is not set: use postgresql://user:password@host:5432/creator_crm",
        );
    };
    if !has_scheme(&url, &["postgres", "postgresql"]) {
        return reader.refuse(
            "DATABASE_URL",
            "must be a URL that begins with postgresql://",
        );
    }
    Some(DatabaseConfig {
        url: url.into(),
        max_connections,
    })
}

fn read_redis(reader: &mut Reader<'_>) -> Option<SecretString> {
    if let Some(url) = reader.get("REDIS_URL") {
        if has_scheme(&url, &["redis", "rediss", "redis+unix"]) {
            return Some(url.into());
        }
        return reader.refuse("REDIS_URL", "must be a URL that begins with redis://");
    }
    let host = reader.required(
        "REDIS_HOST",
        "localhost",
        "the host of Redis (or set REDIS_URL)",
    );
    let port: u16 = reader.number("REDIS_PORT", 6379, 1..=u16::MAX);
    let db: u32 = reader.number("REDIS_CRM_DB", 9, 0..=1_000_000);
    let password = reader.get("REDIS_PASSWORD");
    let mut url: Url = "redis://localhost".parse().expect("a constant URL");
    let host = host?;
    if url.set_host(Some(&host)).is_err() || url.set_port(Some(port)).is_err() {
        return reader.refuse("REDIS_HOST", format!("`{host}` is not a host name"));
    }
    if let Some(password) = password {
        // set_password escapes what a URL cannot hold; it fails only for URLs without a host
        url.set_password(Some(&password)).ok()?;
    }
    url.set_path(&db.to_string());
    Some(String::from(url).into())
}

fn read_email(reader: &mut Reader<'_>) -> Option<EmailConfig> {
    match reader.get("EMAIL_PROVIDER").as_deref() {
        None | Some("smtp") => {}
        Some("sendgrid") => {
            reader.note(
                "EMAIL_PROVIDER",
                "`sendgrid` is not built yet: use smtp and set SMTP_URL",
            );
        }
        Some(other) => {
            reader.note("EMAIL_PROVIDER", format!("`{other}` is unknown: use smtp"));
        }
    }
    let smtp_url = reader.required(
        "SMTP_URL",
        "smtp://localhost:1025",
        "the mail server, as smtps://user:password@host:465",
    );
    let smtp_url = smtp_url.and_then(|url| {
        if has_scheme(&url, &["smtp", "smtps"]) {
            return Some(SecretString::from(url));
        }
        reader.refuse(
            "SMTP_URL",
            "must be a URL that begins with smtp:// or smtps://",
        )
    });
    let from = reader.required(
        "EMAIL_FROM_ADDRESS",
        "noreply@creatorcrm.example",
        "the address that mail comes from",
    );
    let from = from.and_then(|text| match text.parse() {
        Ok(address) => Some(address),
        Err(error) => reader.refuse("EMAIL_FROM_ADDRESS", format!("{error}")),
    });
    let postal = reader.required(
        "EMAIL_POSTAL_ADDRESS",
        "1 Example Street, Exampletown",
        "where the sender can be reached by post, as the law wants it in marketing mail",
    );
    let from_name = reader
        .get("EMAIL_FROM_NAME")
        .unwrap_or_else(|| "CreatorCRM".to_owned());
    let sessions = reader.number("SMTP_SESSIONS", 16, 1..=1000);
    let rate_per_second = reader
        .is_set("EMAIL_RATE_PER_SECOND")
        .then(|| reader.number("EMAIL_RATE_PER_SECOND", 1, 1..=1_000_000));
    for (name, text) in [
        ("EMAIL_FROM_NAME", Some(&from_name)),
        ("EMAIL_POSTAL_ADDRESS", postal.as_ref()),
    ] {
        if text.is_some_and(|text| text.chars().any(char::is_control)) {
            reader.note(name, "must be one line");
        }
    }
    Some(EmailConfig {
        smtp_url: smtp_url?,
        from: from?,
        from_name,
        postal_address: postal?,
        sessions,
        rate_per_second,
    })
}

fn read_fx(reader: &mut Reader<'_>) -> Option<FxConfig> {
    const WANTED: &str = "the place of a document of rates: use https://… or file:///…";
    let mut url = |name, file: &str| {
        let ecb = format!("https://www.ecb.europa.eu/stats/eurofxref/{file}.xml");
        reader.parsed(name, &ecb, WANTED)
    };
    let daily = url("FX_DAILY_URL", "eurofxref-daily");
    let recent = url("FX_RECENT_URL", "eurofxref-hist-90d");
    let history = url("FX_HISTORY_URL", "eurofxref-hist");
    Some(FxConfig {
        daily: daily?,
        recent: recent?,
        history: history?,
    })
}

fn read_first_admin(reader: &mut Reader<'_>) -> Option<FirstAdmin> {
    const EMAIL: &str = "FIRST_ADMIN_EMAIL";
    const PASSWORD: &str = "FIRST_ADMIN_PASSWORD";
    let (email, password) = match (reader.get(EMAIL), reader.get(PASSWORD)) {
        (None, None) => return None,
        (Some(_), None) => return reader.refuse(PASSWORD, "is needed beside FIRST_ADMIN_EMAIL"),
        (None, Some(_)) => return reader.refuse(EMAIL, "is needed beside FIRST_ADMIN_PASSWORD"),
        (Some(email), Some(password)) => (email, password),
    };
    if let Some(wrong) = password_error(&password, &email) {
        return reader.refuse(PASSWORD, format!("is not taken: {wrong}"));
    }
    match email.parse() {
        Ok(email) => Some(FirstAdmin {
            email,
            password: password.into(),
        }),
        Err(error) => reader.refuse(EMAIL, format!("{error}")),
    }
}

fn read_secrets(reader: &mut Reader<'_>) -> Option<Secrets> {
    let jwt = read_jwt_secret(reader, "JWT_SECRET", Some(DEVELOPMENT_JWT_SECRET));
    let jwt_previous = reader
        .is_set("JWT_SECRET_PREVIOUS")
        .then(|| read_jwt_secret(reader, "JWT_SECRET_PREVIOUS", None));
    let encryption = read_encryption_key(reader);
    Some(Secrets {
        jwt: jwt?,
        jwt_previous: match jwt_previous {
            Some(secret) => Some(secret?),
            None => None,
        },
        encryption: encryption?,
    })
}

fn read_jwt_secret(
    reader: &mut Reader<'_>,
    name: &'static str,
    default: Option<&str>,
) -> Option<SecretString> {
    const REMEDY: &str = "make one with `openssl rand -hex 32`";
    let secret = reader.required(name, default.unwrap_or_default(), REMEDY)?;
    if reader.strict && WELL_KNOWN.contains(&secret.as_str()) {
        return reader.refuse(name, format!("is a published example: {REMEDY}"));
    }
    if reader.strict && secret.len() < JWT_SECRET_MIN_BYTES {
        return reader.refuse(
            name,
            format!("is shorter than {JWT_SECRET_MIN_BYTES} bytes: {REMEDY}"),
        );
    }
    Some(secret.into())
}

fn read_encryption_key(
    reader: &mut Reader<'_>,
) -> Option<secrecy::SecretBox<[u8; ENCRYPTION_KEY_BYTES]>> {
    const NAME: &str = "ENCRYPTION_KEY";
    const REMEDY: &str = "make one with `openssl rand -hex 32`";
    let text = reader.required(NAME, DEVELOPMENT_ENCRYPTION_KEY, REMEDY)?;
    if reader.strict && WELL_KNOWN.contains(&text.as_str()) {
        return reader.refuse(NAME, format!("is a published example: {REMEDY}"));
    }
    let bytes = if text.len() == 2 * ENCRYPTION_KEY_BYTES {
        hex::decode(&text).ok()
    } else {
        Some(text.into_bytes())
    };
    match bytes.and_then(|bytes| <[u8; ENCRYPTION_KEY_BYTES]>::try_from(bytes).ok()) {
        Some(key) => Some(secrecy::SecretBox::new(Box::new(key))),
        None => reader.refuse(
            NAME,
            format!("must be {ENCRYPTION_KEY_BYTES} characters or 64 hexadecimal digits: {REMEDY}"),
        ),
    }
}

fn has_scheme(text: &str, schemes: &[&str]) -> bool {
    text.parse::<Url>()
        .is_ok_and(|url| schemes.contains(&url.scheme()))
}
