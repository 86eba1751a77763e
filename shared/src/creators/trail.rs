//! What the audit trail is told of creators and people.
//!
//! Names, addresses, numbers and birth dates go beside the chain, where they can be erased.

use serde_json::{Map, Value, json};

use super::{Creator, Person};
use crate::audit::{Entry, Subject};

/// A state in two parts: what may stand in the chain, and what belongs to the person.
struct Parts {
    open: Value,
    personal: Value,
}

fn of_creator(creator: &Creator) -> Parts {
    Parts {
        open: json!({
            "clusterId": creator.cluster,
            "status": creator.status,
            "statusSince": creator.status_since,
            "tier": creator.tier,
            "timeZone": creator.time_zone,
            "owner": creator.owner,
            "archivedAt": creator.archived_at,
            "version": creator.version,
        }),
        personal: json!({
            "email": creator.email,
            "username": creator.username,
            "phone": creator.phone,
            "displayName": creator.display_name,
            "firstName": creator.first_name,
            "aliases": creator.aliases,
            "handles": creator.handles,
        }),
    }
}

fn of_person(person: &Person) -> Parts {
    Parts {
        open: json!({ "version": person.version }),
        personal: json!({
            "legalName": person.legal_name,
            "birthDate": person.birth_date,
            "residenceCountry": person.residence_country,
            "taxCountry": person.tax_country,
        }),
    }
}

/// A change of a creator: only what is different.
pub(super) fn creator_changed(action: &'static str, before: &Creator, after: &Creator) -> Entry {
    changed(action, after.id, of_creator(before), of_creator(after))
}

/// A creator that is new.
pub(super) fn creator_made(creator: &Creator) -> Entry {
    let parts = of_creator(creator);
    Entry::new("creator.register", creator.id)
        .after(parts.open)
        .personal(json!({ "after": parts.personal }))
}

/// A change of a person: only what is different.
pub(super) fn person_changed(before: &Person, after: &Person) -> Entry {
    changed(
        "person.change",
        after.id,
        of_person(before),
        of_person(after),
    )
}

fn changed(
    action: &'static str,
    subject: impl Into<Subject>,
    before: Parts,
    after: Parts,
) -> Entry {
    let (was, is) = difference(before.open, after.open);
    let (personal_was, personal_is) = difference(before.personal, after.personal);
    let entry = Entry::new(action, subject).before(was).after(is);
    if personal_was == json!({}) {
        entry
    } else {
        entry.personal(json!({ "before": personal_was, "after": personal_is }))
    }
}

/// The fields of two objects that differ.
fn difference(before: Value, after: Value) -> (Value, Value) {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return (Value::Null, Value::Null);
    };
    let (mut was, mut is) = (Map::new(), Map::new());
    for (name, value) in after {
        let old = before.get(&name).cloned().unwrap_or(Value::Null);
        if old != value {
            was.insert(name.clone(), old);
            is.insert(name, value);
        }
    }
    (Value::Object(was), Value::Object(is))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let (was, is) = difference(json!({ "a": 1, "b": 2 }), json!({ "a": 1, "b": 3 }));
        assert_eq!((was, is), (json!({ "b": 2 }), json!({ "b": 3 })));
    }
}
