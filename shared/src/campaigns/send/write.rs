//! The mail for one row.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::campaigns::DeliveryId;
use crate::campaigns::store::sending::Begun;
use crate::creators::CreatorId;
use crate::custom_fields::FieldValue;
use crate::kernel::EmailAddress;
use crate::messaging::{CustomValue, Mailer, MessageTemplate, RenderError, Unsubscribe, Variables};
use crate::providers::email::OutgoingMail;

/// The custom fields of many creators, by key.
pub(super) type Values = BTreeMap<CreatorId, BTreeMap<String, FieldValue>>;

/// Writes it; or says why it cannot be written for this recipient.
pub(super) fn write(
    mailer: &Mailer,
    template: &MessageTemplate,
    row: &Begun,
    values: &Values,
    now: DateTime<Utc>,
) -> Result<(OutgoingMail, EmailAddress), String> {
    let address: EmailAddress = row
        .email
        .parse()
        .map_err(|_| told(&RenderError::Address("the recipient's address")))?;
    let link = Unsubscribe {
        creator: row.creator_id.into(),
        delivery: row.id,
    };
    let display_name = row
        .display_name
        .clone()
        .unwrap_or_else(|| row.username.clone());
    let variables = Variables {
        first_name: row
            .first_name
            .clone()
            .unwrap_or_else(|| display_name.clone()),
        display_name,
        username: row.username.clone(),
        cluster_name: row.cluster_name.clone(),
        tier: row.tier.clone(),
        postal_address: mailer.identity().postal_address.clone(),
        unsubscribe_url: mailer.unsubscribe_url(link),
        custom: values
            .get(&row.creator_id.into())
            .map(custom)
            .unwrap_or_default(),
    };
    let id = DeliveryId::from(row.id);
    let mail = mailer
        .write(template, id, &address, &variables, now)
        .map_err(|error| told(&error))?;
    Ok((mail, address))
}

/// Numbers can be compared in a template; amounts cannot, as they are written with the digits of their currency.
fn custom(values: &BTreeMap<String, FieldValue>) -> BTreeMap<String, CustomValue> {
    let value = |value: &FieldValue| match value {
        FieldValue::Number(number) => CustomValue::Number(*number),
        FieldValue::Bool(flag) => CustomValue::Flag(*flag),
        FieldValue::Text(_)
        | FieldValue::Money(_)
        | FieldValue::Date(_)
        | FieldValue::Select(_)
        | FieldValue::MultiSelect(_)
        | FieldValue::Url(_) => CustomValue::Text(value.to_string()),
    };
    let values = values.iter();
    values.map(|(key, one)| (key.clone(), value(one))).collect()
}

/// The error with its cause, in one line; it says nothing about the recipient but what they were called.
fn told(error: &RenderError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
