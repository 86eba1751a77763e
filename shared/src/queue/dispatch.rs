//! The dispatcher: keeps the ready lists in queue order. Only the leader runs it.
//!
//! A queue is either *open*, when everything due is listed and new jobs are pushed by whoever enqueues them, or it has
//! a backlog, and then its lists are written from Postgres: rewritten from the head about once a second, and continued
//! from where the last page ended whenever they run low in between. Rewriting from the head is what brings in retries,
//! new jobs of higher priority and everything that was popped and never claimed; continuing is what keeps the workers
//! fed without walking again and again over the index entries of jobs that are already gone.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::ready_list::READY_LIST_MAX;
use super::settings::QueueSettings;
use super::{JobId, Priority, ReadyLists};

/// How often a list is rewritten from the head, at the most.
pub const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// A sweep takes at most one part in this many of the leader's time: after a slow one the next waits longer.
const SWEEP_SHARE: u32 = 8;
/// Ids listed at the least while there is a backlog.
const PAGE_MIN: usize = 1_000;
/// Groups that take turns within one sweep; the next sweep goes on behind them.
const GROUPS_MAX: i64 = 1_000;
/// A due job this old was not pushed by whoever enqueued it.
const OVERLOOKED_AFTER: Duration = Duration::from_millis(250);

/// What the live workers can do together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fleet {
    /// Kinds that a running worker knows.
    pub kinds: Vec<String>,
    /// Slots by queue.
    pub slots: HashMap<String, usize>,
}

/// Where a page of the queue ended.
type Place = (DateTime<Utc>, Uuid);

#[derive(Debug, Default)]
struct QueueState {
    open: bool,
    /// Where to continue, by priority; none when the page reached the end or the queue has groups.
    next: [Option<Place>; 4],
    last_sweep: Option<Instant>,
    sweep_took: Duration,
    last_group: [String; 4],
    /// Ids listed after the last visit, and when that was: what is missing at the next visit was taken.
    listed: usize,
    visited: Option<Instant>,
    taken_per_s: f64,
}

impl QueueState {
    fn visit(&mut self, listed: usize, now: Instant) {
        if let Some(before) = self.visited {
            let dt = now.duration_since(before).as_secs_f64().max(0.001);
            let rate = self.listed.saturating_sub(listed) as f64 / dt;
            self.taken_per_s = if rate > self.taken_per_s {
                rate
            } else {
                self.taken_per_s * 0.8 + rate * 0.2
            };
        }
        self.listed = listed;
        self.visited = Some(now);
    }

    /// How many ids the lists should hold: about a second of what is taken, and enough for every free slot.
    fn wanted(&self, slots: usize) -> usize {
        let by_rate = (self.taken_per_s * 1.2) as usize;
        by_rate.max(slots * 2).clamp(PAGE_MIN, READY_LIST_MAX)
    }

    fn sweep_due(&self, now: Instant) -> bool {
        let pause = SWEEP_EVERY.max(self.sweep_took * SWEEP_SHARE);
        self.last_sweep
            .is_none_or(|last| now.duration_since(last) >= pause)
    }
}

/// What a round found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// Some queue has more due jobs than its lists hold: come back soon.
    pub backlog: bool,
}

/// Keeps the lists of all queues.
#[derive(Debug, Default)]
pub struct Dispatcher {
    queues: HashMap<String, QueueState>,
}

impl Dispatcher {
    /// Looks at every queue once and rewrites or continues the lists that need it; `now` never goes back.
    ///
    /// # Errors
    /// If Postgres or Redis does not answer; whatever was listed stays listed, and the next round starts afresh.
    pub async fn round(
        &mut self,
        conn: &mut PgConnection,
        ready: &ReadyLists,
        fleet: &Fleet,
        settings: &HashMap<String, QueueSettings>,
        now: Instant,
    ) -> Result<Round, DispatchError> {
        let mut waiting: HashMap<String, Vec<Priority>> = HashMap::new();
        for (queue, priority) in waiting_queues(conn).await? {
            waiting.entry(queue).or_default().push(priority);
        }
        for (queue, set) in settings {
            if set.paused || waiting.contains_key(queue) || !self.idle_due(queue, now) {
                continue;
            }
            ready.set_open(queue, true).await?;
        }
        let mut backlog = false;
        for (queue, priorities) in waiting {
            let paused = settings.get(&queue).is_some_and(|set| set.paused);
            if paused || fleet.kinds.is_empty() {
                ready.set_open(&queue, false).await?;
                self.queues.remove(&queue);
                // the first worker registers in a moment
                backlog |= !paused;
                continue;
            }
            let slots = fleet.slots.get(&queue).copied().unwrap_or(0);
            let state = self.queues.entry(queue.clone()).or_default();
            let visit = Visit {
                queue: &queue,
                priorities: &priorities,
                kinds: &fleet.kinds,
                slots,
                now,
            };
            visit.make(conn, ready, state).await?;
            backlog |= !state.open;
        }
        Ok(Round { backlog })
    }

