//! Free ports of 127.0.0.1.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result, bail};

use super::secret::secret_hex;

/// Servers get ports from this range: above the registered services that
/// people run, below the range from which systems take ports for outgoing
/// connections. A server that is stopped and restarted thus finds its port
/// still free.
const PORT_RANGE: std::ops::Range<u16> = 20_000..30_000;
/// Ports to try before giving up.
const ATTEMPTS_MAX: usize = 200;

/// A port of 127.0.0.1 that nobody listens on right now.
///
/// # Errors
/// When no port of the range answered, or there is no randomness.
pub fn free_port() -> Result<u16> {
    for _ in 0..ATTEMPTS_MAX {
        let random = u16::from_str_radix(&secret_hex(2)?, 16).context("four hex digits")?;
        let port = PORT_RANGE.start + random % (PORT_RANGE.end - PORT_RANGE.start);
        if is_free(port) {
            return Ok(port);
        }
    }
    bail!(
        "no free port of 127.0.0.1 between {} and {}",
        PORT_RANGE.start,
        PORT_RANGE.end
    )
}

/// `port` if it is free, else any free one.
///
/// # Errors
/// As [`free_port`].
pub fn prefer_port(port: u16) -> Result<u16> {
    if is_free(port) { Ok(port) } else { free_port() }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_not_handed_out() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_ne!(prefer_port(port).unwrap(), port);
        drop(taken);
        assert_eq!(prefer_port(port).unwrap(), port);
    }

    #[test]
    fn free_ports_come_from_the_range_for_servers() {
        assert!(PORT_RANGE.contains(&free_port().unwrap()));
    }
}
