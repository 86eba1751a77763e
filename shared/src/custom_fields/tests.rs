//! Custom fields against a real database.

use std::collections::BTreeMap;

use sqlx::{PgConnection, PgPool};

use super::model::tests::field;
use super::*;
use crate::creators::{self, Comparison, CreatorFilter, Sort};
use crate::kernel::{Actor, Clock, Ctx, PageRequest};
use crate::testing;

fn ctx() -> Ctx {
    Ctx::new(Actor::System, &Clock::system())
}

fn given(pairs: &[(&str, Option<Given>)]) -> BTreeMap<String, Option<Given>> {
    pairs
        .iter()
        .map(|(key, given)| ((*key).to_owned(), given.clone()))
        .collect()
}

fn text(text: &str) -> Option<Given> {
    Some(Given::Text(text.to_owned()))
}

async fn define_all(conn: &mut PgConnection) {
    for field_type in FieldType::ALL {
        define(conn, &ctx(), field(field_type.as_str(), *field_type))
            .await
            .expect("defined");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_value_of_every_type_comes_back_as_it_was_given(pool: PgPool) {
    let creator = testing::creator(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    define_all(&mut conn).await;
    let all = given(&[
        ("text", text("a 💕")),
        ("number", text("-0.10000000000000000001")),
        ("money", text("12.50")),
        ("date", text("2026-02-28")),
        ("bool", Some(Given::Bool(false))),
        ("select", text("green")),
        (
            "multi_select",
            Some(Given::List(vec!["green".into(), "red".into()])),
        ),
        ("url", text("https://x.example/")),
    ]);
    let told = set(&mut conn, &ctx(), creator, None, all)
        .await
        .expect("set");
    let shown: Vec<(String, String)> = told
        .iter()
        .map(|(key, value)| (key.clone(), value.to_string()))
        .collect();
    let expected = [
        ("bool", "false"),
        ("date", "2026-02-28"),
        ("money", "12.50"),
        ("multi_select", "red; green"),
        ("number", "-0.10000000000000000001"),
        ("select", "green"),
        ("text", "a 💕"),
        ("url", "https://x.example/"),
    ];
    assert_eq!(
        shown,
        expected.map(|(key, value)| (key.to_owned(), value.to_owned()))
    );
    assert_eq!(
        values_of(&mut conn, &[creator]).await.expect("read")[&creator],
        told
    );

    let fewer = set(
        &mut conn,
        &ctx(),
        creator,
        None,
        given(&[("text", None), ("bool", Some(Given::Bool(true)))]),
    )
    .await
    .expect("set");
    assert_eq!((fewer.len(), &fewer["bool"]), (7, &FieldValue::Bool(true)));
}

#[sqlx::test(migrations = "../migrations")]
async fn every_value_that_does_not_fit_is_named_and_nothing_is_stored(pool: PgPool) {
    let creator = testing::creator(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    define_all(&mut conn).await;
    let archived = FieldChanges {
        archived: Some(true),
        ..FieldChanges::default()
    };
    change(
        &mut conn,
        &ctx(),
        &"text".parse().expect("a key"),
        archived,
        Some(1),
    )
    .await
    .expect("archived");
    let wrong = given(&[
        ("date", text("soon")),
        ("nothing", text("x")),
        ("number", text("1")),
        ("text", text("x")),
    ]);
    let told = set(&mut conn, &ctx(), creator, None, wrong).await;
    let Err(CustomFieldError::Invalid(wrong)) = told else {
        panic!("{told:?}")
    };
    assert_eq!(
        wrong
            .iter()
            .map(|error| error.field.as_ref())
            .collect::<Vec<_>>(),
        ["/date", "/nothing", "/text"]
    );
    assert_eq!(
        values(&mut conn, &ctx(), creator).await.expect("read"),
        BTreeMap::new()
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn an_option_that_creators_have_cannot_go(pool: PgPool) {
    let creator = testing::creator(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    define_all(&mut conn).await;
    let chosen = given(&[
        ("select", text("red")),
        ("multi_select", Some(Given::List(vec!["red".into()]))),
    ]);
    set(&mut conn, &ctx(), creator, None, chosen)
        .await
        .expect("set");
    for key in ["select", "multi_select"] {
        let only = |option: &str| FieldChanges {
            options: Some(vec![option.into()]),
            ..FieldChanges::default()
        };
        let key: FieldKey = key.parse().expect("a key");
        let refused = change(&mut conn, &ctx(), &key, only("green"), None).await;
        assert!(
            matches!(&refused, Err(CustomFieldError::OptionInUse(option)) if option == "red"),
            "{refused:?}"
        );
        assert_eq!(
            change(&mut conn, &ctx(), &key, only("red"), None)
                .await
                .expect("changed")
                .version,
            2
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_did_not_see_a_value_does_not_replace_it(pool: PgPool) {
    let creator = testing::creator(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    define(&mut conn, &ctx(), field("a", FieldType::Text))
        .await
        .expect("defined");
    let give = |text: &str| BTreeMap::from([("a".to_owned(), Some(Given::Text(text.to_owned())))]);
    let seen = version(&values(&mut conn, &ctx(), creator).await.expect("read"));
    let now = set(&mut conn, &ctx(), creator, Some(seen), give("one")).await;
    let now = version(&now.expect("set"));
    let stale = set(&mut conn, &ctx(), creator, Some(seen), give("two")).await;
    assert!(
        matches!(stale, Err(CustomFieldError::StaleValues)),
        "{stale:?}"
    );
    set(&mut conn, &ctx(), creator, Some(now), give("two"))
        .await
        .expect("set");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_is_taken_once(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    define(&mut conn, &ctx(), field("a", FieldType::Text))
        .await
        .expect("defined");
    let again = define(&mut conn, &ctx(), field("a", FieldType::Date)).await;
    assert!(
        matches!(again, Err(CustomFieldError::KeyTaken)),
        "{again:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn conditions_compare_values_as_what_they_are(pool: PgPool) {
    let creator = testing::creator(&pool, "girlfanz", "ada").await;
    testing::creator(&pool, "girlfanz", "bea").await;
    let mut conn = pool.acquire().await.expect("a connection");
    define_all(&mut conn).await;
    let all = given(&[
        ("text", text("100% Ada")),
        ("number", text("9.5")),
        ("date", text("2026-02-28")),
        ("bool", Some(Given::Bool(true))),
        (
            "multi_select",
            Some(Given::List(vec!["green".into(), "red".into()])),
        ),
    ]);
    set(&mut conn, &ctx(), creator, None, all)
        .await
        .expect("set");
    for (key, operator, given, count) in [
        ("number", Comparison::LessThan, text("10"), 1),
        ("number", Comparison::GreaterThan, text("10"), 0),
        ("number", Comparison::Equals, text("9.50"), 1),
        ("number", Comparison::NotEquals, text("9.5"), 1),
        ("text", Comparison::Contains, text("% ada"), 1),
        ("text", Comparison::Contains, text("_"), 0),
        ("date", Comparison::GreaterThan, text("2026-02-27"), 1),
        ("bool", Comparison::Equals, Some(Given::Bool(true)), 1),
        ("multi_select", Comparison::Contains, text("red"), 1),
        (
            "multi_select",
            Comparison::Equals,
            Some(Given::List(vec!["red".into()])),
            0,
        ),
    ] {
        let asked = Asked {
            field: key.to_owned(),
            operator,
            value: given.clone().expect("a value"),
        };
        let filter = CreatorFilter {
            fields: conditions(&mut conn, "custom", vec![asked])
                .await
                .expect("it fits"),
            ..CreatorFilter::default()
        };
        let page = PageRequest::default();
        let found = creators::list(&mut conn, &ctx(), &filter, Sort::default(), &page).await;
        let found = found.expect("a list").items.len();
        assert_eq!(found, count, "{key} {operator} {given:?}");
    }
}
