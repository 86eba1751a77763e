//! Publishing flows.

use super::*;

/// The newest flow of a cluster, about to be published again.
async fn draft(conn: &mut PgConnection, cluster: &str) -> NewFlow {
    let flow = current(conn, cluster).await.expect("a flow");
    NewFlow {
        cluster: flow.cluster,
        steps: flow.steps,
        stall_minutes: flow.stall_minutes,
        abandon_minutes: flow.abandon_minutes,
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn every_cluster_has_a_flow_that_would_be_accepted(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let clusters = creators::clusters(&mut conn).await.expect("clusters");
    assert_eq!(clusters.len(), 9);
    for cluster in clusters {
        let flow = draft(&mut conn, &cluster.id).await;
        flow.check()
            .unwrap_or_else(|wrong| panic!("{}: {wrong:?}", cluster.id));
        assert_eq!(flow.steps.len(), StepKey::ALL.len());
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_new_version_does_not_touch_runs_under_way(pool: PgPool) {
    let world = World::new(pool).await;
    let before = world.run().await;
    let mut conn = world.conn().await;
    let mut flow = draft(&mut conn, "girlfanz").await;
    flow.steps
        .retain(|step| matches!(step.key, StepKey::Welcome | StepKey::Completed));
    let published = publish(&mut conn, &world.ctx(), &flow)
        .await
        .expect("published");
    assert_eq!((published.version, published.steps.len()), (2, 2));
    assert_eq!(world.run().await, before);
    world.another("bea", "girlfanz").await;
    let bea = world.another("cleo", "girlfanz").await;
    let (run, _) = get(&mut conn, &world.ctx(), bea).await.expect("a run");
    assert_eq!((run.flow_version, run.steps.len()), (2, 2));
    let versions: Vec<i32> = list(&mut conn, &world.ctx(), Some("girlfanz"))
        .await
        .expect("flows")
        .iter()
        .map(|flow| flow.version)
        .collect();
    assert_eq!(versions, [2, 1]);
    assert_eq!(
        list(&mut conn, &world.ctx(), None)
            .await
            .expect("flows")
            .len(),
        9
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_flow_that_cannot_be_gone_through_is_not_published(pool: PgPool) {
    let world = World::new(pool).await;
    let mut conn = world.conn().await;
    let mut flow = draft(&mut conn, "girlfanz").await;
    flow.steps.reverse();
    assert!(matches!(
        publish(&mut conn, &world.ctx(), &flow).await,
        Err(OnboardingError::Invalid(_))
    ));
    let nowhere = NewFlow {
        cluster: "nofanz".into(),
        ..draft(&mut conn, "girlfanz").await
    };
    assert!(matches!(
        publish(&mut conn, &world.ctx(), &nowhere).await,
        Err(OnboardingError::NoFlow(_))
    ));
}
