//! What this process runs right now, and whether it may go on.
//!
//! Three parties share it: fetchers enter claims, the executor and the completer take jobs through it, and the heart
//! compares it with what the database says.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use shared::queue::claim::Claimed;
use shared::queue::workers::Held;
use shared::queue::{JobId, Lease, WorkerId};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Without a confirmed beat for this long, handlers are stopped and no effect outside begins. It is shorter than the
/// time after which the fleet takes the jobs back, so that two processes never act on one job.
pub const UNCONFIRMED_MAX: Duration = Duration::from_secs(10);

/// A handler's standing: how it learns that it should stop.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Somebody asked for the job to be cancelled, or the process has waited long enough for it while draining.
    pub cancel: CancellationToken,
    /// The process lost the right to run anything: stop at once, write nothing.
    pub fenced: CancellationToken,
}

#[derive(Debug)]
struct Entry {
    lease: Uuid,
    cancel: CancellationToken,
}

#[derive(Debug, Default)]
struct Table {
    jobs: HashMap<JobId, Entry>,
    /// Claims that were sent and not answered: their jobs are ours although no entry names them yet.
    claiming: HashSet<Uuid>,
    /// Leases that the database ascribed to us at the last beat and that we do not know.
    strangers: HashSet<Lease>,
    progress: HashMap<Lease, (f32, Option<String>)>,
}

/// See the module.
#[derive(Debug)]
pub struct Running {
    table: Mutex<Table>,
    identity: RwLock<Identity>,
}

#[derive(Debug)]
struct Identity {
    worker: WorkerId,
    confirmed: Option<Instant>,
    fence: CancellationToken,
}

impl Running {
    /// Nothing runs, and nothing may until the first beat is confirmed.
    pub fn new(worker: WorkerId) -> Self {
        let identity = Identity {
            worker,
            confirmed: None,
            fence: CancellationToken::new(),
        };
        Self {
            table: Mutex::default(),
            identity: RwLock::new(identity),
        }
    }

    /// The id under which this process is registered now.
    pub fn worker(&self) -> WorkerId {
        self.identity
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .worker
    }

    /// Whether this process may begin work: a beat was confirmed within [`UNCONFIRMED_MAX`].
    ///
    /// Asks the monotonic clock each time, so that a process that was stopped knows it in its first moment.
    pub fn may_act(&self) -> bool {
        let identity = self.identity.read().unwrap_or_else(PoisonError::into_inner);
        identity
            .confirmed
            .is_some_and(|at| at.elapsed() < UNCONFIRMED_MAX)
    }

    /// Stops every handler, as [`Running::fence`] does, if this process may no longer act although it once might;
    /// answers whether it did.
    pub fn fence_if_unconfirmed(&self) -> bool {
        let stale = self
            .identity
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .confirmed
            .is_some_and(|at| at.elapsed() >= UNCONFIRMED_MAX);
        if stale {
            self.fence(None);
        }
        stale
    }

    /// A beat sent at `sent` was confirmed.
    pub fn confirm(&self, sent: Instant) {
        self.identity
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .confirmed = Some(sent);
    }

    /// Stops every handler and forgets all jobs; whatever the database still ascribes to this process is given back as
    /// a stranger, or was taken already. With `worker`, the process goes on under a new id.
    pub fn fence(&self, worker: Option<WorkerId>) {
        let mut identity = self
            .identity
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        identity.confirmed = None;
        identity.worker = worker.unwrap_or(identity.worker);
        std::mem::replace(&mut identity.fence, CancellationToken::new()).cancel();
        let mut table = self.table();
        table.jobs.clear();
        table.progress.clear();
        if worker.is_some() {
            table.claiming.clear();
        }
    }

    /// A claim is about to be sent under `lease`.
    pub fn claiming(&self, lease: Uuid) {
        self.table().claiming.insert(lease);
    }

    /// The claim was answered: these jobs are ours. Those of a claim that was given up meanwhile are not, and are left
    /// to the heart.
    pub fn claimed(&self, lease: Uuid, jobs: &[Claimed]) -> bool {
        let mut table = self.table();
        if !table.claiming.remove(&lease) {
            return false;
        }
        for job in jobs {
            table.jobs.insert(
                job.lease.job,
                Entry {
                    lease: job.lease.id,
                    cancel: CancellationToken::new(),
                },
            );
        }
        true
    }

    /// The claim failed, perhaps after it had happened: if so, its jobs are strangers now.
    pub fn claim_failed(&self, lease: Uuid) {
        self.table().claiming.remove(&lease);
    }

