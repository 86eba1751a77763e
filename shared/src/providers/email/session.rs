//! One SMTP session, driven command by command.
//!
//! The transports of lettre answer one error for a whole message, which does not tell whether the server was still
//! waiting for a recipient or had the whole message in hand. Its connection, used directly, lets us know the phase.

use std::fmt::{self, Display};
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::reply::{CLOSING, Refusal, plain};
use super::{Handover, OutgoingMail};

/// When TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsMode {
    /// Never: for servers on the same machine.
    None,
    /// With STARTTLS if the server offers it.
    Opportunistic,
    /// With STARTTLS; a server without it is refused.
    Required,
    /// From the first byte.
    Wrapped,
}

/// Where the server is and how it is talked to.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: TlsMode,
    pub(super) credentials: Option<Credentials>,
    pub(super) hello: ClientId,
    /// How long connecting, greeting and logging in may take together.
    pub(super) connect_timeout: Duration,
    /// How long an answer to a command may take.
    pub(super) command_timeout: Duration,
    /// How long the answer to a whole message may take; longer, because servers scan messages before they accept them.
    pub(super) message_timeout: Duration,
}

/// An open session between two messages.
pub(super) struct Session {
    connection: AsyncSmtpConnection,
    command_timeout: Duration,
    message_timeout: Duration,
}

/// How one message ended, and the session if it can carry another.
pub(super) struct Delivered {
    pub(super) handover: Handover,
    pub(super) session: Option<Session>,
    /// The session broke before the server had answered anything: it may simply have been idle for too long.
    pub(super) was_stale: bool,
}

/// Why a command brought no positive answer.
enum Trouble {
    /// The server said no.
    Refused(Refusal),
    /// No answer came: time-out, cut, or not SMTP.
    Silent(String),
}

impl Session {
    /// Opens a session.
    ///
    /// # Errors
    /// With what went wrong, in words.
    pub(super) async fn open(server: &Server) -> Result<Self, String> {
        let connection = timeout(server.connect_timeout, connect(server))
            .await
            .map_err(|_| {
                format!(
                    "no session with the mail server within {} s",
                    server.connect_timeout.as_secs()
                )
            })??;
        Ok(Self {
            connection,
            command_timeout: server.command_timeout,
            message_timeout: server.message_timeout,
        })
    }

    /// Sends one message.
    pub(super) async fn deliver(mut self, mail: &OutgoingMail) -> Delivered {
        let (Some(from), Some(to)) = (address(mail.from.as_str()), address(mail.to.as_str()))
        else {
            // both were parsed by the same grammar at the border
            let handover = Handover::Refused {
                reply: "not an address".into(),
                dead_mailbox: true,
            };
            return Delivered {
                handover,
                session: Some(self),
                was_stale: false,
            };
        };
        // no recipient is named yet: whatever is wrong, it is not this message
        match self.command(Mail::new(Some(from), Vec::new())).await {
            Ok(_) => {}
            Err(Trouble::Silent(why)) => return Delivered::lost(why, true),
            Err(Trouble::Refused(refusal)) if refusal.code == CLOSING => {
                return Delivered::lost(refusal.to_string(), true);
            }
            Err(Trouble::Refused(refusal)) => return self.after_refused_sender(refusal).await,
        }
        match self.command(Rcpt::new(to, Vec::new())).await {
            Ok(_) => {}
            Err(trouble) => return self.after_trouble(trouble).await,
        }
        match self.command(Data).await {
            Ok(response) if response.has_code(354) => {}
            Ok(response) => {
                return Delivered::lost(format!("answered DATA with {}", response.code()), false);
            }
            Err(trouble) => return self.after_trouble(trouble).await,
        }
        self.content(&mail.message).await
    }

    /// Sends the content. From here on, silence no longer means that nothing happened.
    async fn content(mut self, message: &str) -> Delivered {
        // in one piece: a second small packet would wait for the first one's acknowledgement
        match self.ask(Content(message), self.message_timeout).await {
            Ok(_) => Delivered {
                handover: Handover::Accepted,
                session: Some(self),
                was_stale: false,
            },
            Err(Trouble::Refused(refusal)) => {
                let session = (refusal.code != CLOSING).then_some(self);
                Delivered {
                    handover: refusal.about_message(),
                    session,
                    was_stale: false,
                }
            }
            Err(Trouble::Silent(why)) => Delivered {
                handover: Handover::Unknown { why },
                session: None,
                was_stale: false,
            },
        }
    }

