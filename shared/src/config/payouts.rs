//! Who carries money to creators.

use secrecy::SecretString;

use super::reader::Reader;
use crate::providers::http::{Endpoint, HttpLimits};
use crate::providers::payout::crypto::CustodyOptions;
use crate::providers::payout::paxum::PaxumOptions;
use crate::providers::payout::paypal::PayPalOptions;

/// The providers that are connected; methods without one are not offered.
#[derive(Debug, Clone, Default)]
pub struct PayoutsConfig {
    /// `PAXUM_URL`, `PAXUM_ACCOUNT`, `PAXUM_API_KEY`, `PAXUM_API_SECRET`.
    pub paxum: Option<PaxumOptions>,
    /// `PAYPAL_URL`, `PAYPAL_CLIENT_ID`, `PAYPAL_CLIENT_SECRET`, `PAYPAL_WEBHOOK_ID`.
    pub paypal: Option<PayPalOptions>,
    /// `CUSTODY_URL`, `CUSTODY_API_KEY`, `CUSTODY_API_SECRET`.
    pub custody: Option<CustodyOptions>,
}

impl PayoutsConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let limits = HttpLimits::default();
        let paxum = group(
            reader,
            "PAXUM_URL",
            ["PAXUM_ACCOUNT", "PAXUM_API_KEY", "PAXUM_API_SECRET"],
        );
        let paypal = group(
            reader,
            "PAYPAL_URL",
            [
                "PAYPAL_CLIENT_ID",
                "PAYPAL_CLIENT_SECRET",
                "PAYPAL_WEBHOOK_ID",
            ],
        );
        let custody = group(
            reader,
            "CUSTODY_URL",
            ["CUSTODY_API_KEY", "CUSTODY_API_SECRET"],
        );
        Self {
            paxum: paxum.map(|(endpoint, [account, key, secret])| PaxumOptions {
                endpoint,
                account,
                key: SecretString::from(key),
                secret: SecretString::from(secret),
                limits,
            }),
            paypal: paypal.map(|(endpoint, [id, secret, webhook_id])| PayPalOptions {
                endpoint,
                client_id: SecretString::from(id),
                client_secret: SecretString::from(secret),
                webhook_id,
                limits,
            }),
            custody: custody.map(|(endpoint, [key, secret])| CustodyOptions {
                endpoint,
                key: SecretString::from(key),
                secret: SecretString::from(secret),
                limits,
            }),
        }
    }
}

/// Where a provider is, and what stands beside it; none if nothing of it is set. Part of it is a mistake.
fn group<const N: usize>(
    reader: &mut Reader<'_>,
    url: &'static str,
    others: [&'static str; N],
) -> Option<(Endpoint, [String; N])> {
    let beside = others.map(|name| reader.get(name));
    let Some(text) = reader.get(url) else {
        for (name, _) in others
            .iter()
            .zip(&beside)
            .filter(|(_, value)| value.is_some())
        {
            reader.note(name, format!("has no effect without {url}"));
        }
        return None;
    };
    let endpoint = match text.parse::<Endpoint>() {
        Ok(endpoint) => Some(endpoint),
        Err(error) => reader.refuse(url, format!("`{text}` cannot be used: {error}")),
    };
    for (name, _) in others
        .iter()
        .zip(&beside)
        .filter(|(_, value)| value.is_none())
    {
        reader.note(name, format!("is needed beside {url}"));
    }
    let values: Option<Vec<String>> = beside.into_iter().collect();
    Some((endpoint?, values?.try_into().ok()?))
}
