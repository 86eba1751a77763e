//! Rows of `earning_keys`.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::earnings::EarningId;
use crate::kernel::TypedId;

/// What a platform calls an earning or a reversal.
#[derive(Debug, Clone)]
pub(in crate::earnings) struct Key {
    pub(in crate::earnings) cluster: String,
    pub(in crate::earnings) external: String,
    pub(in crate::earnings) subject: EarningId,
    pub(in crate::earnings) hash: [u8; 32],
}

/// Who holds a key: the earning or reversal, and the hash of what was said of it.
type Holder = (EarningId, Vec<u8>);

/// Notes keys that are new and answers who holds each of them now, by cluster and external id. Whoever reports the same at
/// the same moment waits here.
pub(in crate::earnings) async fn settle(
    conn: &mut PgConnection,
    keys: &[Key],
) -> sqlx::Result<HashMap<(String, String), Holder>> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let clusters: Vec<String> = keys.iter().map(|key| key.cluster.clone()).collect();
    let externals: Vec<String> = keys.iter().map(|key| key.external.clone()).collect();
    let subjects: Vec<Uuid> = keys.iter().map(|key| key.subject.uuid()).collect();
    let hashes: Vec<Vec<u8>> = keys.iter().map(|key| key.hash.to_vec()).collect();
    sqlx::query!(
        "insert into earning_keys (cluster_id, external_id, subject_id, body_hash)
         select k.cluster, k.external, k.subject, k.hash
         from unnest($1::text[], $2::text[], $3::uuid[], $4::bytea[]) with ordinality k (cluster, external, subject, hash, n)
         order by k.cluster, k.external, k.n on conflict do nothing",
        &clusters,
        &externals,
        &subjects,
        &hashes,
    )
    .execute(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        "select distinct e.cluster_id, e.external_id, e.subject_id, e.body_hash
         from unnest($1::text[], $2::text[]) k (cluster, external)
         join earning_keys e on e.cluster_id = k.cluster and e.external_id = k.external",
        &clusters,
        &externals,
    )
    .fetch_all(conn)
    .await?;
    let held = rows.into_iter().map(|row| {
        let holder = (EarningId::from(row.subject_id), row.body_hash);
        ((row.cluster_id, row.external_id), holder)
    });
    Ok(held.collect())
}