    async fn after_refused_sender(self, refusal: Refusal) -> Delivered {
        let handover = if refusal.is_permanent() {
            Handover::Unreachable {
                why: format!("the mail server refuses the sender: {refusal}"),
            }
        } else {
            refusal.about_message()
        };
        Delivered {
            handover,
            session: self.reset().await,
            was_stale: false,
        }
    }

    async fn after_trouble(self, trouble: Trouble) -> Delivered {
        match trouble {
            Trouble::Silent(why) => Delivered::lost(why, false),
            Trouble::Refused(refusal) => {
                let session = if refusal.code == CLOSING {
                    None
                } else {
                    self.reset().await
                };
                Delivered {
                    handover: refusal.about_message(),
                    session,
                    was_stale: false,
                }
            }
        }
    }

    /// Takes back what was begun, so that the session can carry another message.
    async fn reset(mut self) -> Option<Self> {
        self.command(Rset).await.is_ok().then_some(self)
    }

    async fn command(&mut self, command: impl Display) -> Result<Response, Trouble> {
        self.ask(command, self.command_timeout).await
    }

    async fn ask(&mut self, command: impl Display, limit: Duration) -> Result<Response, Trouble> {
        match timeout(limit, self.connection.command(command)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(Refusal::of(&error)
                .map_or_else(|| Trouble::Silent(words(&error)), Trouble::Refused)),
            Err(_) => Err(Trouble::Silent(format!(
                "no answer within {} s",
                limit.as_secs()
            ))),
        }
    }
}

impl Delivered {
    /// The session ended before the message was handed over.
    fn lost(why: String, was_stale: bool) -> Self {
        Self {
            handover: Handover::Deferred { reply: why },
            session: None,
            was_stale,
        }
    }
}

/// A message's content as it goes over the wire: lines that begin with a dot get another (RFC 5321, 4.5.2), and a line
/// with nothing but a dot ends it.
struct Content<'a>(&'a str);

impl Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.0.split_inclusive("\r\n") {
            if line.starts_with('.') {
                f.write_str(".")?;
            }
            f.write_str(line)?;
        }
        f.write_str(if self.0.ends_with("\r\n") {
            ".\r\n"
        } else {
            "\r\n.\r\n"
        })
    }
}

async fn connect(server: &Server) -> Result<AsyncSmtpConnection, String> {
    let mut connection = match server.tls {
        TlsMode::Wrapped => {
            let at = (server.host.as_str(), server.port);
            let tls = tls_parameters(server)?;
            AsyncSmtpConnection::connect_tokio1(at, None, &server.hello, Some(tls), None)
                .await
                .map_err(|e| words(&e))?
        }
        TlsMode::None | TlsMode::Opportunistic | TlsMode::Required => connect_plain(server).await?,
    };
    let upgrade = match server.tls {
        TlsMode::Required => true,
        TlsMode::Opportunistic => connection.can_starttls(),
        TlsMode::None | TlsMode::Wrapped => false,
    };
    if upgrade {
        connection
            .starttls(tls_parameters(server)?, &server.hello)
            .await
            .map_err(|e| words(&e))?;
    }
    if let Some(credentials) = &server.credentials {
        connection
            .auth(DEFAULT_MECHANISMS, credentials)
            .await
            .map_err(|e| words(&e))?;
    }
    Ok(connection)
}

async fn connect_plain(server: &Server) -> Result<AsyncSmtpConnection, String> {
    let stream = TcpStream::connect((server.host.as_str(), server.port))
        .await
        .map_err(|error| format!("cannot connect to {}:{}: {error}", server.host, server.port))?;
    // each command waits for its answer, so there is nothing that waiting could gather
    stream
        .set_nodelay(true)
        .map_err(|error| error.to_string())?;
    AsyncSmtpConnection::connect_with_transport(Box::new(stream), &server.hello)
        .await
        .map_err(|e| words(&e))
}

fn tls_parameters(server: &Server) -> Result<TlsParameters, String> {
    TlsParameters::new(server.host.clone()).map_err(|e| words(&e))
}

fn address(text: &str) -> Option<Address> {
    text.parse().ok()
}

fn words(error: &Error) -> String {
    plain(&error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_dot_inside_a_message_does_not_end_it() {
        let wire = Content("a\r\n.\r\n..b\r\nc.\r\n").to_string();
        assert_eq!(wire, "a\r\n..\r\n...b\r\nc.\r\n.\r\n");
        assert_eq!(Content("a").to_string(), "a\r\n.\r\n");
    }
}
