//! What the tests of several slices build.

use sqlx::PgPool;

use crate::creators::{self, CreatorId, NewCreator};
use crate::kernel::{Actor, Clock, Ctx};

/// A creator who said no more than they had to.
pub(crate) fn newcomer(cluster: &str, name: &str) -> NewCreator {
    NewCreator {
        email: format!("{name}@x.example").parse().expect("an address"),
        username: name.parse().expect("a username"),
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

/// Registers a creator.
pub(crate) async fn creator(pool: &PgPool, cluster: &str, name: &str) -> CreatorId {
    let mut tx = pool.begin().await.expect("a transaction");
    let ctx = Ctx::new(Actor::System, &Clock::system());
    let made = creators::register(&mut tx, &ctx, &newcomer(cluster, name))
        .await
        .expect("registered");
    tx.commit().await.expect("committed");
    made.id
}
