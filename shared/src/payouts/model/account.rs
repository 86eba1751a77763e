//! Accounts that can be paid to, as they are written down.

use serde::{Deserialize, Serialize};

use super::PayoutMethod;
use crate::kernel::money::Currency;
use crate::kernel::{EmailAddress, FieldError, words};
use crate::providers::payout::Destination as Wallet;
use crate::providers::payout::crypto::{Asset, CryptoDestination, Network};
use crate::providers::payout::files::{nacha::RoutingNumber, sepa::SepaAccount};

/// Characters of a holder's name at the most.
pub const HOLDER_MAX_CHARS: usize = 140;
/// Digits of an account's number at a bank in the United States at the most (Nacha, field "DFI account number").
const US_ACCOUNT_MAX_DIGITS: usize = 17;
/// Lines of a postal address at the most, and characters of one.
const LINES_MAX: usize = 6;
const LINE_MAX_CHARS: usize = 70;

words!(
    /// What kind of account it is at a bank in the United States.
    UsAccountType {
        /// For daily use.
        Checking => "checking",
        /// For savings.
        Savings => "savings",
    }
);

/// An account that can be paid to, as it is written.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum PayoutAccount {
    /// At a bank in the SEPA area.
    Iban {
        /// With or without spaces.
        iban: String,
        /// Where the bank wants it.
        #[serde(default)]
        bic: Option<String>,
    },
    /// At a bank in the United States.
    UsAccount {
        /// Nine digits.
        routing_number: String,
        /// Up to 17 digits.
        account_number: String,
        /// Of which kind.
        account_type: UsAccountType,
    },
    /// At Paxum.
    Paxum {
        /// Whose.
        email: String,
    },
    /// At PayPal.
    Paypal {
        /// Whose.
        email: String,
    },
    /// An address on a chain.
    Crypto {
        /// What is paid in.
        asset: Asset,
        /// The chain.
        network: Network,
        /// The address.
        address: String,
    },
    /// A postal address, for cheques.
    Postal {
        /// Street, place and country.
        lines: Vec<String>,
    },
}

impl std::fmt::Debug for PayoutAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // where people's money goes is not for logs
        write!(f, "PayoutAccount({})", self.kind())
    }
}

/// Where a creator wants to be paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payee {
    /// Whose account it is.
    pub holder: String,
    /// The account.
    pub account: PayoutAccount,
}

