//! The cookie of web sessions.

use axum::http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use shared::access::SESSION_TTL;
use url::Url;

/// Over https, a name that browsers accept only from this very host, for all of it, and over https.
const SECURE_NAME: &str = "__Host-creator-crm";
/// Over http, as on a programmer's machine.
const PLAIN_NAME: &str = "creator-crm";

fn name(public_url: &Url) -> &'static str {
    if public_url.scheme() == "https" {
        SECURE_NAME
    } else {
        PLAIN_NAME
    }
}

/// The cookie's value, if the request has it.
pub(crate) fn read(headers: &HeaderMap, public_url: &Url) -> Option<String> {
    let wanted = name(public_url);
    let lines = headers.get_all(header::COOKIE).iter();
    let mut pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value.to_owned())
}

/// The header that sets the cookie: for this host only, out of scripts' reach, and not sent along from other sites but by
/// links that are followed.
pub(crate) fn set(value: &SecretString, public_url: &Url) -> Option<HeaderValue> {
    let age = SESSION_TTL.num_seconds();
    let mut header = written(public_url, value.expose_secret(), age)?;
    header.set_sensitive(true);
    Some(header)
}

/// The header that removes the cookie.
pub(crate) fn clear(public_url: &Url) -> Option<HeaderValue> {
    written(public_url, "", 0)
}

fn written(public_url: &Url, value: &str, max_age_seconds: i64) -> Option<HeaderValue> {
    let name = name(public_url);
    let secure = if name == SECURE_NAME { "; Secure" } else { "" };
    let text = format!(
        "{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_seconds}{secure}"
    );
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_https_the_cookie_is_bound_to_the_host() {
        let https: Url = "https://crm.example".parse().expect("a URL");
        let header = set(&"ws_x".to_owned().into(), &https).expect("a header");
        assert_eq!(
            header.to_str().expect("text"),
            "__Host-creator-crm=ws_x; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000; Secure"
        );
        let mut headers = HeaderMap::new();
        let sent = HeaderValue::from_static("a=b; creator-crm=other; __Host-creator-crm=ws_x");
        headers.insert(header::COOKIE, sent);
        assert_eq!(read(&headers, &https).as_deref(), Some("ws_x"));
        let http: Url = "http://localhost:3004".parse().expect("a URL");
        assert_eq!(read(&headers, &http).as_deref(), Some("other"));
    }
}
