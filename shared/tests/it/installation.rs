//! Which database the workers work for.

use shared::queue::installation::{self, Identity, NotAtHome};
use sqlx::{PgConnection, PgPool};

use crate::support::ask;

async fn at_home(conn: &mut PgConnection, here: &Identity) -> bool {
    match installation::ensure_home(conn, here).await {
        Ok(()) => true,
        Err(NotAtHome::Foreign(foreign)) => {
            assert!(foreign.to_string().contains("api restore-accept"));
            assert!(foreign.to_string().contains(&here.address));
            false
        }
        Err(NotAtHome::Db(error)) => panic!("{error}"),
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_first_to_ask_is_at_home_and_stays_so(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let here = installation::identify(&mut conn, &pool.connect_options())
        .await
        .unwrap();
    assert!(
        here.address.contains(':') && here.address.contains("/_sqlx_test"),
        "{here}"
    );
    assert!(here.cluster.is_some());
    assert!(at_home(&mut conn, &here).await);
    assert!(at_home(&mut conn, &here).await);
}

#[sqlx::test(migrations = "../migrations")]
async fn another_database_cluster_or_address_is_foreign_until_it_is_accepted(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let here = installation::identify(&mut conn, &pool.connect_options())
        .await
        .unwrap();
    assert!(at_home(&mut conn, &here).await);
    let others = [
        Identity {
            database: here.database + 1,
            ..here.clone()
        },
        Identity {
            cluster: Some("1".to_owned()),
            ..here.clone()
        },
        Identity {
            address: "elsewhere:5432/creator_crm".to_owned(),
            ..here.clone()
        },
    ];
    for other in &others {
        assert!(!at_home(&mut conn, other).await, "{other}");
    }
    assert!(at_home(&mut conn, &here).await, "asking changes nothing");
    let [copy, _, address] = others;
    installation::accept(&mut conn, &address, "somebody")
        .await
        .unwrap();
    assert!(at_home(&mut conn, &address).await);
    assert!(
        at_home(&mut conn, &here).await,
        "the same database by another name"
    );
    installation::accept(&mut conn, &copy, "somebody")
        .await
        .unwrap();
    assert!(at_home(&mut conn, &copy).await);
    assert!(
        !at_home(&mut conn, &here).await,
        "a copy takes the place of what it was copied from"
    );
    let by: String = ask(&pool, "select accepted_by from installation").await;
    assert_eq!(by, "somebody");
}

#[sqlx::test(migrations = "../migrations")]
async fn one_who_may_not_ask_for_the_clusters_number_is_known_by_the_rest(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    for sql in [
        "do $$ begin create role no_asking; exception when duplicate_object or unique_violation then null; end $$",
        "revoke execute on function pg_control_system() from public",
        "grant all on installation to no_asking",
        "set role no_asking",
    ] {
        sqlx::query(sql).execute(&mut *conn).await.unwrap();
    }
    let here = installation::identify(&mut conn, &pool.connect_options())
        .await
        .unwrap();
    assert_eq!(here.cluster, None);
    assert!(at_home(&mut conn, &here).await);
    sqlx::query("reset role").execute(&mut *conn).await.unwrap();
}
