//! The token that proves who we are to PayPal, fetched when there is none and shared until shortly before it ends.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::super::signed_api::{body, no_answer};
use crate::providers::http::{Exchange, HttpClient, Request};

/// A token is not used in its last minute: a request takes time.
const MARGIN: Duration = Duration::minutes(1);
/// A token is fetched again after this at the latest, whatever its end says.
const LIFE_MAX: Duration = Duration::hours(12);

#[derive(Debug)]
pub(super) struct Tokens {
    client_id: SecretString,
    client_secret: SecretString,
    /// Held while one is fetched, so that many who need one fetch it once.
    current: Mutex<Option<(SecretString, DateTime<Utc>)>>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: i64,
}

impl Tokens {
    pub(super) fn new(client_id: SecretString, client_secret: SecretString) -> Self {
        Self {
            client_id,
            client_secret,
            current: Mutex::new(None),
        }
    }

    /// The value of an `authorization` header.
    ///
    /// # Errors
    /// If PayPal grants none; nothing was asked of it but that.
    pub(super) async fn get(
        &self,
        http: &HttpClient,
        now: DateTime<Utc>,
    ) -> Result<String, String> {
        let mut current = self.current.lock().await;
        if let Some((token, until)) = &*current
            && now < *until
        {
            return Ok(bearer(token));
        }
        let granted = self.fetch(http).await?;
        let life = Duration::seconds(granted.expires_in.max(0)).min(LIFE_MAX) - MARGIN;
        let header = bearer(&granted.access_token);
        *current = Some((granted.access_token, now + life));
        Ok(header)
    }

    /// The next request fetches another one.
    pub(super) async fn forget(&self) {
        *self.current.lock().await = None;
    }

    async fn fetch(&self, http: &HttpClient) -> Result<Granted, String> {
        let pair = format!(
            "{}:{}",
            self.client_id.expose_secret(),
            self.client_secret.expose_secret()
        );
        let path = http.endpoint().path(&["v1", "oauth2", "token"], &[]);
        let form = b"grant_type=client_credentials".to_vec();
        let request = Request::post(path, "application/x-www-form-urlencoded", form)
            .header("authorization", format!("Basic {}", STANDARD.encode(pair)));
        let exchange = http.exchange(request).await;
        match &exchange {
            // what cannot be understood may hold the token, so it is not repeated
            Exchange::Answered(answer) if answer.status == 200 => {
                body(answer).map_err(|_| "PayPal's answer holds no token".to_owned())
            }
            Exchange::Answered(_) | Exchange::NotSent(_) | Exchange::Unknown(_) => {
                Err(format!("PayPal grants no token: {}", no_answer(&exchange)))
            }
        }
    }
}

fn bearer(token: &SecretString) -> String {
    format!("Bearer {}", token.expose_secret())
}
