//! Mail over SMTP, through a bounded number of sessions that are used again.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::extension::ClientId;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::sync::Semaphore;
use url::Url;

use super::session::{Delivered, Server, Session, TlsMode};
use super::{EmailProvider, Handover, OutgoingMail};

/// A session that was idle for longer is not used again: servers close idle sessions, some without a word.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// How a mail server is used.
#[derive(Debug, Clone)]
pub struct SmtpOptions {
    /// Sessions open at the same time, at least 1.
    pub sessions: usize,
    /// How long connecting, greeting and logging in may take together.
    pub connect_timeout: Duration,
    /// How long an answer to a command may take.
    pub command_timeout: Duration,
    /// How long the answer to a whole message may take.
    pub message_timeout: Duration,
}

impl Default for SmtpOptions {
    /// 16 sessions; 10 s to connect, 30 s for a command, 60 s for a message.
    fn default() -> Self {
        Self {
            sessions: 16,
            connect_timeout: Duration::from_secs(10),
            command_timeout: Duration::from_secs(30),
            message_timeout: Duration::from_secs(60),
        }
    }
}

/// The text is no URL of a mail server.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "expected smtp://host:port, smtps://user:password@host:465, or smtp:// with ?tls=required or ?tls=opportunistic"
)]
pub struct InvalidSmtpUrl;

/// A mail server.
pub struct SmtpProvider {
    server: Server,
    sessions: usize,
    permits: Semaphore,
    idle: Mutex<Vec<(Session, Instant)>>,
}

impl fmt::Debug for SmtpProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpProvider")
            .field("host", &self.server.host)
            .field("sessions", &self.sessions)
            .finish_non_exhaustive()
    }
}

impl SmtpProvider {
    /// The server at `url`: `smtp://` (plain, or STARTTLS with `?tls=required` or `?tls=opportunistic`) or `smtps://`
    /// (TLS from the start), with user and password if it wants them. Connects when first used.
    ///
    /// # Errors
    /// If the text is none of these.
    pub fn new(url: &SecretString, options: &SmtpOptions) -> Result<Self, InvalidSmtpUrl> {
        let sessions = options.sessions.max(1);
        Ok(Self {
            server: server(url.expose_secret(), options)?,
            sessions,
            permits: Semaphore::new(sessions),
            idle: Mutex::default(),
        })
    }

    /// An idle session that is fresh enough; and whether it is a used one.
    async fn session(&self) -> Result<(Session, bool), String> {
        match self.take_idle() {
            Some(session) => Ok((session, true)),
            None => Ok((Session::open(&self.server).await?, false)),
        }
    }

    fn take_idle(&self) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // the last one back is the freshest, so once one is too old all below it are
        match idle.pop() {
            Some((session, since)) if since.elapsed() < IDLE_MAX => Some(session),
            Some(_) => {
                idle.clear();
                None
            }
            None => None,
        }
    }

    fn give_back(&self, session: Session) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((session, Instant::now()));
    }

    async fn deliver(&self, mail: &OutgoingMail) -> Handover {
        loop {
            let (session, used) = match self.session().await {
                Ok(found) => found,
                Err(why) => return Handover::Unreachable { why },
            };
            let Delivered {
                handover,
                session,
                was_stale,
            } = session.deliver(mail).await;
            if let Some(session) = session {
                self.give_back(session);
            }
            // A used session that ends before it took anything was closed while idle. The loop ends, because each
            // turn uses up an idle session and a new one is not stale.
            if was_stale && used {
                continue;
            }
            return if was_stale {
                unreachable_from(handover)
            } else {
                handover
            };
        }
    }
}

/// A new session that is cut before it takes anything: that is the server, not the message.
fn unreachable_from(handover: Handover) -> Handover {
    match handover {
        Handover::Deferred { reply } => Handover::Unreachable { why: reply },
        other @ (Handover::Accepted
        | Handover::Refused { .. }
        | Handover::Unreachable { .. }
        | Handover::Unknown { .. }) => other,
    }
}

