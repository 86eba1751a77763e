//! Access tokens: JSON Web Tokens signed with HS256.

use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::SessionId;
use crate::config::Secrets;
use crate::kernel::{Actor, Role};

const ISSUER: &str = "creator-crm";
const AUDIENCE: &str = "creator-crm-api";
/// How far another machine's clock may be off, in seconds.
pub const CLOCK_SKEW_SECONDS: i64 = 5;
/// The longest a token can be made to live.
pub const TOKEN_TTL_MAX: Duration = Duration::from_secs(366 * 24 * 3600);
/// Bytes of a secret's name.
const KID_BYTES: usize = 6;
/// Roles in one token at the most.
const ROLES_MAX: usize = 16;

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    roles: Vec<String>,
    /// The session, of a token that a login gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<SessionId>,
    iat: i64,
    exp: i64,
    iss: String,
    aud: String,
}

/// Why a token is not believed.
#[derive(Debug, Error)]
pub enum TokenError {
    /// Not signed by us, for another audience, or not a token at all.
    #[error("the token is not valid")]
    Invalid(#[source] jsonwebtoken::errors::Error),
    /// Its time has passed.
    #[error("the token has expired")]
    Expired,
    /// It claims to have been made later than now.
    #[error("the token is not valid yet")]
    NotYet,
    /// It names no subject, or no role that is known.
    #[error("the token names no subject or no known role")]
    NoRole,
}

/// What a token says, once its signature and time were found right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Believed {
    /// Who holds it, as it says.
    pub actor: Actor,
    /// The session it belongs to; what its holder may do now is for that to tell. None for a token of the command line,
    /// which says all there is.
    pub session: Option<SessionId>,
}

/// A secret and the name by which tokens say that they were signed with it.
#[derive(Clone)]
struct NamedKey {
    kid: String,
    key: DecodingKey,
}

/// Makes tokens and reads them.
#[derive(Clone)]
pub struct Tokens {
    signing: EncodingKey,
    /// The name of the current secret.
    kid: String,
    /// The current secret, then the previous one.
    accepted: Vec<NamedKey>,
    validation: Validation,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

impl Tokens {
    /// Tokens signed with the configured secret; those of the previous secret are still read.
    pub fn new(secrets: &Secrets) -> Self {
        let bytes = |secret: &secrecy::SecretString| secret.expose_secret().as_bytes().to_vec();
        let accepted = std::iter::once(&secrets.jwt).chain(&secrets.jwt_previous);
        // Only HS256 is named, so a token that says `none` or another algorithm is refused before its signature counts.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // the library would ask the machine's clock; `read` compares with the time it is given
        validation.validate_exp = false;
        Self {
            signing: EncodingKey::from_secret(&bytes(&secrets.jwt)),
            kid: kid(&bytes(&secrets.jwt)),
            accepted: accepted
                .map(|secret| NamedKey {
                    kid: kid(&bytes(secret)),
                    key: DecodingKey::from_secret(&bytes(secret)),
                })
                .collect(),
            validation,
        }
    }

    /// A token of the command line for `subject` that lives for `ttl`, at most [`TOKEN_TTL_MAX`].
    pub fn issue(
        &self,
        subject: &str,
        roles: &[Role],
        now: DateTime<Utc>,
        ttl: Duration,
    ) -> String {
        self.issue_for(subject, roles, None, now, ttl)
    }

    /// As [`Tokens::issue`], for a session.
    ///
    /// # Panics
    /// Never: plain claims and a key of bytes can always be signed.
    pub(super) fn issue_for(
        &self,
        subject: &str,
        roles: &[Role],
        session: Option<SessionId>,
        now: DateTime<Utc>,
        ttl: Duration,
    ) -> String {
        let claims = Claims {
            sid: session,
            sub: subject.to_owned(),
            roles: roles.iter().map(ToString::to_string).collect(),
            iat: now.timestamp(),
            exp: now
                .timestamp()
                .saturating_add_unsigned(ttl.min(TOKEN_TTL_MAX).as_secs()),
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
        };
        let header = Header {
            kid: Some(self.kid.clone()),
            ..Header::new(Algorithm::HS256)
        };
        jsonwebtoken::encode(&header, &claims, &self.signing).expect("plain claims can be signed")
    }

    /// Who holds this token. Roles that this version does not know are left out.
    ///
    /// # Errors
    /// If it is not to be believed.
    pub fn read(&self, token: &str, now: DateTime<Utc>) -> Result<Believed, TokenError> {
        let claims = self.verify(token)?;
        if claims.exp.saturating_add(CLOCK_SKEW_SECONDS) <= now.timestamp() {
            return Err(TokenError::Expired);
        }
        if claims.iat.saturating_sub(CLOCK_SKEW_SECONDS) > now.timestamp() {
            return Err(TokenError::NotYet);
        }
        let roles: Vec<Role> = claims
            .roles
            .iter()
            .take(ROLES_MAX)
            .filter_map(|role| role.parse().ok())
            .collect();
        if claims.sub.is_empty() || roles.is_empty() {
            return Err(TokenError::NoRole);
        }
        Ok(Believed {
            actor: Actor::user(claims.sub, &roles),
            session: claims.sid,
        })
    }

    fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(TokenError::Invalid)?;
        let mut last = jsonwebtoken::errors::ErrorKind::InvalidToken.into();
        // a token that names no key may be of either
        let named = |known: &&NamedKey| header.kid.as_ref().is_none_or(|kid| *kid == known.kid);
        for known in self.accepted.iter().filter(named) {
            match jsonwebtoken::decode::<Claims>(token, &known.key, &self.validation) {
                Ok(data) => return Ok(data.claims),
                Err(error) => last = error,
            }
        }
        Err(TokenError::Invalid(last))
    }
}

/// The name of a secret: tells nothing of it, and is the same in every process.
fn kid(secret: &[u8]) -> String {
    let hash = Sha256::new()
        .chain_update("creator-crm kid v1")
        .chain_update(secret)
        .finalize();
    hex::encode(&hash[..KID_BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn tokens(secret: &str, previous: Option<&str>) -> Tokens {
        Tokens::new(&Secrets {
            jwt: secret.to_owned().into(),
            jwt_previous: previous.map(|text| text.to_owned().into()),
            encryption: secrecy::SecretBox::new(Box::new([0; 32])),
        })
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
    }

    /// A token whose header and claims are what the test says, signed with `secret`.
    fn forged(header: &Header, claims: &serde_json::Value, secret: &str) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(secret.as_bytes()))
            .expect("signed")
    }

    #[test]
    fn a_token_tells_who_made_the_request() {
        let tokens = tokens("a", None);
        let token = tokens.issue("ada", &[Role::Ops, Role::Finance], now(), HOUR);
        let believed = tokens.read(&token, now()).expect("believed");
        assert_eq!(
            believed.actor,
            Actor::user("ada", &[Role::Ops, Role::Finance])
        );
    }

    #[test]
    fn a_token_expires_with_a_small_allowance_for_skew() {
        let tokens = tokens("a", None);
        let token = tokens.issue("ada", &[Role::Ops], now(), HOUR);
        let at = |seconds: i64| now() + chrono::Duration::seconds(seconds);
        assert!(
            tokens
                .read(&token, at(3600 + CLOCK_SKEW_SECONDS - 1))
                .is_ok()
        );
        assert!(matches!(
            tokens.read(&token, at(3600 + CLOCK_SKEW_SECONDS)),
            Err(TokenError::Expired)
        ));
        assert!(matches!(
            tokens.read(&token, at(-CLOCK_SKEW_SECONDS - 1)),
            Err(TokenError::NotYet)
        ));
    }

    #[test]
    fn another_secrets_token_is_refused_and_the_previous_one_is_read() {
        let token = tokens("old", None).issue("ada", &[Role::Ops], now(), HOUR);
        assert!(matches!(
            tokens("new", None).read(&token, now()),
            Err(TokenError::Invalid(_))
        ));
        assert!(tokens("new", Some("old")).read(&token, now()).is_ok());
    }

    #[test]
    fn a_token_names_the_secret_it_was_signed_with() {
        let token = tokens("old", None).issue("ada", &[Role::Ops], now(), HOUR);
        let header = jsonwebtoken::decode_header(&token).expect("a header");
        assert_eq!(header.kid, Some(kid(b"old")));
        assert_ne!(kid(b"old"), kid(b"new"));
        // a token that names the wrong key is not tried with the right one
        let claims = serde_json::json!({ "sub": "ada", "roles": ["ops"], "iat": now().timestamp(),
                                         "exp": now().timestamp() + 60, "iss": ISSUER, "aud": AUDIENCE });
        let header = Header {
            kid: Some(kid(b"new")),
            ..Header::new(Algorithm::HS256)
        };
        let token = forged(&header, &claims, "old");
        assert!(matches!(
            tokens("old", None).read(&token, now()),
            Err(TokenError::Invalid(_))
        ));
    }

    #[test]
    fn other_algorithms_audiences_and_issuers_are_refused() {
        let claims = |iss: &str, aud: &str| {
            serde_json::json!({ "sub": "ada", "roles": ["admin"], "iat": now().timestamp(),
                                "exp": now().timestamp() + 60, "iss": iss, "aud": aud })
        };
        let (hs256, hs512) = (Header::new(Algorithm::HS256), Header::new(Algorithm::HS512));
        let tokens = tokens("a", None);
        assert!(
            tokens
                .read(&forged(&hs256, &claims(ISSUER, AUDIENCE), "a"), now())
                .is_ok()
        );
        for token in [
            forged(&hs512, &claims(ISSUER, AUDIENCE), "a"),
            forged(&hs256, &claims("somebody", AUDIENCE), "a"),
            forged(&hs256, &claims(ISSUER, "elsewhere"), "a"),
        ] {
            assert!(matches!(
                tokens.read(&token, now()),
                Err(TokenError::Invalid(_))
            ));
        }
        // {"alg":"none","typ":"JWT"} with no signature
        let body = forged(&hs256, &claims(ISSUER, AUDIENCE), "a");
        let none = format!(
            "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.",
            body.split('.').nth(1).expect("claims")
        );
        assert!(matches!(
            tokens.read(&none, now()),
            Err(TokenError::Invalid(_))
        ));
    }

    #[test]
    fn a_token_without_a_known_role_grants_nothing() {
        let claims = serde_json::json!({ "sub": "ada", "roles": ["king"], "iat": now().timestamp(),
                                         "exp": now().timestamp() + 60, "iss": ISSUER, "aud": AUDIENCE });
        let token = forged(&Header::new(Algorithm::HS256), &claims, "a");
        assert!(matches!(
            tokens("a", None).read(&token, now()),
            Err(TokenError::NoRole)
        ));
    }
}