    /// Whether the word for an idle queue must be given again before it runs out.
    fn idle_due(&mut self, queue: &str, now: Instant) -> bool {
        let state = self.queues.entry(queue.to_owned()).or_default();
        let due = !state.open || state.sweep_due(now);
        if due {
            *state = QueueState {
                open: true,
                last_sweep: Some(now),
                ..QueueState::default()
            };
        }
        due
    }
}

/// Why a round ended early.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// Postgres.
    #[error("the queue could not be read")]
    Db(#[from] sqlx::Error),
    /// Redis.
    #[error("the ready lists could not be written")]
    Redis(#[from] redis::RedisError),
}

/// One visit to one queue.
struct Visit<'a> {
    queue: &'a str,
    priorities: &'a [Priority],
    kinds: &'a [String],
    slots: usize,
    now: Instant,
}

impl Visit<'_> {
    async fn make(
        &self,
        conn: &mut PgConnection,
        ready: &ReadyLists,
        state: &mut QueueState,
    ) -> Result<(), DispatchError> {
        let lengths = ready.lengths(self.queue).await?;
        let listed = lengths.iter().sum();
        state.visit(listed, self.now);
        if state.sweep_due(self.now) {
            let began = Instant::now();
            self.sweep(conn, ready, state, lengths).await?;
            state.sweep_took = began.elapsed();
            state.last_sweep = Some(self.now + state.sweep_took);
        } else if !state.open && listed < state.wanted(self.slots) / 2 {
            self.go_on(conn, ready, state).await?;
        }
        Ok(())
    }

    /// Lists the queue from its head.
    async fn sweep(
        &self,
        conn: &mut PgConnection,
        ready: &ReadyLists,
        state: &mut QueueState,
        lengths: [usize; 4],
    ) -> Result<(), DispatchError> {
        let wanted = state.wanted(self.slots);
        let mut pages = Vec::with_capacity(self.priorities.len());
        for priority in self.priorities {
            pages.push((*priority, self.page(conn, *priority, state, wanted).await?));
        }
        let found: usize = pages.iter().map(|(_, page)| page.ids.len()).sum();
        let all_listed = pages.iter().all(|(_, page)| page.all);
        if state.open && all_listed && found <= self.slots * 2 + PAGE_MIN / 10 {
            // Next to nothing waits: what is due is in flight between its enqueuer and a worker. Rewriting the list
            // now could drop an id that was pushed a moment ago, so only what was overlooked is added; and not what
            // stands in the list already, because all workers are busy.
            for (priority, page) in &pages {
                if lengths[usize::from(priority.rank().unsigned_abs())] >= page.overlooked.len() {
                    continue;
                }
                ready
                    .append(self.queue, *priority, &page.overlooked)
                    .await?;
            }
        } else {
            for (priority, page) in &pages {
                ready.replace(self.queue, *priority, &page.ids).await?;
                state.next[usize::from(priority.rank().unsigned_abs())] =
                    page.end.filter(|_| !page.all);
            }
            state.listed = found;
        }
        state.open = all_listed;
        ready.set_open(self.queue, all_listed).await?;
        Ok(())
    }

    /// Continues the lists from where they end.
    async fn go_on(
        &self,
        conn: &mut PgConnection,
        ready: &ReadyLists,
        state: &mut QueueState,
    ) -> Result<(), DispatchError> {
        let mut room = state.wanted(self.slots).saturating_sub(state.listed);
        for priority in self.priorities {
            let next = &mut state.next[usize::from(priority.rank().unsigned_abs())];
            let Some(place) = *next else { continue };
            if room == 0 {
                break;
            }
            let heads = heads(
                conn,
                self.queue,
                *priority,
                "",
                self.kinds,
                Some(place),
                room,
            )
            .await?;
            *next = (heads.len() == room)
                .then(|| heads.last().map(|head| (head.run_at, head.id)))
                .flatten();
            let ids: Vec<JobId> = heads.iter().map(|head| JobId::from(head.id)).collect();
            let pushed = ready.append(self.queue, *priority, &ids).await?;
            room -= pushed.min(room);
            state.listed += pushed;
        }
        Ok(())
    }

    async fn page(
        &self,
        conn: &mut PgConnection,
        priority: Priority,
        state: &mut QueueState,
        wanted: usize,
    ) -> Result<ListPage, DispatchError> {
        let plain = heads(conn, self.queue, priority, "", self.kinds, None, wanted).await?;
        let from = &mut state.last_group[usize::from(priority.rank().unsigned_abs())];
        let mut groups = groups_after(conn, self.queue, priority, from).await?;
        if groups.is_empty() && !from.is_empty() {
            from.clear();
            groups = groups_after(conn, self.queue, priority, "").await?;
        }
        if groups.is_empty() {
            return Ok(ListPage::of(plain, wanted));
        }
        let every_group = from.is_empty() && (groups.len() as i64) < GROUPS_MAX;
        *from = if groups.len() as i64 == GROUPS_MAX {
            groups.last().cloned().unwrap_or_default()
        } else {
            String::new()
        };
        let each = (wanted / (groups.len() + 1)).max(1);
        let mut lines = vec![plain];
        for group in &groups {
            lines.push(heads(conn, self.queue, priority, group, self.kinds, None, each).await?);
        }
        let whole = every_group
            && lines[0].len() < wanted
            && lines[1..].iter().all(|line| line.len() < each);
        Ok(ListPage::in_turn(lines, whole))
    }
}

