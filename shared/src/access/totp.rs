//! The second factor: codes that change every half minute (RFC 6238), and codes for the day the phone is lost.

use secrecy::{ExposeSecret, SecretString};
use totp_rs::{Builder, Secret, Totp};

use super::secret::fingerprint;
use crate::kernel::EmailAddress;

/// Bytes of a secret: as long as the hash (RFC 4226 section 4).
const SECRET_BYTES: usize = 20;
const ISSUER: &str = "CreatorCRM";
/// Recovery codes that a user gets.
pub const RECOVERY_CODES: usize = 10;
/// Random bytes of a recovery code.
const RECOVERY_BYTES: usize = 10;
/// Steps before and after the present one whose codes are taken, for clocks that are off.
const SKEW_STEPS: u16 = 1;

/// The secret that a user and we share.
#[derive(Clone)]
pub(super) struct TotpSecret([u8; SECRET_BYTES]);

impl TotpSecret {
    pub(super) fn random() -> Self {
        Self(rand::random())
    }

    /// The secret as it was kept; none if it is none.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The time step whose code this is, around `unix_seconds`.
    pub(super) fn step_of(&self, code: &str, unix_seconds: i64) -> Option<i64> {
        let time = u64::try_from(unix_seconds).ok()?;
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let step = self.totp("user").check(&code, time)?;
        i64::try_from(step).ok()
    }

    /// What the user's app is told: the secret in Base32, and the same as an `otpauth://` link for a QR code.
    pub(super) fn shown(&self, email: &EmailAddress) -> (SecretString, SecretString) {
        // a colon would end the account's name
        let account = email.as_str().replace(':', "_");
        let url = self.totp(&account).to_url().unwrap_or_default();
        (Secret::new_stack(self.0).to_base32().into(), url.into())
    }

    fn totp(&self, account: &str) -> Totp {
        Builder::new()
            .with_secret(Secret::new_stack(self.0))
            .with_skew(SKEW_STEPS)
            .with_account_name(account)
            .with_issuer(Some(ISSUER))
            .build_noncompliant()
    }
}

/// New recovery codes, as `xxxx-xxxx-xxxx-xxxx` in Base32.
pub(super) fn recovery_codes() -> Vec<SecretString> {
    let code = || {
        let bytes: [u8; RECOVERY_BYTES] = rand::random();
        let text = Secret::from(bytes.to_vec()).to_base32().to_lowercase();
        let parts: Vec<&str> = (0..text.len())
            .step_by(4)
            .map(|at| &text[at..(at + 4).min(text.len())])
            .collect();
        SecretString::from(parts.join("-"))
    };
    (0..RECOVERY_CODES).map(|_| code()).collect()
}

/// By which a recovery code is found again, however it was typed.
pub(super) fn recovery_fingerprint(code: &str) -> Vec<u8> {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    fingerprint(&plain.to_lowercase())
}

/// The fingerprints of new codes.
pub(super) fn recovery_fingerprints(codes: &[SecretString]) -> Vec<Vec<u8>> {
    let codes = codes.iter();
    codes
        .map(|code| recovery_fingerprint(code.expose_secret()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B uses this secret for SHA-1.
    fn rfc_secret() -> TotpSecret {
        TotpSecret(*b"12345678901234567890")
    }

    #[test]
    fn the_codes_are_those_of_the_rfc() {
        // appendix B, the last six of the eight digits
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(rfc_secret().step_of(code, time), Some(time / 30), "{time}");
        }
    }

    #[test]
    fn codes_of_neighbouring_steps_are_taken_and_no_others() {
        let code = "081804";
        let step = 1_111_111_109 / 30;
        for (seconds, taken) in [
            (-60, false),
            (-30, true),
            (0, true),
            (30, true),
            (60, false),
        ] {
            let found = rfc_secret().step_of(code, 1_111_111_109 + seconds);
            assert_eq!(found, taken.then_some(step), "{seconds}");
        }
        assert_eq!(rfc_secret().step_of("+81804", 1_111_111_109), None);
        assert_eq!(rfc_secret().step_of("081 804", 1_111_111_109), Some(step));
    }

    #[test]
    fn a_recovery_code_is_known_however_it_is_typed() {
        let codes = recovery_codes();
        let prints = recovery_fingerprints(&codes);
        assert_eq!(
            prints
                .iter()
                .collect::<std::collections::BTreeSet<_>>()
                .len(),
            RECOVERY_CODES
        );
        let typed = codes[0].expose_secret().to_uppercase().replace('-', " ");
        assert_eq!(recovery_fingerprint(&typed), prints[0]);
        assert_eq!(codes[0].expose_secret().len(), 19);
    }
}
