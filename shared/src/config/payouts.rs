//! Who carries money to creators.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::reader::Reader;
use crate::providers::http::{Endpoint, HttpLimits};
use crate::providers::payout::crypto::CustodyOptions;
use crate::providers::payout::files::nacha::{NachaOrigin, RoutingNumber};
use crate::providers::payout::files::sepa::{InvalidSepaAccount, SepaAccount, SepaDebtor};
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
    /// `PAYOUT_DROP_FOLDER` and who pays.
    pub files: Option<PayoutFiles>,
}

/// What goes out in files, and from whom.
#[derive(Debug, Clone)]
pub struct PayoutFiles {
    /// `PAYOUT_DROP_FOLDER`: the folder that the bank's software empties.
    pub folder: PathBuf,
    /// `SEPA_DEBTOR_NAME`, `SEPA_DEBTOR_IBAN`, `SEPA_DEBTOR_BIC`: who pays euro.
    pub sepa: Option<SepaDebtor>,
    /// `NACHA_…`: who pays US dollars.
    pub nacha: Option<NachaOrigin>,
    /// `CHEQUE_DRAWER`: who draws cheques.
    pub cheque_drawer: Option<String>,
}

impl PayoutsConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let usual = HttpLimits::default();
        let seconds = reader.number(TIMEOUT, usual.timeout.as_secs(), TIMEOUT_SECONDS);
        let limits = HttpLimits {
            timeout: Duration::from_secs(seconds),
            ..usual
        };
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
        let files = files(reader);
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
            files,
        }
    }
}

const TIMEOUT: &str = "PAYOUT_TIMEOUT_SECONDS";
/// How long a provider may take to answer; a job that asks twice must still end within its own time.
const TIMEOUT_SECONDS: RangeInclusive<u64> = 1..=45;
const FOLDER: &str = "PAYOUT_DROP_FOLDER";
const SEPA: [&str; 2] = ["SEPA_DEBTOR_NAME", "SEPA_DEBTOR_IBAN"];
const SEPA_BIC: &str = "SEPA_DEBTOR_BIC";
const SEPA_NAME_MAX_CHARS: usize = 70;
/// Each with the characters that its field has; none for routing numbers.
const NACHA: [(&str, Option<usize>); 7] = [
    ("NACHA_DESTINATION", None),
    ("NACHA_DESTINATION_NAME", Some(23)),
    ("NACHA_ORIGIN", Some(10)),
    ("NACHA_ORIGIN_NAME", Some(23)),
    ("NACHA_ORIGINATING_BANK", None),
    ("NACHA_COMPANY_NAME", Some(16)),
    ("NACHA_COMPANY_ID", Some(10)),
];
const DRAWER: &str = "CHEQUE_DRAWER";
const DRAWER_MAX_CHARS: usize = 80;

/// What goes out in files: a folder and somebody who pays, or nothing.
fn files(reader: &mut Reader<'_>) -> Option<PayoutFiles> {
    let payers = [SEPA[0], SEPA[1], SEPA_BIC, DRAWER]
        .into_iter()
        .chain(NACHA.iter().map(|(name, _)| *name));
    let set: Vec<&'static str> = payers.filter(|name| reader.is_set(name)).collect();
    let Some(folder) = reader.get(FOLDER) else {
        for name in set {
            reader.note(name, format!("has no effect without {FOLDER}"));
        }
        return None;
    };
    if set.is_empty() {
        let remedy =
            "has no effect without somebody who pays: set SEPA_DEBTOR_…, NACHA_… or CHEQUE_DRAWER";
        return reader.refuse(FOLDER, remedy);
    }
    let cheque_drawer = reader.get(DRAWER);
    Some(PayoutFiles {
        folder: PathBuf::from(folder),
        sepa: sepa(reader),
        nacha: nacha(reader),
        cheque_drawer: cheque_drawer
            .and_then(|drawer| fitting(reader, DRAWER, drawer, DRAWER_MAX_CHARS)),
    })
}

fn sepa(reader: &mut Reader<'_>) -> Option<SepaDebtor> {
    let bic = reader.get(SEPA_BIC);
    let [name, iban] = whole(reader, SEPA, bic.is_some())?;
    let name = fitting(reader, SEPA[0], name, SEPA_NAME_MAX_CHARS);
    match SepaAccount::parse(&iban, bic.as_deref()) {
        Ok(account) => Some(SepaDebtor {
            name: name?,
            account,
        }),
        Err(error) => {
            let variable = match error {
                InvalidSepaAccount::Bic(_) => SEPA_BIC,
                InvalidSepaAccount::Iban(_) | InvalidSepaAccount::Country(_) => SEPA[1],
            };
            reader.refuse(variable, format!("cannot be used: {error}"))
        }
    }
}

fn nacha(reader: &mut Reader<'_>) -> Option<NachaOrigin> {
    let values = whole(reader, NACHA.map(|(name, _)| name), false)?;
    let mut texts = Vec::new();
    let mut banks: Vec<RoutingNumber> = Vec::new();
    for ((name, width), value) in NACHA.into_iter().zip(values) {
        match width {
            Some(width) => texts.extend(fitting(reader, name, value, width)),
            None => match value.parse() {
                Ok(bank) => banks.push(bank),
                Err(error) => {
                    reader.note(name, format!("`{value}` cannot be used: {error}"));
                }
            },
        }
    }
    let [
        destination_name,
        origin,
        origin_name,
        company_name,
        company_id,
    ] = <[String; 5]>::try_from(texts).ok()?;
    let [destination, originating_bank] = <[RoutingNumber; 2]>::try_from(banks).ok()?;
    Some(NachaOrigin {
        destination,
        destination_name,
        origin,
        origin_name,
        originating_bank,
        company_name,
        company_id,
    })
}

/// Variables that are of use only together; none if nothing of them is set. Part of them is a mistake.
fn whole<const N: usize>(
    reader: &mut Reader<'_>,
    names: [&'static str; N],
    wanted: bool,
) -> Option<[String; N]> {
    let values = names.map(|name| reader.get(name));
    if !wanted && values.iter().all(Option::is_none) {
        return None;
    }
    for (name, _) in names
        .iter()
        .zip(&values)
        .filter(|(_, value)| value.is_none())
    {
        let others: Vec<&str> = names
            .iter()
            .filter(|other| *other != name)
            .copied()
            .collect();
        reader.note(name, format!("is needed beside {}", others.join(", ")));
    }
    let values: Option<Vec<String>> = values.into_iter().collect();
    values?.try_into().ok()
}

/// A text of printable characters of ASCII that fits its field.
fn fitting(
    reader: &mut Reader<'_>,
    name: &'static str,
    text: String,
    max_chars: usize,
) -> Option<String> {
    let plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if plain && text.len() <= max_chars {
        return Some(text);
    }
    reader.refuse(
        name,
        format!("is up to {max_chars} letters, digits and signs of ASCII"),
    )
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
