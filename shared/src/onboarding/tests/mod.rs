//! Onboarding against a real database, with a clock that the tests move.

mod flows;
mod runs;
mod silence;

use chrono::Duration;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

use super::*;
use crate::creators::{self, Channel, ConsentState, CreatorId, NewConsent, NewCreator};
use crate::kernel::{Actor, Clock, Ctx};

/// A creator of `girlfanz` and the clock they live by.
struct World {
    pool: PgPool,
    clock: Clock,
    creator: CreatorId,
}

impl World {
    async fn new(pool: PgPool) -> Self {
        Self::on(pool, "girlfanz").await
    }

    async fn on(pool: PgPool, cluster: &str) -> Self {
        let clock = Clock::system();
        let ctx = Ctx::new(Actor::System, &clock);
        let mut conn = pool.acquire().await.expect("a connection");
        let creator = creators::register(&mut conn, &ctx, &newcomer(cluster))
            .await
            .expect("registered")
            .id;
        drop(conn);
        Self {
            pool,
            clock,
            creator,
        }
    }

    /// Somebody else of the same cluster.
    async fn another(&self, name: &str, cluster: &str) -> CreatorId {
        let new = NewCreator {
            email: format!("{name}@x.example").parse().expect("an address"),
            username: name.parse().expect("a username"),
            ..newcomer(cluster)
        };
        creators::register(&mut *self.conn().await, &self.ctx(), &new)
            .await
            .expect("registered")
            .id
    }

    fn ctx(&self) -> Ctx {
        Ctx::new(Actor::user("ada", &[]), &self.clock)
    }

    async fn conn(&self) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
        self.pool.acquire().await.expect("a connection")
    }

    fn after_minutes(&self, minutes: i64) {
        self.clock.advance(Duration::minutes(minutes));
    }

    async fn run(&self) -> Run {
        get(&mut *self.conn().await, &self.ctx(), self.creator)
            .await
            .expect("a run")
            .0
    }

    /// Says that a step is done, in a transaction of its own.
    async fn complete(&self, step: StepKey, data: Value) -> Result<Run, OnboardingError> {
        let mut tx = self.pool.begin().await?;
        let run = complete(
            &mut tx,
            &self.ctx(),
            self.creator,
            CompleteStep {
                step,
                data: Some(data),
            },
        )
        .await?;
        tx.commit().await?;
        Ok(run)
    }

    /// Decides a step as staff does, in a transaction of its own.
    async fn decide(&self, step: StepKey, approved: bool) -> Result<Run, OnboardingError> {
        let mut tx = self.pool.begin().await?;
        let decision = StaffDecision {
            step,
            approved,
            reason: "seen".into(),
            data: None,
        };
        let run = decide(&mut tx, &self.ctx(), self.creator, decision).await?;
        tx.commit().await?;
        Ok(run)
    }

    /// Goes through everything up to but without `last`.
    async fn all_but(&self, last: StepKey) {
        for step in [
            StepKey::Welcome,
            StepKey::ProfileSetup,
            StepKey::Verification,
            StepKey::ContentSetup,
            StepKey::PricingSetup,
            StepKey::PayoutSetup,
            StepKey::ComplianceTraining,
            StepKey::FirstContent,
        ] {
            if step != last {
                self.end(step).await;
            }
        }
    }

    /// Completes one step in the way its flow asks for.
    async fn end(&self, step: StepKey) {
        let by_word = match step {
            StepKey::Welcome | StepKey::MarketingSetup | StepKey::Completed => Some(json!({})),
            StepKey::ProfileSetup => Some(json!({ "profileComplete": true })),
            StepKey::ContentSetup => {
                Some(json!({ "categories": ["art"], "contentTypes": ["photos"] }))
            }
            StepKey::PricingSetup => {
                Some(json!({ "subscriptionPrice": "9.99", "currency": "USD" }))
            }
            StepKey::Verification
            | StepKey::PayoutSetup
            | StepKey::FirstContent
            | StepKey::ComplianceTraining => None,
        };
        match by_word {
            Some(data) => self.complete(step, data).await,
            None => self.decide(step, true).await,
        }
        .unwrap_or_else(|error| panic!("{step}: {error}"));
    }
}

/// Somebody whose profile is filled in.
fn newcomer(cluster: &str) -> NewCreator {
    NewCreator {
        email: "ada@x.example".parse().expect("an address"),
        username: "ada".parse().expect("a username"),
        cluster: cluster.into(),
        phone: None,
        display_name: Some("Ada".into()),
        first_name: Some("Ada".into()),
        time_zone: Some(chrono_tz::Europe::Berlin),
        person: None,
        birth_date: None,
        consents: Vec::new(),
    }
}

fn step_of(run: &Run, key: StepKey) -> &Step {
    run.steps
        .iter()
        .find(|step| step.flow.key == key)
        .expect("the step")
}