impl PayoutAccount {
    /// The sort of account.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Iban { .. } => "iban",
            Self::UsAccount { .. } => "us_account",
            Self::Paxum { .. } => "paxum",
            Self::Paypal { .. } => "paypal",
            Self::Crypto { .. } => "crypto",
            Self::Postal { .. } => "postal",
        }
    }

    /// The method that pays to it.
    pub const fn method(&self) -> PayoutMethod {
        match self {
            Self::Iban { .. } | Self::UsAccount { .. } => PayoutMethod::BankTransfer,
            Self::Paxum { .. } => PayoutMethod::Paxum,
            Self::Paypal { .. } => PayoutMethod::Paypal,
            Self::Crypto { .. } => PayoutMethod::Cryptocurrency,
            Self::Postal { .. } => PayoutMethod::Check,
        }
    }

    /// The same, written the one way that it is kept and compared in.
    fn normal(self, wrong: &mut Vec<FieldError>) -> Option<Self> {
        let mut refuse = |field: &'static str, message: String| {
            wrong.push(FieldError::new(field, message));
            None
        };
        match self {
            Self::Iban { iban, bic } => match SepaAccount::parse(&iban, bic.as_deref()) {
                Ok(account) => Some(Self::Iban {
                    iban: account.iban().to_owned(),
                    bic: bic.map(|bic| bic.trim().to_ascii_uppercase()),
                }),
                Err(error) => refuse("/account/iban", error.to_string()),
            },
            Self::UsAccount {
                routing_number,
                account_number,
                account_type,
            } => {
                let number = account_number.trim();
                let digits = (4..=US_ACCOUNT_MAX_DIGITS).contains(&number.len())
                    && number.bytes().all(|byte| byte.is_ascii_digit());
                if !digits {
                    return refuse(
                        "/account/accountNumber",
                        format!("must be 4 to {US_ACCOUNT_MAX_DIGITS} digits"),
                    );
                }
                match routing_number.trim().parse::<RoutingNumber>() {
                    Ok(routing) => Some(Self::UsAccount {
                        routing_number: routing.as_str().to_owned(),
                        account_number: number.to_owned(),
                        account_type,
                    }),
                    Err(error) => refuse("/account/routingNumber", error.to_string()),
                }
            }
            Self::Paxum { email } => match email.trim().parse::<EmailAddress>() {
                Ok(email) => Some(Self::Paxum {
                    email: email.normalised(),
                }),
                Err(error) => refuse("/account/email", error.to_string()),
            },
            Self::Paypal { email } => match email.trim().parse::<EmailAddress>() {
                Ok(email) => Some(Self::Paypal {
                    email: email.normalised(),
                }),
                Err(error) => refuse("/account/email", error.to_string()),
            },
            Self::Crypto {
                asset,
                network,
                address,
            } => match CryptoDestination::new(asset, network, address.trim()) {
                Ok(checked) => Some(Self::Crypto {
                    asset,
                    network,
                    address: checked.address().to_owned(),
                }),
                Err(error) => refuse("/account/address", error.to_string()),
            },
            Self::Postal { lines } => {
                let lines: Vec<String> = lines.iter().map(|line| line.trim().to_owned()).collect();
                let fits = (2..=LINES_MAX).contains(&lines.len())
                    && lines.iter().all(|line| is_line(line, LINE_MAX_CHARS));
                if fits {
                    Some(Self::Postal { lines })
                } else {
                    refuse(
                        "/account/lines",
                        format!(
                            "give 2 to {LINES_MAX} lines of up to {LINE_MAX_CHARS} characters each"
                        ),
                    )
                }
            }
        }
    }

    /// What may be shown of it.
    pub fn masked(&self) -> String {
        match self {
            Self::Iban { iban, .. } => format!("{} … {}", &iban[..4], &iban[iban.len() - 4..]),
            Self::UsAccount { account_number, .. } => {
                format!("account … {}", &account_number[account_number.len() - 4..])
            }
            Self::Paxum { email } | Self::Paypal { email } => match email.split_once('@') {
                Some((local, domain)) => {
                    format!("{}…@{domain}", local.chars().take(1).collect::<String>())
                }
                None => "…".to_owned(),
            },
            Self::Crypto {
                asset,
                network,
                address,
            } => {
                let shown = (&address[..4], &address[address.len() - 4..]);
                format!("{asset} on {network}: {} … {}", shown.0, shown.1)
            }
            Self::Postal { lines } => {
                let place = lines.last().map_or("", String::as_str);
                format!("… {place}")
            }
        }
    }

    /// What makes it the same account, whoever writes it down.
    pub(in crate::payouts) fn identity(&self) -> String {
        match self {
            Self::Iban { iban, .. } => format!("iban:{iban}"),
            Self::UsAccount {
                routing_number,
                account_number,
                ..
            } => format!("us:{routing_number}:{account_number}"),
            Self::Paxum { email } => format!("paxum:{email}"),
            Self::Paypal { email } => format!("paypal:{email}"),
            Self::Crypto {
                network, address, ..
            } => format!("crypto:{network}:{address}"),
            Self::Postal { lines } => format!("postal:{}", lines.join("\n").to_lowercase()),
        }
    }

    /// Whether it can take a currency.
    pub fn takes(&self, currency: Currency) -> bool {
        takes(self.kind(), currency)
    }

    /// As providers that are called for each payment want it; none for what goes out in files.
    pub(in crate::payouts) fn wallet(&self) -> Option<Wallet> {
        match self {
            Self::Paxum { email } => email.parse().ok().map(Wallet::Paxum),
            Self::Paypal { email } => email.parse().ok().map(Wallet::PayPal),
            Self::Crypto {
                asset,
                network,
                address,
            } => CryptoDestination::new(*asset, *network, address)
                .ok()
                .map(Wallet::Crypto),
            Self::Iban { .. } | Self::UsAccount { .. } | Self::Postal { .. } => None,
        }
    }
}

