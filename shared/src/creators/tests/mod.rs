//! Creators against a real database.

mod bulk;
mod merging;
mod registering;
mod status;

use chrono::Duration;
use sqlx::PgConnection;

use super::*;
use crate::kernel::{Actor, Clock, Ctx};

pub(super) fn ctx() -> Ctx {
    Ctx::new(Actor::System, &Clock::system())
}

/// A context that much later.
pub(super) fn later(by: Duration) -> Ctx {
    let clock = Clock::system();
    clock.advance(by);
    Ctx::new(Actor::System, &clock)
}

pub(super) fn new_creator(cluster: &str, email: &str, username: &str) -> NewCreator {
    NewCreator {
        email: email.parse().expect("an address"),
        username: username.parse().expect("a username"),
        cluster: cluster.into(),
        phone: None,
        display_name: None,
        first_name: None,
        time_zone: None,
        person: None,
        birth_date: None,
        consents: Vec::new(),
    }
}

/// A creator whose age is verified and who is active.
pub(super) async fn active(conn: &mut PgConnection, username: &str) -> Creator {
    let email = format!("{username}@x.example");
    let new = new_creator("girlfanz", &email, username);
    let made = register(conn, &ctx(), &new).await.expect("registered");
    verify(conn, made.person).await;
    let change = StatusChange {
        status: CreatorStatus::Active,
        reason: "verified".into(),
        effective_from: None,
    };
    change_status(conn, &ctx(), made.id, None, &change)
        .await
        .expect("active")
}

pub(super) async fn verify(conn: &mut PgConnection, person: PersonId) {
    let decision = NewAgeDecision {
        verdict: AgeVerdict::Verified,
        birth_date: Some("1990-05-06".parse().expect("a date")),
        evidence: "ticket 1".into(),
    };
    decide_age(conn, &ctx(), person, &decision)
        .await
        .expect("decided");
}
