//! What others rely on: the OpenAPI document and the catalogue of jobs. A difference here is a change of the contract;
//! if it is meant, accept it with `INSTA_UPDATE=always cargo test -p api contracts`.

use std::collections::BTreeSet;

use serde_json::Value;

#[test]
fn the_openapi_document_is_what_was_agreed() {
    insta::assert_snapshot!(
        api::router::document()
            .to_pretty_json()
            .expect("a document")
    );
}

#[test]
fn the_job_catalogue_is_what_was_agreed() {
    let catalog = shared::job_kinds::catalog();
    let kinds: Vec<Value> = catalog
        .iter()
        .map(|kind| {
            serde_json::json!({
                "kind": kind.spec.kind,
                "queue": kind.spec.queue,
                "searchable": kind.spec.searchable,
                "args": kind.schema.as_value(),
            })
        })
        .collect();
    insta::assert_json_snapshot!(kinds);
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    let document = serde_json::to_value(api::router::document()).expect("a document");
    assert_eq!(document["openapi"], "3.1.0");
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("within the document");
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            references.extend(
                fields
                    .get("$ref")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            fields.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn operations_have_names_of_their_own_and_say_what_they_do() {
    let document = serde_json::to_value(api::router::document()).expect("a document");
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let name = operation["operationId"]
                .as_str()
                .unwrap_or_else(|| panic!("{method} {path} has no name"));
            assert!(
                names.insert(name.to_owned()),
                "{method} {path}: `{name}` is taken"
            );
            assert!(
                operation["summary"].is_string(),
                "{method} {path} does not say what it does"
            );
            assert!(
                operation["tags"].is_array(),
                "{method} {path} belongs nowhere"
            );
        }
    }
}