/// What to list for one priority.
struct ListPage {
    ids: Vec<JobId>,
    /// Of these, the ones that nobody pushed.
    overlooked: Vec<JobId>,
    end: Option<Place>,
    /// Nothing due is missing.
    all: bool,
}

impl ListPage {
    fn of(heads: Vec<Head>, wanted: usize) -> Self {
        Self {
            all: heads.len() < wanted,
            end: heads.last().map(|head| (head.run_at, head.id)),
            overlooked: heads
                .iter()
                .filter(|head| head.overlooked)
                .map(|head| JobId::from(head.id))
                .collect(),
            ids: heads.into_iter().map(|head| JobId::from(head.id)).collect(),
        }
    }

    /// One of each line, then the second of each, and so on; `whole` says that the lines hold all that is due. The first
    /// line is that of the jobs without a group; nobody pushes those of the others.
    fn in_turn(lines: Vec<Vec<Head>>, whole: bool) -> Self {
        let longest = lines.iter().map(Vec::len).max().unwrap_or(0);
        let turns: Vec<(bool, JobId)> = (0..longest)
            .flat_map(|turn| {
                let nth = move |(i, line): (usize, &Vec<Head>)| {
                    let head = line.get(turn)?;
                    Some((i > 0 || head.overlooked, JobId::from(head.id)))
                };
                lines.iter().enumerate().filter_map(nth).collect::<Vec<_>>()
            })
            .take(READY_LIST_MAX)
            .collect();
        Self {
            all: whole && turns.len() < READY_LIST_MAX,
            overlooked: turns
                .iter()
                .filter(|(overlooked, _)| *overlooked)
                .map(|(_, id)| *id)
                .collect(),
            ids: turns.into_iter().map(|(_, id)| id).collect(),
            end: None,
        }
    }
}

struct Head {
    id: Uuid,
    run_at: DateTime<Utc>,
    overlooked: bool,
}

/// Queues and priorities in which a job waits, due or not: a loose scan that touches one index entry for each.
async fn waiting_queues(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, Priority)>> {
    let rows = sqlx::query!(
        r#"
        with recursive w as (
            (select queue, priority from jobs where state = 'available' order by queue, priority limit 1)
            union all
            select n.queue, n.priority from w cross join lateral (
                select j.queue, j.priority from jobs j
                where j.state = 'available' and (j.queue, j.priority) > (w.queue, w.priority)
                order by j.queue, j.priority limit 1) n
        )
        select queue as "queue!", priority as "priority!" from w
        "#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((row.queue, Priority::from_rank(row.priority)?)))
        .collect())
}

/// The groups of a queue and priority behind `after`, by name: a loose scan.
async fn groups_after(
    conn: &mut PgConnection,
    queue: &str,
    priority: Priority,
    after: &str,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"
        with recursive g as (
            (select group_key from jobs
             where state = 'available' and queue = $1 and priority = $2 and group_key > $3
             order by group_key limit 1)
            union all
            select n.group_key from g cross join lateral (
                select j.group_key from jobs j
                where j.state = 'available' and j.queue = $1 and j.priority = $2 and j.group_key > g.group_key
                order by j.group_key limit 1) n
        )
        select group_key as "group_key!" from g limit $4
        "#,
        queue,
        priority.rank(),
        after,
        GROUPS_MAX,
    )
    .fetch_all(conn)
    .await
}

/// The due jobs of one group in queue order, behind `after`.
async fn heads(
    conn: &mut PgConnection,
    queue: &str,
    priority: Priority,
    group: &str,
    kinds: &[String],
    after: Option<Place>,
    most: usize,
) -> sqlx::Result<Vec<Head>> {
    let (run_at, id) = after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil()));
    sqlx::query_as!(
        Head,
        r#"
        select id, run_at, run_at < now() - make_interval(secs => $8) as "overlooked!" from jobs
        where state = 'available' and queue = $1 and priority = $2 and group_key = $3
          and run_at <= now() and (run_at, id) > ($4, $5) and kind = any($6) and cancel_requested_at is null
        order by run_at, id limit $7
        "#,
        queue,
        priority.rank(),
        group,
        run_at,
        id,
        kinds,
        most as i64,
        OVERLOOKED_AFTER.as_secs_f64(),
    )
    .fetch_all(conn)
    .await
}
