//! Which database the workers work for.
//!
//! A copy of the database (a restored backup, a snapshot for staging, a moved server) holds jobs that the original has
//! done meanwhile, and will do. A worker that ran them would send every mail twice. So the first worker writes down what
//! database it found, and workers that find themselves elsewhere claim nothing until somebody accepts it.
//!
//! A dump that was restored is known by the database's own number, and by that of its cluster; a copy of a whole
//! cluster, which has the same numbers, is known by its address.

use sqlx::postgres::PgConnectOptions;
use sqlx::{PgConnection, PgPool};

/// SQLSTATE of a function that one may not call.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// What tells one database from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `host:port/name`, as this process reaches it.
    pub address: String,
    /// The cluster's own number; none where one may not ask for it.
    pub cluster: Option<String>,
    /// The database's number within the cluster.
    pub database: i64,
}

/// The database is not the one that the jobs in it were enqueued in, as far as anybody has said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this database looks like a copy: it is {found}, and its jobs belong to {accepted}; nothing is run here until \
     `api restore-accept` says that this is the one to work for"
)]
pub struct Foreign {
    /// Where the workers worked before.
    pub accepted: String,
    /// Where this one is.
    pub found: String,
}

/// Why a worker does not know where it is.
#[derive(Debug, thiserror::Error)]
pub enum NotAtHome {
    /// It is somewhere else.
    #[error(transparent)]
    Foreign(#[from] Foreign),
    /// The database did not answer.
    #[error("the database is away")]
    Db(#[from] sqlx::Error),
}

/// The identity of the database at the other end of a connection that was made with `options`.
///
/// # Errors
/// If it does not answer.
pub async fn identify(
    conn: &mut PgConnection,
    options: &PgConnectOptions,
) -> sqlx::Result<Identity> {
    let database = sqlx::query!(
        r#"select oid::int8 as "oid!", datname as "name!" from pg_database where datname = current_database()"#
    )
    .fetch_one(&mut *conn)
    .await?;
    let host = match options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => options.get_host().to_owned(),
    };
    Ok(Identity {
        address: format!("{host}:{}/{}", options.get_port(), database.name),
        cluster: cluster_id(conn).await?,
        database: database.oid,
    })
}

async fn cluster_id(conn: &mut PgConnection) -> sqlx::Result<Option<String>> {
    let asked =
        sqlx::query_scalar!(r#"select system_identifier::text as "id!" from pg_control_system()"#)
            .fetch_one(conn)
            .await;
    match asked {
        Ok(id) => Ok(Some(id)),
        Err(sqlx::Error::Database(error))
            if error.code().as_deref() == Some(INSUFFICIENT_PRIVILEGE) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Makes sure that `here` is the database that the workers work for; the first to ask says that it is.
///
/// # Errors
/// [`NotAtHome::Foreign`] if it is another.
pub async fn ensure_home(conn: &mut PgConnection, here: &Identity) -> Result<(), NotAtHome> {
    sqlx::query!(
        "insert into installation (cluster_id, database_oid, addresses, accepted_by)
         values ($1, $2, array[$3], 'first worker') on conflict do nothing",
        here.cluster,
        here.database,
        here.address,
    )
    .execute(&mut *conn)
    .await?;
    let home = read(conn).await?;
    if home.is(here) && home.addresses.contains(&here.address) {
        return Ok(());
    }
    Err(NotAtHome::Foreign(Foreign {
        accepted: home.to_string(),
        found: here.to_string(),
    }))
}

/// Says, on behalf of `by`, that the workers are to work for `here`. A new address of the same database is added to the
/// known ones; another database takes the place of the one before, whose copy this is.
///
/// # Errors
/// If the database does not answer; then nothing changed.
pub async fn accept(conn: &mut PgConnection, here: &Identity, by: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into installation (cluster_id, database_oid, addresses, accepted_by)
         values ($1, $2, array[$3], $4)
         on conflict (only_row) do update set
             addresses = case
                 when installation.cluster_id is distinct from excluded.cluster_id
                   or installation.database_oid <> excluded.database_oid then excluded.addresses
                 when $3 = any(installation.addresses) then installation.addresses
                 else installation.addresses || excluded.addresses end,
             cluster_id = excluded.cluster_id, database_oid = excluded.database_oid,
             accepted_by = excluded.accepted_by, accepted_at = now()",
        here.cluster,
        here.database,
        here.address,
        by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// As [`accept`], for the database behind `pool`; answers which that is.
///
/// # Errors
/// As [`accept`].
pub async fn accept_here(pool: &PgPool, by: &str) -> sqlx::Result<Identity> {
    let mut conn = pool.acquire().await?;
    let here = identify(&mut conn, &pool.connect_options()).await?;
    accept(&mut conn, &here, by).await?;
    Ok(here)
}

/// The database that the workers work for.
struct Home {
    cluster_id: Option<String>,
    database_oid: i64,
    addresses: Vec<String>,
}

impl Home {
    fn is(&self, here: &Identity) -> bool {
        self.cluster_id == here.cluster && self.database_oid == here.database
    }
}

async fn read(conn: &mut PgConnection) -> sqlx::Result<Home> {
    sqlx::query_as!(
        Home,
        "select cluster_id, database_oid, addresses from installation"
    )
    .fetch_one(conn)
    .await
}

impl std::fmt::Display for Home {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cluster = self.cluster_id.as_deref().unwrap_or("unknown");
        let addresses = self.addresses.join(" or ");
        write!(
            f,
            "{addresses} (cluster {cluster}, database {})",
            self.database_oid
        )
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cluster = self.cluster.as_deref().unwrap_or("unknown");
        write!(
            f,
            "{} (cluster {cluster}, database {})",
            self.address, self.database
        )
    }
}