    /// The standing of a job that is about to run; none if the process was fenced since the claim.
    pub fn standing(&self, lease: Lease) -> Option<Standing> {
        let fenced = self
            .identity
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .fence
            .clone();
        let table = self.table();
        let entry = table
            .jobs
            .get(&lease.job)
            .filter(|entry| entry.lease == lease.id)?;
        Some(Standing {
            cancel: entry.cancel.clone(),
            fenced,
        })
    }

    /// What became of the jobs is written, or cannot be told: then the heart gives them back as strangers.
    pub fn settled<'a>(&self, leases: impl Iterator<Item = &'a Lease>) {
        let mut table = self.table();
        for lease in leases {
            if table
                .jobs
                .get(&lease.job)
                .is_some_and(|entry| entry.lease == lease.id)
            {
                table.jobs.remove(&lease.job);
            }
            table.progress.remove(lease);
        }
    }

    /// Remembers how far a job is, to be written with the next beat.
    pub fn report(&self, lease: Lease, done: f32, note: Option<String>) {
        self.table().progress.insert(lease, (done, note));
    }

    /// Takes the reports gathered since the last beat.
    pub fn take_reports(&self) -> Vec<(Lease, f32, Option<String>)> {
        self.table()
            .progress
            .drain()
            .map(|(lease, (done, note))| (lease, done, note))
            .collect()
    }

    /// Compares what the database says this process runs with what it does run: passes cancellations on, and answers
    /// the strangers to give back. A stranger is one that was unknown at two beats in a row, because an answer may
    /// still be on its way at the first.
    pub fn compare(&self, held: &[Held]) -> Vec<Lease> {
        let mut table = self.table();
        let mut unknown = HashSet::new();
        for Held { lease, cancel } in held {
            match table
                .jobs
                .get(&lease.job)
                .filter(|entry| entry.lease == lease.id)
            {
                Some(entry) if *cancel => entry.cancel.cancel(),
                Some(_) => {}
                None if table.claiming.contains(&lease.id) => {}
                None => {
                    unknown.insert(*lease);
                }
            }
        }
        let give_back = unknown.intersection(&table.strangers).copied().collect();
        table.strangers = unknown;
        give_back
    }

    /// Asks every running handler to stop.
    pub fn cancel_all(&self) {
        self.table()
            .jobs
            .values()
            .for_each(|entry| entry.cancel.cancel());
    }

    /// Jobs in this process, from their claim until what became of them is written.
    pub fn len(&self) -> usize {
        self.table().jobs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> Lease {
        Lease {
            job: JobId::new(),
            id: Uuid::new_v4(),
        }
    }

    #[test]
    fn nothing_may_begin_before_the_first_confirmed_beat() {
        let running = Running::new(WorkerId::new());
        assert!(!running.may_act());
        running.confirm(Instant::now());
        assert!(running.may_act());
    }

    #[test]
    fn a_process_that_was_confirmed_too_long_ago_is_fenced_once() {
        let running = Running::new(WorkerId::new());
        assert!(!running.fence_if_unconfirmed(), "it never might act");
        let Some(long_ago) = Instant::now().checked_sub(UNCONFIRMED_MAX) else {
            return;
        };
        running.confirm(long_ago);
        assert!(running.fence_if_unconfirmed());
        assert!(!running.fence_if_unconfirmed());
        running.confirm(Instant::now());
        assert!(!running.fence_if_unconfirmed());
    }

    #[test]
    fn an_unknown_lease_is_given_back_at_the_second_beat() {
        let running = Running::new(WorkerId::new());
        let held = [Held {
            lease: lease(),
            cancel: false,
        }];
        assert_eq!(running.compare(&held), []);
        assert_eq!(running.compare(&held), [held[0].lease]);
    }

    #[test]
    fn a_claim_on_its_way_is_no_stranger() {
        let running = Running::new(WorkerId::new());
        let held = [Held {
            lease: lease(),
            cancel: false,
        }];
        running.claiming(held[0].lease.id);
        assert_eq!(running.compare(&held), []);
        assert_eq!(running.compare(&held), []);
        running.claim_failed(held[0].lease.id);
        assert_eq!(running.compare(&held), []);
        assert_eq!(running.compare(&held), [held[0].lease]);
    }

    #[test]
    fn a_fence_under_a_new_id_disowns_claims_on_their_way() {
        let running = Running::new(WorkerId::new());
        let id = Uuid::new_v4();
        running.claiming(id);
        running.fence(Some(WorkerId::new()));
        assert!(!running.claimed(id, &[]));
        assert!(!running.may_act());
    }
}
