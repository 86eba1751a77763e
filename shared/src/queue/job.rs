//! What a job is: a kind declared once, its policy, and one job about to be enqueued.

use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::EnqueueError;
use super::settle::{clean, has_nul};

crate::kernel::typed_id!(
    /// Names one job, for ever: through retries, hand-backs and in the history.
    JobId,
    "job"
);
crate::kernel::typed_id!(
    /// Names a set of jobs that were enqueued together and are counted together.
    BatchId,
    "batch"
);
crate::kernel::typed_id!(
    /// Names one start of a worker process.
    WorkerId,
    "worker"
);

/// A payload's largest size as JSON, in bytes: jobs carry ids, not data.
pub const ARGS_MAX_BYTES: usize = 16 * 1024;
/// Tags a job may have at the most.
pub const TAGS_MAX: usize = 20;
/// Characters in a tag, group or unique key at the most.
pub const KEY_MAX_CHARS: usize = 200;
/// Characters in a search term at the most.
const TERM_MAX_CHARS: usize = 300;

/// How urgent a job is; within a queue, all due jobs of a higher priority start before those of a lower one, except for
/// the small share that is kept for the lower ones.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    serde::Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Somebody waits for it.
    Critical,
    /// Before the usual.
    High,
    /// The usual.
    #[default]
    Normal,
    /// When there is time.
    Low,
}

impl Priority {
    /// All four, most urgent first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Normal, Self::Low];

    /// 0 (critical) to 3 (low), as the database stores it.
    pub const fn rank(self) -> i16 {
        match self {
            Self::Critical => 0,
            Self::High => 1,
            Self::Normal => 2,
            Self::Low => 3,
        }
    }

    /// The priority of a stored rank.
    pub const fn from_rank(rank: i16) -> Option<Self> {
        match rank {
            0 => Some(Self::Critical),
            1 => Some(Self::High),
            2 => Some(Self::Normal),
            3 => Some(Self::Low),
            _ => None,
        }
    }

    /// The priority's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

/// The delay before the next attempt: exponential with full jitter, a random time between zero and
/// `base × 2^(attempt − 1)`, at most `cap` ("Full Jitter" in AWS Architecture Blog, "Exponential Backoff and Jitter", 2015).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The upper bound after the first attempt.
    pub base: Duration,
    /// The upper bound after any attempt.
    pub cap: Duration,
}

impl Backoff {
    /// The delay after `attempt` attempts (1 for the first), for a `chance` drawn evenly from 0 up to 1.
    pub fn delay(&self, attempt: u32, chance: f64) -> Duration {
        let doubled = self
            .base
            .saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1).min(31)));
        doubled.min(self.cap).mul_f64(chance.clamp(0.0, 1.0))
    }
}

/// How a kind of job is run, unless the one who enqueues says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Its priority.
    pub priority: Priority,
    /// Attempts before the job is dead, at least 1.
    pub max_attempts: u16,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// The wait between attempts.
    pub backoff: Backoff,
    /// Whether a job with a unique key keeps others out also while it runs, or only while it waits.
    pub unique_while_running: bool,
    /// Arguments jobs can be found by, as camelCase names of top-level fields (`args.campaignId:…`).
    pub searchable: &'static [&'static str],
    /// Days a finished job is kept.
    pub retention_days: u16,
}

impl Policy {
    /// Normal priority, 10 attempts, one minute each, back-off from 2 s to 1 h, kept for 30 days.
    pub const DEFAULT: Self = Self {
        priority: Priority::Normal,
        max_attempts: 10,
        timeout: Duration::from_secs(60),
        backoff: Backoff {
            base: Duration::from_secs(2),
            cap: Duration::from_secs(3600),
        },
        unique_while_running: false,
        searchable: &[],
        retention_days: 30,
    };
}

/// A kind of job: its payload, and all that is declared once about it.
///
/// Payloads are ids and versions, not data. Both the kind's name and the meaning of a stored payload never change; a
/// payload of another shape is another kind, or has a field with `#[serde(default)]`.
pub trait Job: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The permanent name, `slice.verb`.
    const KIND: &'static str;
    /// The queue it waits in.
    const QUEUE: &'static str;
    /// One sentence for the catalogue: what running it does.
    const DESCRIPTION: &'static str;
    /// How it is run.
    const POLICY: Policy = Policy::DEFAULT;

    /// Jobs of this kind with the same key are one: enqueuing finds the standing one instead of adding another.
    fn unique_key(&self) -> Option<String> {
        None
    }

    /// Groups take turns, so that one tenant's million jobs do not keep the others waiting.
    fn group(&self) -> Option<String> {
        None
    }

    /// The creator this is about (`creator_…`), to find the job by.
    fn creator(&self) -> Option<String> {
        None
    }
}

