//! Where a service is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;
use url::{Host, Url};

/// The base address of a service: encrypted, or on this machine. Nothing from outside ever makes one.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

/// The text is no address that requests may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("use https://… without user, query or fragment; http:// only to this machine")]
pub struct InvalidEndpoint;

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;
    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let url: Url = text
            .trim_end_matches('/')
            .parse()
            .map_err(|_| InvalidEndpoint)?;
        let encrypted = match url.scheme() {
            "https" => true,
            "http" => is_this_machine(&url),
            _ => false,
        };
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.host().is_some();
        (encrypted && plain)
            .then_some(Self(url))
            .ok_or(InvalidEndpoint)
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}

impl Endpoint {
    /// Scheme, host and port, without a path: what a path of [`Endpoint::path`] is appended to.
    pub(super) fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// A path below this address, beginning with a slash, and its query. Segments that come from elsewhere are escaped, so
    /// that none of them leads to another place.
    pub fn path(&self, segments: &[&str], query: &[(&str, &str)]) -> String {
        let mut url = self.0.clone();
        // an address with a host always has a path to extend
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_addresses_and_this_machine_are_taken() {
        for text in [
            "https://api.example",
            "https://api.example:8443/base/",
            "http://127.0.0.1:8080",
            "http://[::1]:80",
            "http://localhost",
        ] {
            assert!(text.parse::<Endpoint>().is_ok(), "{text}");
        }
        for text in [
            "http://api.example",
            "http://10.0.0.1",
            "ftp://api.example",
            "https://user@api.example",
            "https://api.example?x=1",
            "https://api.example#x",
            "api.example",
            "",
            "http://127.0.0.1.example",
            "file:///etc/passwd",
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(InvalidEndpoint), "{text}");
        }
    }

    #[test]
    fn segments_cannot_leave_their_place() {
        let base: Endpoint = "https://api.example/base/".parse().expect("an address");
        assert_eq!(base.path(&["v1", "payouts"], &[]), "/base/v1/payouts");
        assert_eq!(
            base.path(&["a/b", "c?d", "é"], &[("q", "x&y=z")]),
            "/base/a%2Fb/c%3Fd/%C3%A9?q=x%26y%3Dz"
        );
        // a dot segment is dropped, never followed upwards
        assert_eq!(base.path(&["..", "x"], &[]), "/base/x");
        assert_eq!(base.origin(), "https://api.example");
    }
}
