//! Where a request comes from, as far as it can be believed.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use ipnet::IpNet;
use shared::kernel::Origin;

/// Characters of a program's name for itself that are kept.
const USER_AGENT_MAX_CHARS: usize = 300;
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The caller's address and program. `X-Forwarded-For` counts only as far as `proxies` wrote it: read from its end, the
/// first address that is none of theirs is the caller's, and what stands before it may be made up.
pub(super) fn of(headers: &HeaderMap, peer: Option<IpAddr>, proxies: &[IpNet]) -> Origin {
    let trusted = |ip: &IpAddr| proxies.iter().any(|network| network.contains(ip));
    let mut ip = peer.map(|ip| ip.to_canonical());
    let lines = headers.get_all(FORWARDED_FOR).iter();
    let told: Vec<&str> = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .collect();
    for hop in told.iter().rev() {
        if !ip.as_ref().is_some_and(trusted) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(address) => ip = Some(address.to_canonical()),
            Err(_) => break,
        }
    }
    let agent = headers.get(header::USER_AGENT);
    let agent = agent.map(|value| String::from_utf8_lossy(value.as_bytes()));
    Origin {
        ip,
        user_agent: agent.map(|text| text.chars().take(USER_AGENT_MAX_CHARS).collect()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn caller(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            let value = HeaderValue::from_str(line).expect("a header");
            headers.append(FORWARDED_FOR, value);
        }
        let proxies = ["10.0.0.0/8".parse().expect("a network")];
        let origin = of(&headers, peer.parse().ok(), &proxies);
        origin.ip.map(|ip| ip.to_string()).unwrap_or_default()
    }

    #[test]
    fn who_is_no_proxy_is_the_caller_whatever_they_say() {
        assert_eq!(caller("192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(caller("::ffff:192.0.2.1", &[]), "192.0.2.1");
    }

    #[test]
    fn behind_proxies_the_last_address_that_is_none_of_theirs_is_the_caller() {
        assert_eq!(caller("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(
            caller("10.0.0.1", &["1.1.1.1, 203.0.113.9", "10.0.0.7"]),
            "203.0.113.9"
        );
    }

    #[test]
    fn what_is_no_address_ends_the_search() {
        assert_eq!(caller("10.0.0.1", &["203.0.113.9, unknown"]), "10.0.0.1");
        assert_eq!(caller("10.0.0.1", &[]), "10.0.0.1");
    }
}
