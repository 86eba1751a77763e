//! Services that are spoken to in signed JSON: what Paxum and a custody provider have in common.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::answer::one_line;
use super::{Refusal, Submission};
use crate::providers::http::{Answer, Exchange, HttpClient, Request};

/// How a refusal is written, as far as it can be understood.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    pub(super) code: String,
    pub(super) message: String,
    /// Whether the same will always be refused; yes, unless it says otherwise.
    #[serde(rename = "final")]
    pub(super) is_final: Option<bool>,
}

/// What an answer means before its body is looked at.
pub(super) enum Sorted {
    /// It was done; the body tells what.
    Done(Answer),
    /// It was refused; the body tells why.
    No(Answer),
    /// It is clear without the body.
    Ended(Submission),
}

/// Sorts how an exchange ended that was to cause something. Only what says so was done or refused; any fault of the other
/// side may have come after it acted.
pub(super) fn sorted(exchange: Exchange) -> Sorted {
    let answer = match exchange {
        Exchange::Answered(answer) => answer,
        Exchange::NotSent(why) => {
            return Sorted::Ended(Submission::NotSent {
                why,
                retry_after: None,
            });
        }
        Exchange::Unknown(why) => return Sorted::Ended(Submission::Unknown { why }),
    };
    match answer.status {
        200..=299 => Sorted::Done(answer),
        // it is us who are refused, or the moment
        401 | 403 | 404 | 429 => Sorted::Ended(Submission::NotSent {
            why: answer.summary(),
            retry_after: answer.retry_after,
        }),
        400 | 409 | 422 => Sorted::No(answer),
        _ => Sorted::Ended(Submission::Unknown {
            why: answer.summary(),
        }),
    }
}

/// The body of an answer, or why it cannot be understood.
pub(super) fn body<T: DeserializeOwned>(answer: &Answer) -> Result<T, String> {
    serde_json::from_slice(&answer.body).map_err(|error| format!("{} ({error})", answer.summary()))
}

/// A refusal in the words of the answer.
pub(super) fn refused(answer: &Answer) -> Submission {
    let said: Said = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = if said.code.is_empty() {
        format!("http-{}", answer.status)
    } else {
        said.code
    };
    let message = if said.message.is_empty() {
        answer.summary()
    } else {
        said.message
    };
    Submission::Refused {
        refusal: Refusal::new(&code, &message),
        is_final: said.is_final.unwrap_or(true),
    }
}

/// A payment that this provider does not carry out.
pub(super) fn unfit(why: &str) -> Submission {
    Submission::Refused {
        refusal: Refusal::new("unfit-instruction", why),
        is_final: true,
    }
}

/// A connection to a service with the key and secret it knows us by.
pub(super) struct SignedApi {
    pub(super) http: HttpClient,
    key: SecretString,
    secret: SecretString,
}

impl std::fmt::Debug for SignedApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedApi")
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// The parts of a request that a service wants signed, in its order.
pub(super) type SignedParts = fn(timestamp: &str, request: &Request) -> Vec<u8>;

impl SignedApi {
    pub(super) fn new(http: HttpClient, key: SecretString, secret: SecretString) -> Self {
        Self { http, key, secret }
    }

    pub(super) fn secret(&self) -> &[u8] {
        self.secret.expose_secret().as_bytes()
    }

    /// Signs a request and sends it, once.
    pub(super) async fn call(
        &self,
        request: Request,
        parts: SignedParts,
        now: DateTime<Utc>,
    ) -> Exchange {
        let timestamp = now.timestamp().to_string();
        let signature = super::signing::sign(self.secret(), &[&parts(&timestamp, &request)]);
        let request = request
            .header("x-api-key", self.key.expose_secret())
            .header("x-timestamp", timestamp)
            .header("x-signature", signature);
        self.http.exchange(request).await
    }
}

/// A text for people out of an exchange that was only a question.
pub(super) fn no_answer(exchange: &Exchange) -> String {
    match exchange {
        Exchange::Answered(answer) => answer.summary(),
        Exchange::NotSent(why) | Exchange::Unknown(why) => one_line(why, 300),
    }
}
