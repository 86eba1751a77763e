//! Signatures with a secret that both sides know.

use chrono::{DateTime, Duration, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How far the time in a signature may be from ours.
pub(super) const CLOCK_TOLERANCE: Duration = Duration::minutes(5);

/// HMAC-SHA256 over parts, one after the other, in hexadecimal digits.
pub(super) fn sign(secret: &[u8], parts: &[&[u8]]) -> String {
    hex::encode(mac(secret, parts).finalize().into_bytes())
}

/// Whether a signature in hexadecimal digits is right; takes as long for a wrong one as for a right one.
pub(super) fn is_signed(secret: &[u8], parts: &[&[u8]], signature: &str) -> bool {
    hex::decode(signature).is_ok_and(|given| mac(secret, parts).verify_slice(&given).is_ok())
}

/// Whether a time in seconds since 1970 is now, as far as clocks agree.
pub(super) fn is_recent(seconds: &str, now: DateTime<Utc>) -> bool {
    let time = seconds
        .parse()
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.is_some_and(|time| (now - time).abs() <= CLOCK_TOLERANCE)
}

fn mac(secret: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length will do");
    for part in parts {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_rfc_4231() {
        // its test case 2
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(
            sign(b"Jefe", &[b"what do ya want ", b"for nothing?"]),
            expected
        );
        assert!(is_signed(
            b"Jefe",
            &[b"what do ya want for nothing?"],
            expected
        ));
        for wrong in ["", "5b", "zz", &expected.replace('5', "6")] {
            assert!(!is_signed(
                b"Jefe",
                &[b"what do ya want for nothing?"],
                wrong
            ));
        }
    }

    #[test]
    fn old_and_future_times_are_not_now() {
        let now = DateTime::from_timestamp(1_000_000, 0).expect("a time");
        for (seconds, recent) in [
            ("1000000", true),
            ("1000300", true),
            ("999700", true),
            ("999699", false),
            ("1000301", false),
            ("x", false),
            ("", false),
            ("99999999999999999", false),
        ] {
            assert_eq!(is_recent(seconds, now), recent, "{seconds}");
        }
    }
}
