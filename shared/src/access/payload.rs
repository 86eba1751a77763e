//! People's data inside of JSON whose fields only its kind knows: payloads of jobs, and what jobs told.
//!
//! Payloads are ids and versions by rule; this is the net for those that are not. A field counts as people's data by its
//! name, and a text by looking like an address of mail or a number to call.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::PersonalField;

/// Levels of nesting that are looked into; what lies deeper is not shown.
const DEPTH_MAX: usize = 64;
/// What stands for what lies too deep.
const TOO_DEEP: &str = "…";
/// Digits that a number to call has at least.
const PHONE_MIN_DIGITS: usize = 8;

/// Ends of field names, written without case, `_` and `-`, and what they hold.
const NAMES: [(&str, PersonalField); 22] = [
    ("legalname", PersonalField::LegalName),
    ("firstname", PersonalField::LegalName),
    ("lastname", PersonalField::LegalName),
    ("fullname", PersonalField::LegalName),
    ("birthdate", PersonalField::BirthDate),
    ("birthday", PersonalField::BirthDate),
    ("dateofbirth", PersonalField::BirthDate),
    ("email", PersonalField::Email),
    ("emailaddress", PersonalField::Email),
    ("phone", PersonalField::Phone),
    ("phonenumber", PersonalField::Phone),
    ("mobile", PersonalField::Phone),
    ("postaladdress", PersonalField::PostalAddress),
    ("street", PersonalField::PostalAddress),
    ("taxid", PersonalField::TaxId),
    ("ssn", PersonalField::TaxId),
    ("vatid", PersonalField::TaxId),
    ("iban", PersonalField::BankAccount),
    ("bankaccount", PersonalField::BankAccount),
    ("accountnumber", PersonalField::BankAccount),
    ("routingnumber", PersonalField::BankAccount),
    ("walletaddress", PersonalField::BankAccount),
];

/// JSON with people's data masked.
#[derive(Debug, Clone, PartialEq)]
pub struct Masked {
    /// The JSON as it is shown.
    pub value: Value,
    /// What was masked in it, each sort once; empty if all is shown.
    pub fields: BTreeSet<PersonalField>,
}

impl Masked {
    /// `value` with people's data masked.
    pub fn of(value: &Value) -> Self {
        let mut fields = BTreeSet::new();
        let value = shown(value, None, DEPTH_MAX, &mut fields);
        Self { value, fields }
    }
}

/// A value as it is shown; `field` is what the names above it say that it holds.
fn shown(
    value: &Value,
    field: Option<PersonalField>,
    depth: usize,
    found: &mut BTreeSet<PersonalField>,
) -> Value {
    let mask = |field: PersonalField, text: &str, found: &mut BTreeSet<PersonalField>| {
        found.insert(field);
        Value::String(field.masked(text))
    };
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(number) => match field {
            Some(field) => mask(field, &number.to_string(), found),
            None => value.clone(),
        },
        Value::String(text) => match field.or_else(|| looks_like(text)) {
            Some(field) => mask(field, text, found),
            None => value.clone(),
        },
        Value::Array(_) | Value::Object(_) if depth == 0 => Value::String(TOO_DEEP.to_owned()),
        Value::Array(items) => items
            .iter()
            .map(|item| shown(item, field, depth - 1, found))
            .collect(),
        Value::Object(entries) => {
            let shown = |(name, value): (&String, &Value)| {
                let field = field.or_else(|| named(name));
                (name.clone(), shown(value, field, depth - 1, found))
            };
            Value::Object(entries.iter().map(shown).collect::<Map<_, _>>())
        }
    }
}

/// What a field of this name holds.
fn named(name: &str) -> Option<PersonalField> {
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    let plain: String = letters.flat_map(char::to_lowercase).collect();
    let known = NAMES.iter().find(|(end, _)| plain.ends_with(end));
    known.map(|(_, field)| *field)
}

/// What a text by itself looks like.
fn looks_like(text: &str) -> Option<PersonalField> {
    let text = text.trim();
    let mail = text.split_once('@').is_some_and(|(local, domain)| {
        let whole = !local.is_empty() && domain.contains('.') && !domain.contains('@');
        whole && !text.contains(char::is_whitespace)
    });
    if mail {
        return Some(PersonalField::Email);
    }
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let rest = text.strip_prefix('+')?;
    let dialled = rest
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '(' | ')' | '.'));
    (dialled && digits >= PHONE_MIN_DIGITS).then_some(PersonalField::Phone)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn people_are_masked_by_the_names_of_fields_and_by_how_texts_look() {
        let masked = Masked::of(&json!({
            "creatorId": "creator_1",
            "count": 3,
            "contact_email": "ada@example.com",
            "who": { "Legal-Name": "Ada Lovelace", "note": "write to bob@example.org" },
            "to": ["bob@example.org", "+1 555 0100 123", "plain"],
            "bankAccount": { "iban": "DE89370400440532013000", "bic": 12345678 },
        }));
        let wanted = json!({
            "creatorId": "creator_1",
            "count": 3,
            "contact_email": "a***@example.com",
            "who": { "Legal-Name": "A*** L***", "note": "write to bob@example.org" },
            "to": ["b***@example.org", "***23", "plain"],
            "bankAccount": { "iban": "***3000", "bic": "***5678" },
        });
        assert_eq!(masked.value, wanted);
        let fields: Vec<_> = masked.fields.iter().map(|field| field.as_str()).collect();
        assert_eq!(fields, ["legalName", "email", "phone", "bankAccount"]);
    }

    #[test]
    fn ids_and_figures_are_shown() {
        let plain = json!({ "campaignId": "campaign_1", "chunk": 4, "at": "2026-01-02T03:04:05Z", "done": true });
        let masked = Masked::of(&plain);
        assert_eq!((masked.value, masked.fields.len()), (plain, 0));
    }

    #[test]
    fn what_lies_too_deep_is_not_shown() {
        let deep = (0..200).fold(json!("ada@example.com"), |inner, _| json!([inner]));
        assert!(!Masked::of(&deep).value.to_string().contains('@'));
    }

    proptest! {
        #[test]
        fn no_address_of_mail_is_ever_shown_whole(local in "[a-z]{2,12}", domain in "[a-z]{2,8}\\.[a-z]{2,4}", key in "[a-zA-Z]{0,8}") {
            let address = format!("{local}@{domain}");
            let masked = Masked::of(&json!({ key: { "x": [address.clone()] } }));
            prop_assert!(!masked.value.to_string().contains(&address));
        }
    }
}
