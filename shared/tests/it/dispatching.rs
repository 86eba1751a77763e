//! The dispatcher: what stands in the ready lists, in which order, and what does not.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use shared::kernel::{Clock, Db};
use shared::queue::dispatch::{Dispatcher, Fleet, SWEEP_EVERY};
use shared::queue::ready_list::{POP_WAIT_MAX, READY_LIST_MAX};
use shared::queue::settings::QueueSettings;
use shared::queue::{
    Hint, Job, JobId, NewJob, Priority, ReadyLists, Signals, enqueue_many, leadership,
};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::support::{Ping, Turn, ctx, kinds, ping, put, run};

/// A leader's dispatcher over lists that no other test uses, with a clock that the test moves.
struct Lists {
    pool: PgPool,
    conn: PgConnection,
    signals: Signals,
    redis: redis::aio::ConnectionManager,
    dispatcher: Dispatcher,
    queue: String,
    fleet: Fleet,
    settings: HashMap<String, QueueSettings>,
    now: Instant,
}

impl Lists {
    async fn new(pool: PgPool) -> Self {
        let url = std::env::var("REDIS_URL").expect("REDIS_URL names the Redis of the tests");
        let queue = format!("test_{}", Uuid::new_v4().simple());
        let signals = Signals::new(&url).unwrap();
        let redis = signals.ready.connection();
        let conn = leadership::connect(&pool.connect_options()).await.unwrap();
        Self {
            conn,
            redis,
            signals,
            dispatcher: Dispatcher::default(),
            fleet: Fleet {
                kinds: kinds(),
                slots: HashMap::from([(queue.clone(), 10)]),
            },
            settings: HashMap::from([(queue.clone(), QueueSettings::default())]),
            queue,
            now: Instant::now(),
            pool,
        }
    }

    fn ready(&self) -> &ReadyLists {
        &self.signals.ready
    }

    /// Enqueues into the queue of this test, without telling Redis.
    async fn put(&self, jobs: Vec<NewJob>) -> Vec<JobId> {
        put(&self.pool, self.here(jobs)).await
    }

    fn here(&self, mut jobs: Vec<NewJob>) -> Vec<NewJob> {
        for job in &mut jobs {
            job.queue.clone_from(&self.queue);
        }
        jobs
    }

    /// Enqueues and tells Redis after the commit, as the product does.
    async fn put_and_tell(&self, jobs: Vec<NewJob>) -> Vec<JobId> {
        let (db, ctx) = (
            Db::new(self.pool.clone(), Some(self.signals.clone())),
            ctx(),
        );
        let mut tx = db.begin().await.unwrap();
        let answers = enqueue_many(&mut tx, &ctx, self.here(jobs)).await.unwrap();
        db.commit(tx, &ctx).await.unwrap();
        answers.into_iter().map(|answer| answer.id()).collect()
    }

    /// One round, `later` after the one before; answers whether there is a backlog.
    async fn round(&mut self, later: Duration) -> bool {
        self.now += later;
        self.dispatcher
            .round(
                &mut self.conn,
                &self.signals.ready,
                &self.fleet,
                &self.settings,
                self.now,
            )
            .await
            .unwrap()
            .backlog
    }

    /// A round in which every list is written anew from its head.
    async fn sweep(&mut self) -> bool {
        self.round(SWEEP_EVERY * 60).await
    }

    async fn listed(&self, priority: Priority) -> Vec<JobId> {
        let ids: Vec<Vec<u8>> = redis::cmd("LRANGE")
            .arg(format!("{{{}}}:p{}", self.queue, priority.rank()))
            .arg(0)
            .arg(-1)
            .query_async(&mut self.redis.clone())
            .await
            .unwrap();
        ids.iter()
            .map(|id| JobId::from(Uuid::from_slice(id).unwrap()))
            .collect()
    }

    async fn normal(&self) -> Vec<JobId> {
        self.listed(Priority::Normal).await
    }