/// One job about to be enqueued: a kind's policy with what was chosen for this one.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its id, known before it is stored.
    pub id: JobId,
    /// Its kind.
    pub kind: &'static str,
    /// The queue it will wait in.
    pub queue: String,
    /// Its priority.
    pub priority: Priority,
    /// The payload, as JSON text.
    pub args: String,
    /// Not before this; none for at once.
    pub run_at: Option<DateTime<Utc>>,
    /// Attempts before it is dead.
    pub max_attempts: u16,
    /// The group it takes turns in.
    pub group: Option<String>,
    /// The key it is unique under.
    pub unique_key: Option<String>,
    /// Whether the key also holds while it runs.
    pub unique_while_running: bool,
    /// Free words to find it by.
    pub tags: Vec<String>,
    /// What it can be found by, tags and group included: `creator:…`, `args.campaignId:…`.
    pub terms: Vec<String>,
    /// The batch it counts in.
    pub batch: Option<BatchId>,
}

impl NewJob {
    /// A job with all that its kind declares.
    ///
    /// # Errors
    /// If the payload is too large or contains a NUL character.
    pub fn of<J: Job>(job: &J) -> Result<Self, EnqueueError> {
        let value = serde_json::to_value(job).map_err(EnqueueError::Encode)?;
        Self::from_parts(
            &super::KindSpec::of::<J>(),
            value,
            job.unique_key(),
            job.group(),
            job.creator(),
        )
    }

    /// A job of a kind that is only known at run time; `args` must already match the kind's schema.
    ///
    /// # Errors
    /// If the payload is too large or contains a NUL character.
    pub fn from_parts(
        kind: &super::KindSpec,
        args: Value,
        unique_key: Option<String>,
        group: Option<String>,
        creator: Option<String>,
    ) -> Result<Self, EnqueueError> {
        let text = args.to_string();
        if text.len() > ARGS_MAX_BYTES {
            return Err(EnqueueError::ArgsTooLarge { bytes: text.len() });
        }
        let keyed_nul = [&unique_key, &group]
            .into_iter()
            .flatten()
            .any(|key| key.contains('\0'));
        if keyed_nul || has_nul(&args) {
            return Err(EnqueueError::NulInArgs);
        }
        if [&unique_key, &group]
            .into_iter()
            .flatten()
            .any(|key| key.chars().count() > KEY_MAX_CHARS)
        {
            return Err(EnqueueError::KeyTooLong);
        }
        let mut terms: Vec<String> = kind
            .searchable
            .iter()
            .filter_map(|name| argument_term(&args, name))
            .collect();
        terms.extend(creator.map(|id| term("creator", &id)));
        terms.extend(group.as_ref().map(|group| term("group", group)));
        Ok(Self {
            id: JobId::new(),
            kind: kind.kind,
            queue: kind.queue.to_owned(),
            priority: kind.policy.priority,
            args: text,
            run_at: None,
            max_attempts: kind.policy.max_attempts,
            group,
            unique_key,
            unique_while_running: kind.policy.unique_while_running,
            tags: Vec::new(),
            terms,
            batch: None,
        })
    }

    /// The same, not before `at`.
    #[must_use]
    pub fn at(mut self, at: DateTime<Utc>) -> Self {
        self.run_at = Some(at);
        self
    }

    /// The same, with another priority.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// The same, counted in `batch`.
    #[must_use]
    pub fn in_batch(mut self, batch: BatchId) -> Self {
        self.batch = Some(batch);
        self
    }

    /// The same, to be found by `tag` too, of which at most [`KEY_MAX_CHARS`] are kept.
    #[must_use]
    pub fn tag(mut self, tag: impl AsRef<str>) -> Self {
        let tag = clean(tag.as_ref(), KEY_MAX_CHARS);
        self.terms.push(term("tag", &tag));
        self.tags.push(tag);
        self
    }
}

/// The search term of one argument; none when it is absent, null, or not a plain value.
fn argument_term(args: &Value, name: &str) -> Option<String> {
    let text = match args.get(name)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(term(&format!("args.{name}"), &text))
}

/// What a job with this value under this name is found by; of a long value only the beginning counts.
pub(super) fn term(name: &str, value: &str) -> String {
    format!("{name}:{value}")
        .chars()
        .take(TERM_MAX_CHARS)
        .collect()
}

/// A claim on a job: the right to end it, held by exactly one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// The fence: drawn anew at every claim.
    pub id: Uuid,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn backoff_never_exceeds_its_cap(attempt in 0u32..2000, chance in 0.0f64..1.0) {
            let backoff = Policy::DEFAULT.backoff;
            prop_assert!(backoff.delay(attempt, chance) <= backoff.cap);
        }

        #[test]
        fn backoff_bounds_double_until_the_cap(attempt in 1u32..12) {
            let backoff = Policy::DEFAULT.backoff;
            let (a, b) = (backoff.delay(attempt, 1.0), backoff.delay(attempt + 1, 1.0));
            prop_assert!(b == a * 2 || b == backoff.cap);
        }
    }

    #[test]
    fn ranks_and_priorities_are_the_same_thing() {
        for priority in Priority::ALL {
            assert_eq!(Priority::from_rank(priority.rank()), Some(priority));
        }
        assert_eq!(Priority::from_rank(4), None);
    }
}
