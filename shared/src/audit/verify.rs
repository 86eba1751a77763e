//! Finding out whether anybody altered the trail.

use chrono::SecondsFormat;
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::entry::Personal;
use super::store::{self, Link};
use super::{AuditId, canonical};

/// Links that one call looks at, at the most: some seconds of work.
pub const VERIFY_MAX: i64 = 500_000;
/// What stands before the first entry.
const BEGINNING: ChainHash = ChainHash([0; 32]);

/// A hash of the chain; 64 hexadecimal digits as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHash([u8; 32]);

impl std::fmt::Display for ChainHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The text is no hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a hash has 64 hexadecimal digits")]
pub struct InvalidHash;

impl std::str::FromStr for ChainHash {
    type Err = InvalidHash;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidHash)?;
        Ok(Self(bytes))
    }
}

/// A place of the chain that was noted outside of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Where.
    pub seq: i64,
    /// The hash that was there.
    pub hash: ChainHash,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A number is missing in the chain.
    Gap,
    /// The entry itself is gone.
    Missing,
    /// The hash is not that of the entry and all before it.
    Altered,
    /// The columns that are searched do not say what the entry says.
    Columns,
    /// People's data beside the entry is not what was recorded.
    Personal,
    /// The entry is not in the chain.
    Unlinked,
    /// The chain does not hold what was noted of it: its end was cut off, or all of it was made anew.
    Anchor,
}

impl Fault {
    /// The fault's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Missing => "missing",
            Self::Altered => "altered",
            Self::Columns => "columns",
            Self::Personal => "personal",
            Self::Unlinked => "unlinked",
            Self::Anchor => "anchor",
        }
    }
}

/// The first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Where in the chain; none for an entry that is not in it.
    pub seq: Option<i64>,
    /// Which entry, if one is there.
    pub entry: Option<AuditId>,
    /// What.
    pub fault: Fault,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Links that were looked at and hold.
    pub checked: i64,
    /// The last of them: note it elsewhere, and give it to a later verification. None if there is none.
    pub head: Option<Anchor>,
    /// Whether nothing is left to look at; else go on after `head`.
    pub complete: bool,
    /// The first thing that is wrong.
    pub broken: Option<Broken>,
}

/// Verifies the chain after place `after` (0 for all of it), at most [`VERIFY_MAX`] links of it, and that it still holds
/// what was noted of it. Entries are read as a stream: one at a time is in memory.
///
/// # Errors
/// If the database refuses.
pub async fn verify(
    conn: &mut PgConnection,
    after: i64,
    anchor: Option<&Anchor>,
) -> sqlx::Result<Verification> {
    if let Some(anchor) = anchor
        && hash_at(conn, anchor.seq).await? != Some(anchor.hash)
    {
        let seq = Some(anchor.seq);
        return Ok(stopped(0, None, broken(seq, None, Fault::Anchor)));
    }
    let start = match after {
        ..=0 => Some(BEGINNING),
        seq => hash_at(conn, seq).await?,
    };
    let Some(start) = start else {
        return Ok(stopped(0, None, broken(Some(after), None, Fault::Gap)));
    };
    let found = walk(conn, after.max(0), start).await?;
    if found.broken.is_some() || !found.complete {
        return Ok(found);
    }
    let left_out = store::unlinked(conn).await?;
    let broken = left_out.map(|id| broken(None, Some(id.into()), Fault::Unlinked));
    Ok(Verification { broken, ..found })
}

async fn hash_at(conn: &mut PgConnection, seq: i64) -> sqlx::Result<Option<ChainHash>> {
    let hash = store::hash_at(conn, seq).await?;
    Ok(hash.and_then(|bytes| bytes.try_into().ok()).map(ChainHash))
}

async fn walk(conn: &mut PgConnection, after: i64, start: ChainHash) -> sqlx::Result<Verification> {
    let mut links = store::links(conn, after, VERIFY_MAX);
    let (mut hash, mut seq) = (start, after);
    while let Some(link) = links.try_next().await? {
        let (at, id) = (link.seq, AuditId::from(link.entry_id));
        if at != seq + 1 {
            let gap = broken(Some(seq + 1), None, Fault::Gap);
            return Ok(stopped(seq - after, head(seq, hash), gap));
        }
        match check(link, hash)? {
            Ok(next) => (hash, seq) = (next, at),
            Err(fault) => {
                let found = broken(Some(at), Some(id), fault);
                return Ok(stopped(seq - after, head(seq, hash), found));
            }
        }
    }
    let checked = seq - after;
    Ok(Verification {
        checked,
        head: head(seq, hash),
        complete: checked < VERIFY_MAX,
        broken: None,
    })
}

fn head(seq: i64, hash: ChainHash) -> Option<Anchor> {
    (seq > 0).then_some(Anchor { seq, hash })
}

fn broken(seq: Option<i64>, entry: Option<AuditId>, fault: Fault) -> Broken {
    Broken { seq, entry, fault }
}

fn stopped(checked: i64, head: Option<Anchor>, broken: Broken) -> Verification {
    Verification {
        checked,
        head,
        complete: false,
        broken: Some(broken),
    }
}

/// The hash of a link that holds, or what is wrong with it.
fn check(link: Link, before: ChainHash) -> sqlx::Result<Result<ChainHash, Fault>> {
    let Some(text) = &link.entry else {
        return Ok(Err(Fault::Missing));
    };
    let hash = Sha256::new()
        .chain_update(before.0)
        .chain_update(text)
        .finalize();
    let hash = ChainHash(hash.into());
    if hash.0[..] != link.hash[..] {
        return Ok(Err(Fault::Altered));
    }
    let body = store::parsed(text)?;
    let at = link
        .at
        .map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true));
    let columns_agree = AuditId::from(link.entry_id) == body.id
        && at.as_ref() == Some(&body.at)
        && link.actor.as_ref() == Some(&body.actor)
        && link.action.as_ref() == Some(&body.action)
        && link.subject_kind.as_ref() == Some(&body.subject.kind)
        && link.subject_id.as_ref() == Some(&body.subject.id)
        && canonical::text(&body)? == *text;
    if !columns_agree {
        return Ok(Err(Fault::Columns));
    }
    let people = link.personal.map(|rows| rows.0).unwrap_or_default();
    // a row that is gone was erased; one that is there must be the one that was recorded
    let sealed = |row: &Personal| body.sealed.get(&row.about) == Some(&row.seal());
    if people
        .into_iter()
        .map(Personal::from)
        .all(|row| sealed(&row))
    {
        Ok(Ok(hash))
    } else {
        Ok(Err(Fault::Personal))
    }
}