impl EmailProvider for SmtpProvider {
    fn sessions(&self) -> usize {
        self.sessions
    }

    fn hand_over<'a>(&'a self, mail: &'a OutgoingMail) -> BoxFuture<'a, Handover> {
        Box::pin(async move {
            let Ok(_permit) = self.permits.acquire().await else {
                unreachable!("the semaphore is never closed");
            };
            self.deliver(mail).await
        })
    }
}

fn server(url: &str, options: &SmtpOptions) -> Result<Server, InvalidSmtpUrl> {
    let url: Url = url.parse().map_err(|_| InvalidSmtpUrl)?;
    let wanted = url
        .query_pairs()
        .find(|(name, _)| name == "tls")
        .map(|(_, value)| value.into_owned());
    let (tls, default_port) = match (url.scheme(), wanted.as_deref()) {
        ("smtp", None) => (TlsMode::None, 25),
        ("smtp", Some("opportunistic")) => (TlsMode::Opportunistic, 587),
        ("smtp", Some("required")) => (TlsMode::Required, 587),
        ("smtps", None) => (TlsMode::Wrapped, 465),
        (_, _) => return Err(InvalidSmtpUrl),
    };
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or(InvalidSmtpUrl)?;
    Ok(Server {
        // an IPv6 address stands in brackets in a URL, and without them elsewhere
        host: host.trim_matches(['[', ']']).to_owned(),
        port: url.port().unwrap_or(default_port),
        tls,
        credentials: credentials(&url)?,
        hello: ClientId::default(),
        connect_timeout: options.connect_timeout,
        command_timeout: options.command_timeout,
        message_timeout: options.message_timeout,
    })
}

fn credentials(url: &Url) -> Result<Option<Credentials>, InvalidSmtpUrl> {
    let Some(password) = url.password() else {
        return Ok(None);
    };
    Ok(Some(Credentials::new(
        percent_decoded(url.username())?,
        percent_decoded(password)?,
    )))
}

/// Undoes the escaping that user and password have in a URL.
fn percent_decoded(text: &str) -> Result<String, InvalidSmtpUrl> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let digits = tail.get(..2).ok_or(InvalidSmtpUrl)?;
            bytes.extend(hex::decode(digits).map_err(|_| InvalidSmtpUrl)?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).map_err(|_| InvalidSmtpUrl)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Result<Server, InvalidSmtpUrl> {
        server(url, &SmtpOptions::default())
    }

    #[test]
    fn the_url_says_when_tls_begins() {
        for (url, tls, port) in [
            ("smtp://127.0.0.1:1025", TlsMode::None, 1025),
            ("smtp://mail.example.com", TlsMode::None, 25),
            (
                "smtp://mail.example.com?tls=required",
                TlsMode::Required,
                587,
            ),
            (
                "smtp://mail.example.com?tls=opportunistic",
                TlsMode::Opportunistic,
                587,
            ),
            ("smtps://mail.example.com", TlsMode::Wrapped, 465),
        ] {
            let server = parsed(url).expect(url);
            assert_eq!((server.tls, server.port), (tls, port), "{url}");
        }
        for wrong in ["mail:25", "http://mail", "smtp://", "smtp://mail?tls=maybe"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn credentials_are_unescaped() {
        let server = parsed("smtps://ada:p%40ss%2Fword@mail.example.com").expect("a URL");
        assert_eq!(
            server.credentials,
            Some(Credentials::new("ada".into(), "p@ss/word".into()))
        );
        assert_eq!(parsed("smtp://mail").expect("a URL").credentials, None);
    }

    #[test]
    fn nothing_secret_is_printed() {
        let url = SecretString::from("smtps://ada:hunter2@mail.example.com");
        let provider = SmtpProvider::new(&url, &SmtpOptions::default()).expect("a URL");
        assert!(!format!("{provider:?}").contains("hunter2"));
    }
}
