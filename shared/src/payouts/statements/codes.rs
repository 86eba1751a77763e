//! What banks' codes mean, in words: of ISO 20022 (external code set of status reasons) and of Nacha's return reasons, as
//! far as they come with credits.

const CODES: &[(&str, &str)] = &[
    ("AC01", "the account number is wrong"),
    ("AC03", "the payee's account number is wrong"),
    ("AC04", "the account is closed"),
    ("AC06", "the account is blocked"),
    ("AG01", "the account does not take such payments"),
    ("AM04", "our account had not enough on it"),
    ("AM05", "the bank takes it for a duplicate"),
    ("BE05", "the bank does not know who sent it"),
    ("FF01", "the bank cannot read the file"),
    ("FOCR", "we called it back"),
    ("MD07", "the payee has died"),
    ("MS02", "the payee does not say why"),
    ("MS03", "the bank does not say why"),
    ("RC01", "the bank's own number is wrong"),
    ("RR04", "a regulator's reason"),
    ("R02", "the account is closed"),
    ("R03", "there is no such account"),
    ("R04", "the account number is wrong"),
    ("R16", "the account is frozen"),
    ("R20", "the account does not take such payments"),
    ("R23", "the payee refused it"),
    ("R29", "the company that has the account did not allow it"),
];

/// A code in words, if it is known here.
pub(super) fn in_words(code: &str) -> Option<&'static str> {
    CODES
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, words)| *words)
}
