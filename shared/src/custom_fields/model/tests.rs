//! What each type accepts, and which definitions make sense.

use rust_decimal::Decimal;

use super::*;

pub(crate) fn field(key: &str, field_type: FieldType) -> NewField {
    let chosen = matches!(field_type, FieldType::Select | FieldType::MultiSelect);
    NewField {
        key: key.parse().expect("a key"),
        label: key.to_owned(),
        field_type,
        options: if chosen {
            vec!["red".into(), "green".into()]
        } else {
            Vec::new()
        },
        minimum: None,
        maximum: None,
        currency: (field_type == FieldType::Money).then(|| "USD".to_owned()),
    }
}

fn text(text: &str) -> Given {
    Given::Text(text.to_owned())
}

#[test]
fn each_type_takes_its_own_values_and_refuses_the_others() {
    let list = |items: &[&str]| Given::List(items.iter().map(|item| (*item).to_owned()).collect());
    for (field_type, good, shown, bad) in [
        (
            FieldType::Text,
            text("a 💕"),
            "a 💕",
            vec![text(""), text("a\nb"), Given::Bool(true)],
        ),
        (
            FieldType::Number,
            text("-0.10000000000000000001"),
            "-0.10000000000000000001",
            vec![text("1e3"), text("x"), text("NaN")],
        ),
        (
            FieldType::Money,
            text("12.50"),
            "12.50",
            vec![text("12.505"), text("$1")],
        ),
        (
            FieldType::Date,
            text("2028-02-29"),
            "2028-02-29",
            vec![text("2027-02-29"), text("1.2.2026")],
        ),
        (
            FieldType::Bool,
            Given::Bool(false),
            "false",
            vec![text("false")],
        ),
        (
            FieldType::Select,
            text("red"),
            "red",
            vec![text("blue"), list(&["red"])],
        ),
        (
            FieldType::MultiSelect,
            list(&["green", "red"]),
            "red; green",
            vec![list(&[]), list(&["red", "blue"]), text("red")],
        ),
        (
            FieldType::Url,
            text("https://x.example/a?b"),
            "https://x.example/a?b",
            vec![text("javascript:alert(1)"), text("x.example")],
        ),
    ] {
        let field = field("f", field_type);
        assert_eq!(field.check(), Ok(()), "{field_type}");
        assert_eq!(field.value(good).expect("a value").to_string(), shown);
        for given in bad {
            assert!(
                field.value(given.clone()).is_err(),
                "{field_type}: {given:?}"
            );
        }
    }
}

#[test]
fn bounds_hold_for_values_and_both_are_included() {
    let score = NewField {
        minimum: Some(Decimal::ONE),
        maximum: Some(Decimal::TEN),
        ..field("score", FieldType::Number)
    };
    for (given, fits) in [
        ("1", true),
        ("10.0", true),
        ("0.99", false),
        ("10.01", false),
    ] {
        assert_eq!(score.value(text(given)).is_ok(), fits, "{given}");
    }
}

#[test]
fn each_mistake_of_a_definition_is_named() {
    let wrong = NewField {
        label: " ".into(),
        options: vec!["a;b".into()],
        minimum: Some(Decimal::TEN),
        maximum: Some(Decimal::ONE),
        currency: Some("XXL".into()),
        ..field("f", FieldType::Text)
    };
    let fields: Vec<String> = wrong
        .check()
        .expect_err("wrong")
        .into_iter()
        .map(|error| error.field.into_owned())
        .collect();
    assert_eq!(
        fields,
        [
            "/label",
            "/options",
            "/minimum",
            "/maximum",
            "/maximum",
            "/currency"
        ]
    );
    for key in ["", "1a", "A", "a-b", &"a".repeat(51)] {
        assert_eq!(key.parse::<FieldKey>(), Err(InvalidKey), "{key:?}");
    }
}