/// Whether a sort of account can take a currency.
pub(in crate::payouts) fn takes(kind: &str, currency: Currency) -> bool {
    match kind {
        "iban" => currency == Currency::EUR,
        "us_account" | "postal" => currency == Currency::USD,
        _ => true,
    }
}

/// Whether it is one line of text that is not empty.
fn is_line(text: &str, max_chars: usize) -> bool {
    let chars = text.chars().count();
    (1..=max_chars).contains(&chars) && !text.chars().any(char::is_control)
}

impl Payee {
    /// The same in its normal form.
    ///
    /// # Errors
    /// With every field that is wrong.
    pub fn checked(self) -> Result<Self, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let holder = self.holder.split_whitespace().collect::<Vec<_>>().join(" ");
        if !is_line(&holder, HOLDER_MAX_CHARS) {
            let message = format!("give the holder's name in 1 to {HOLDER_MAX_CHARS} characters");
            wrong.push(FieldError::new("/holder", message));
        }
        let account = self.account.normal(&mut wrong);
        match account {
            Some(account) if wrong.is_empty() => Ok(Self { holder, account }),
            Some(_) | None => Err(wrong),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(account: PayoutAccount) -> Result<PayoutAccount, String> {
        let payee = Payee {
            holder: " Ada  Lovelace ".to_owned(),
            account,
        };
        match payee.checked() {
            Ok(payee) => {
                assert_eq!(payee.holder, "Ada Lovelace");
                Ok(payee.account)
            }
            Err(wrong) => Err(wrong.iter().map(|error| error.field.to_string()).collect()),
        }
    }

    #[test]
    fn an_account_is_kept_in_one_form_and_shown_in_part() {
        let iban = PayoutAccount::Iban {
            iban: "de89 3704 0044 0532 0130 00".to_owned(),
            bic: None,
        };
        let iban = checked(iban).expect("an IBAN");
        assert_eq!(iban.identity(), "iban:DE89370400440532013000");
        assert_eq!(iban.masked(), "DE89 … 3000");
        assert!(iban.takes(Currency::EUR) && !iban.takes(Currency::USD));
        let us = PayoutAccount::UsAccount {
            routing_number: "021000021".to_owned(),
            account_number: "123456789".to_owned(),
            account_type: UsAccountType::Checking,
        };
        let us = checked(us).expect("an account");
        assert_eq!(us.masked(), "account … 6789");
        let mail = PayoutAccount::Paxum {
            email: "Ada@Mail.Example".to_owned(),
        };
        assert_eq!(
            checked(mail).expect("an address").masked(),
            "a…@mail.example"
        );
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        let cases = [
            (
                PayoutAccount::Iban {
                    iban: "DE89370400440532013001".to_owned(),
                    bic: None,
                },
                "/account/iban",
            ),
            (
                PayoutAccount::UsAccount {
                    routing_number: "021000022".to_owned(),
                    account_number: "123456789".to_owned(),
                    account_type: UsAccountType::Savings,
                },
                "/account/routingNumber",
            ),
            (
                PayoutAccount::UsAccount {
                    routing_number: "021000021".to_owned(),
                    account_number: "12-34".to_owned(),
                    account_type: UsAccountType::Savings,
                },
                "/account/accountNumber",
            ),
            (
                PayoutAccount::Paypal {
                    email: "nobody".to_owned(),
                },
                "/account/email",
            ),
            (
                PayoutAccount::Crypto {
                    asset: Asset::Btc,
                    network: Network::Tron,
                    address: "x".to_owned(),
                },
                "/account/address",
            ),
            (
                PayoutAccount::Postal {
                    lines: vec!["only one".to_owned()],
                },
                "/account/lines",
            ),
        ];
        for (account, field) in cases {
            assert_eq!(checked(account), Err(field.to_owned()));
        }
    }
}