    /// Loses everything that Redis holds of this queue.
    async fn flush(&self) {
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg(format!("{{{}}}:*", self.queue))
            .query_async(&mut self.redis.clone())
            .await
            .unwrap();
        let () = redis::cmd("DEL")
            .arg(keys)
            .query_async(&mut self.redis.clone())
            .await
            .unwrap();
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn due_jobs_stand_in_the_order_they_became_due(pool: PgPool) {
    let mut lists = Lists::new(pool).await;
    let now = Clock::system().now();
    let ago = |seconds| now - chrono::Duration::seconds(seconds);
    let ids = lists
        .put(vec![
            ping(0).at(ago(10)),
            ping(1).at(ago(30)),
            ping(2).at(ago(20)),
            ping(3).at(ago(-60)),
        ])
        .await;
    lists.sweep().await;
    assert_eq!(lists.normal().await, [ids[1], ids[2], ids[0]]);
}

#[sqlx::test(migrations = "../migrations")]
async fn priorities_have_lists_of_their_own_and_the_urgent_come_first(pool: PgPool) {
    let mut lists = Lists::new(pool).await;
    let of = |priority| {
        (0..20)
            .map(|n| ping(n).priority(priority))
            .collect::<Vec<_>>()
    };
    let low = lists.put(of(Priority::Low)).await;
    let critical = lists.put(of(Priority::Critical)).await;
    lists.sweep().await;
    assert_eq!(lists.listed(Priority::Critical).await, critical);
    assert_eq!(lists.listed(Priority::Low).await, low);
    let mut popper = lists.ready().popper(&lists.queue).await.unwrap();
    let mut order = Vec::new();
    for _ in 0..40 {
        order.extend(popper.pop(1, POP_WAIT_MAX).await.unwrap());
    }
    let first_low = order.iter().position(|id| low.contains(id)).unwrap();
    assert_eq!(first_low, 15, "one pop in sixteen begins at the low end");
    let all: HashSet<JobId> = order.into_iter().collect();
    assert_eq!(all.len(), 40);
}

#[sqlx::test(migrations = "../migrations")]
async fn groups_take_turns_however_long_their_lines_are(pool: PgPool) {
    let mut lists = Lists::new(pool).await;
    let turn = |tenant: &str| {
        NewJob::of(&Turn {
            tenant: tenant.into(),
        })
        .unwrap()
    };
    let large = lists.put((0..500).map(|_| turn("large")).collect()).await;
    let small = lists.put(vec![turn("small"), turn("small")]).await;
    let plain = lists.put(vec![ping(1)]).await;
    lists.sweep().await;
    let listed = lists.normal().await;
    assert_eq!(
        listed[..5],
        [plain[0], large[0], small[0], large[1], small[1]]
    );
    assert_eq!(
        listed[5..],
        large[2..listed.len() - 3],
        "then the rest of the long line, in its order"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_group_that_waits_for_later_does_not_keep_the_queue_closed(pool: PgPool) {
    let mut lists = Lists::new(pool).await;
    let later = Clock::system().now() + chrono::Duration::days(1);
    let turn = NewJob::of(&Turn {
        tenant: "acme".into(),
    })
    .unwrap();
    lists.put(vec![turn.at(later)]).await;
    lists.sweep().await;
    assert!(!lists.round(Duration::from_millis(10)).await, "no backlog");
    let ids = lists.put_and_tell(vec![ping(1)]).await;
    assert_eq!(lists.normal().await, ids, "pushed at once");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_group_has_only_its_first_jobs_pushed_and_the_leader_gives_the_other_turns(pool: PgPool) {
    let mut lists = Lists::new(pool).await;
    lists.sweep().await;
    let turn = |tenant: &str| {
        NewJob::of(&Turn {
            tenant: tenant.to_owned(),
        })
        .unwrap()
    };
    let many = lists
        .put_and_tell((0..40).map(|_| turn("a")).collect())
        .await;
    assert_eq!(lists.normal().await, many[..16], "a short line");
    let other = lists.put_and_tell(vec![turn("b")]).await;
    assert_eq!(
        lists.normal().await,
        many[..16],
        "it is the leader's to add"
    );
    let free = lists.put_and_tell(vec![ping(1)]).await;
    assert_eq!(
        lists.normal().await[16..],
        free,
        "the queue stays open for jobs without a group"
    );
    lists.sweep().await;
    lists.sweep().await;
    let listed: HashSet<JobId> = lists.normal().await.into_iter().collect();
    assert!(many.iter().chain(&other).all(|id| listed.contains(id)));
}

#[sqlx::test(migrations = "../migrations")]
async fn kinds_that_no_live_worker_knows_are_not_listed(pool: PgPool) {
    let mut lists = Lists::new(pool).await;
    lists.fleet.kinds = vec![Ping::KIND.to_owned()];
    let turn = NewJob::of(&Turn {
        tenant: String::new(),
    })
    .unwrap();
    let ids = lists.put(vec![turn, ping(1)]).await;
    lists.sweep().await;
    assert_eq!(lists.normal().await, ids[1..]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_list_is_bounded_and_goes_on_where_it_ended(pool: PgPool) {
    let mut lists = Lists::new(pool).await;
    let ids = lists.put((0..3_500).map(ping).collect()).await;
    assert!(lists.sweep().await, "a backlog");
    assert_eq!(lists.normal().await, ids[..1_000]);
    let mut popper = lists.ready().popper(&lists.queue).await.unwrap();
    let mut popped = Vec::new();
    for _ in 0..12 {
        popped.extend(popper.pop(300, POP_WAIT_MAX).await.unwrap());
        lists.round(Duration::from_millis(50)).await;
    }
    assert_eq!(
        popped, ids,
        "each once, in order, although no sweep came in between"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_list_never_outgrows_its_limit(pool: PgPool) {
    let mut lists = Lists::new(pool).await;
    lists.sweep().await;
    let forged = |_| Hint {
        kind: Ping::KIND,
        queue: lists.queue.clone(),
        priority: Priority::Normal,
        id: JobId::new(),
        due: true,
        grouped: false,
        new: true,
    };
    let many: Vec<Hint> = (0..READY_LIST_MAX + 2_000).map(forged).collect();
    lists.ready().hint(&many).await;
    assert_eq!(lists.normal().await.len(), READY_LIST_MAX);
    let mut popper = lists.ready().popper(&lists.queue).await.unwrap();
    popper.pop(100, POP_WAIT_MAX).await.unwrap();
    lists.put_and_tell(vec![ping(0)]).await;
    let listed = lists.normal().await.len();
    assert_eq!(
        listed,
        READY_LIST_MAX - 100,
        "what did not fit closed the queue"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn new_jobs_are_pushed_only_while_the_leader_says_that_all_is_listed(pool: PgPool) {
    let mut lists = Lists::new(pool).await;
    lists.put_and_tell(vec![ping(0)]).await;
    assert_eq!(lists.normal().await, [], "nobody has said so yet");
    lists.sweep().await;
    let pushed = lists.put_and_tell(vec![ping(1)]).await;
    assert_eq!(lists.normal().await[1..], pushed);
    lists.put((0..5_000).map(ping).collect()).await;
    assert!(lists.sweep().await);
    let before = lists.normal().await;
    lists.put_and_tell(vec![ping(2)]).await;
    assert_eq!(
        lists.normal().await,
        before,
        "there is a backlog, and it waits its turn"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_that_is_not_due_is_not_pushed(pool: PgPool) {
    let mut lists = Lists::new(pool).await;
    lists.sweep().await;
    let later = Clock::system().now() + chrono::Duration::seconds(60);
    lists.put_and_tell(vec![ping(1).at(later)]).await;
    assert_eq!(lists.normal().await, []);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_lists_are_rebuilt_after_a_flush(pool: PgPool) {
    let mut lists = Lists::new(pool).await;
    let few = lists.put((0..30).map(ping).collect()).await;
    lists.sweep().await;
    lists.flush().await;
    run(
        &lists.pool,
        "update jobs set run_at = run_at - interval '1 second'",
    )
    .await;
    lists.sweep().await;
    assert_eq!(lists.normal().await, few, "of an open queue");
    let many = lists.put((0..5_000).map(ping).collect()).await;
    lists.sweep().await;
    lists.flush().await;
    lists.round(Duration::from_millis(100)).await;
    lists.sweep().await;
    let listed = lists.normal().await;
    assert!(listed.len() >= 1_000, "of a backlog");
    assert!(listed.iter().eq(few.iter().chain(&many).take(listed.len())));
}

#[sqlx::test(migrations = "../migrations")]
async fn jobs_that_wait_for_busy_workers_are_not_listed_again_and_again(pool: PgPool) {
    let mut lists = Lists::new(pool).await;
    let ids = lists.put((0..50).map(ping).collect()).await;
    run(
        &lists.pool,
        "update jobs set run_at = run_at - interval '1 minute'",
    )
    .await;
    for _ in 0..20 {
        lists.sweep().await;
    }
    assert_eq!(lists.normal().await, ids);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_id_that_was_popped_and_never_claimed_is_listed_again(pool: PgPool) {
    let mut lists = Lists::new(pool).await;
    let ids = lists.put(vec![ping(1), ping(2)]).await;
    run(
        &lists.pool,
        "update jobs set run_at = run_at - interval '1 minute'",
    )
    .await;
    lists.sweep().await;
    let mut popper = lists.ready().popper(&lists.queue).await.unwrap();
    assert_eq!(popper.pop(1, POP_WAIT_MAX).await.unwrap(), ids[..1]);
    lists.sweep().await;
    assert!(lists.normal().await.contains(&ids[0]));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_paused_queue_is_neither_listed_nor_open(pool: PgPool) {
    let mut lists = Lists::new(pool).await;
    lists.sweep().await;
    let paused = QueueSettings {
        paused: true,
        ..QueueSettings::default()
    };
    lists.settings.insert(lists.queue.clone(), paused);
    lists.put(vec![ping(1)]).await;
    lists.sweep().await;
    lists.put_and_tell(vec![ping(2)]).await;
    assert_eq!(lists.normal().await, []);
    lists
        .settings
        .insert(lists.queue.clone(), QueueSettings::default());
    lists.sweep().await;
    assert_eq!(lists.normal().await.len(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_retry_of_higher_priority_overtakes_a_backlog(pool: PgPool) {
    let mut lists = Lists::new(pool).await;
    lists.put((0..5_000).map(ping).collect()).await;
    lists.sweep().await;
    let urgent = lists.put(vec![ping(0).priority(Priority::High)]).await;
    lists.sweep().await;
    let mut popper = lists.ready().popper(&lists.queue).await.unwrap();
    assert_eq!(popper.pop(1, POP_WAIT_MAX).await.unwrap(), urgent);
}

#[sqlx::test(migrations = "../migrations")]
async fn entries_that_are_no_ids_are_left_out(pool: PgPool) {
    let mut lists = Lists::new(pool).await;
    let ids = lists.put(vec![ping(1)]).await;
    lists.sweep().await;
    let () = redis::cmd("LPUSH")
        .arg(format!("{{{}}}:p2", lists.queue))
        .arg("rubbish")
        .query_async(&mut lists.redis.clone())
        .await
        .unwrap();
    let mut popper = lists.ready().popper(&lists.queue).await.unwrap();
    assert_eq!(popper.pop(10, POP_WAIT_MAX).await.unwrap(), ids);
}
