//! Files against a real database.

use chrono::Duration;
use sqlx::PgPool;

use super::*;
use crate::kernel::{Actor, Clock};

fn later(by: Duration) -> Ctx {
    let clock = Clock::system();
    clock.advance(by);
    Ctx::new(Actor::System, &clock)
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_written_in_any_pieces_is_read_from_any_byte_until_it_expires(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let now = later(Duration::zero());
    let new = NewFile {
        name: "creators.csv".to_owned(),
        media_type: "text/csv",
        owner: "user:ada".to_owned(),
        expires_at: now.now() + Duration::hours(1),
    };
    let id = create(&mut conn, &now, &new).await.expect("begun");
    let large: Vec<u8> = (0..PART_MAX_BYTES + 5).map(|n| (n % 251) as u8).collect();
    for piece in [b"head".as_slice(), b"", &large] {
        append(&mut conn, id, piece).await.expect("written");
    }
    let whole = [b"head".as_slice(), &large].concat();
    for from in [
        0,
        3,
        4,
        PART_MAX_BYTES + 3,
        PART_MAX_BYTES + 4,
        whole.len() - 1,
    ] {
        let (mut seen, mut at) = (Vec::new(), from as i64);
        while let Some(part) = read(&mut conn, id, at).await.expect("read") {
            assert!(part.content.len() <= PART_MAX_BYTES);
            at += part.content.len() as i64;
            seen.extend(part.content);
        }
        assert_eq!(seen, whole[from..], "from byte {from}");
    }
    let found = find(&mut conn, &now, id)
        .await
        .expect("found")
        .expect("there");
    assert_eq!(found.bytes, whole.len() as i64);

    assert_eq!(purge(&mut conn, &now).await.expect("asked"), 0);
    let after = later(Duration::hours(2));
    assert_eq!(find(&mut conn, &after, id).await.expect("asked"), None);
    assert_eq!(purge(&mut conn, &after).await.expect("removed"), 1);
    let parts: Option<i64> = sqlx::query_scalar("select count(*) from file_parts")
        .fetch_one(&mut *conn)
        .await
        .expect("counted");
    assert_eq!(parts, Some(0));
}
