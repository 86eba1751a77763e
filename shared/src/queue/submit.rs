//! Jobs that come from outside: every field is checked against the catalogue before anything is stored.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use thiserror::Error;

use super::settle::has_nul;
use super::{
    Catalog, EnqueueError, Enqueued, KEY_MAX_CHARS, NewJob, Priority, TAGS_MAX, enqueue_many,
};
use crate::audit::{self, Entry};
use crate::kernel::{Classify, Ctx, ErrorKind, FieldError};

/// Jobs in one call at the most.
pub const SUBMIT_MAX: usize = 10_000;
/// Wrong fields that one answer names at the most.
const FIELD_ERRORS_MAX: usize = 100;
/// Attempts a job may be given at the most.
pub const ATTEMPTS_MAX: u16 = 1_000;
/// How far ahead a job may be scheduled.
pub const RUN_AT_MAX_AHEAD: Duration = Duration::days(5 * 366);

/// A job as somebody outside asks for it; what is left out is as its kind declares.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Submission {
    /// The kind's name.
    pub kind: String,
    /// The payload.
    pub args: Value,
    /// Another queue.
    pub queue: Option<String>,
    /// Another priority.
    pub priority: Option<Priority>,
    /// Not before this.
    pub run_at: Option<DateTime<Utc>>,
    /// Another key to be unique under.
    pub unique_key: Option<String>,
    /// Other attempts.
    pub max_attempts: Option<u16>,
    /// Another group to take turns in.
    pub group: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
}

/// Why nothing was enqueued.
#[derive(Debug, Error)]
pub enum SubmitError {
    /// Some fields are wrong.
    #[error("some jobs are not acceptable; `errors` names the fields")]
    Invalid(Vec<FieldError>),
    /// The queue refused.
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
}

impl Classify for SubmitError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::Enqueue(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid-job",
            Self::Enqueue(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Enqueue(error) => error.fields(),
        }
    }
}

/// Enqueues what was asked for, all of it or nothing; the answers are in the order of the jobs.
///
/// Pointers in the refusal are `/jobs/N/…`, or `/…` when `alone` says that the body was one job.
///
/// # Errors
/// With every wrong field, up to a limit.
pub async fn submit(
    conn: &mut PgConnection,
    ctx: &Ctx,
    catalog: &Catalog,
    jobs: Vec<Submission>,
    alone: bool,
) -> Result<Vec<Enqueued>, SubmitError> {
    if jobs.len() > SUBMIT_MAX {
        let message = format!("at most {SUBMIT_MAX} jobs in one call; send the others in another");
        return Err(SubmitError::Invalid(vec![FieldError::new(
            "/jobs", message,
        )]));
    }
    let (mut new, mut errors) = (Vec::with_capacity(jobs.len()), Vec::new());
    for (i, job) in jobs.into_iter().enumerate() {
        let prefix = if alone {
            String::new()
        } else {
            format!("/jobs/{i}")
        };
        match job.checked(catalog, ctx.now()) {
            Ok(job) => new.push(job),
            Err(fields) => errors.extend(
                fields
                    .into_iter()
                    .map(|f| FieldError::new(format!("{prefix}{}", f.field), f.message)),
            ),
        }
        if errors.len() >= FIELD_ERRORS_MAX {
            errors.truncate(FIELD_ERRORS_MAX);
            break;
        }
    }
    if !errors.is_empty() {
        return Err(SubmitError::Invalid(errors));
    }
    let entry = told(&new);
    let enqueued = enqueue_many(conn, ctx, new).await?;
    if let (Some(first), Some(last)) = (enqueued.first(), enqueued.last()) {
        let mut entry = entry;
        entry["inserted"] = enqueued.iter().filter(|job| job.inserted()).count().into();
        entry["lastId"] = last.id().to_string().into();
        let entry = Entry::new("job.enqueue", first.id()).after(entry);
        audit::record(conn, ctx, entry)
            .await
            .map_err(EnqueueError::from)?;
    }
    Ok(enqueued)
}

/// What the audit trail is told of a call: how many jobs of which kinds. Their payloads stay with the jobs.
fn told(jobs: &[NewJob]) -> Value {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for job in jobs {
        *kinds.entry(job.kind).or_default() += 1;
    }
    serde_json::json!({ "kinds": kinds })
}

impl Submission {
    /// The job this asks for.
    ///
    /// # Errors
    /// With every wrong field.
    pub fn checked(self, catalog: &Catalog, now: DateTime<Utc>) -> Result<NewJob, Vec<FieldError>> {
        let Some(kind) = catalog.get(&self.kind) else {
            return Err(vec![FieldError::new(
                "/kind",
                "there is no such kind; GET /api/job-kinds lists them",
            )]);
        };
        let mut errors = self.plain_errors(now);
        let keys = kind.check(&self.args).unwrap_or_else(|more| {
            errors.extend(more);
            super::Keys::default()
        });
        if !errors.is_empty() {
            return Err(errors);
        }
        let unique_key = self.unique_key.or(keys.unique_key);
        let group = self.group.or(keys.group);
        let job = NewJob::from_parts(&kind.spec, self.args, unique_key, group, keys.creator)
            .map_err(|error| error.fields())?;
        let mut job = self.tags.into_iter().fold(job, NewJob::tag);
        job.queue = self.queue.unwrap_or(job.queue);
        job.priority = self.priority.unwrap_or(job.priority);
        job.max_attempts = self.max_attempts.unwrap_or(job.max_attempts);
        job.run_at = self.run_at;
        Ok(job)
    }

    /// What is wrong with the fields beside the arguments.
    fn plain_errors(&self, now: DateTime<Utc>) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if let Some(queue) = &self.queue
            && !is_queue_name(queue)
        {
            errors.push(FieldError::new("/queue", QUEUE_NAME_RULE));
        }
        if let Some(attempts) = self.max_attempts
            && !(1..=ATTEMPTS_MAX).contains(&attempts)
        {
            errors.push(FieldError::new(
                "/maxAttempts",
                format!("must be from 1 to {ATTEMPTS_MAX}"),
            ));
        }
        if self.run_at.is_some_and(|at| at > now + RUN_AT_MAX_AHEAD) {
            errors.push(FieldError::new("/runAt", "is more than five years ahead"));
        }
        for (field, word) in [("/uniqueKey", &self.unique_key), ("/group", &self.group)] {
            if let Some(error) = word
                .as_deref()
                .and_then(|word| word_error(field.to_owned(), word))
            {
                errors.push(error);
            }
        }
        if self.tags.len() > TAGS_MAX {
            errors.push(FieldError::new("/tags", format!("at most {TAGS_MAX} tags")));
        }
        errors.extend(
            self.tags
                .iter()
                .enumerate()
                .filter_map(|(i, tag)| word_error(format!("/tags/{i}"), tag)),
        );
        if has_nul(&self.args) {
            errors.push(FieldError::new(
                "/args",
                "must not contain the NUL character",
            ));
        }
        errors
    }
}

/// What a queue's name must look like.
pub(super) const QUEUE_NAME_RULE: &str =
    "must be a lower-case letter, then up to 62 lower-case letters, digits or underscores";

/// Whether a text can be a queue's name; the table `queues` has the same rule.
pub(super) fn is_queue_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= 63
        && bytes.next().is_some_and(|b| b.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn word_error(field: String, word: &str) -> Option<FieldError> {
    if word.is_empty() || word.chars().count() > KEY_MAX_CHARS {
        return Some(FieldError::new(
            field,
            format!("must have from 1 to {KEY_MAX_CHARS} characters"),
        ));
    }
    word.contains('\0')
        .then(|| FieldError::new(field, "must not contain the NUL character"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    struct Ping {
        to: String,
    }

    impl super::super::Job for Ping {
        const KIND: &'static str = "test.ping";
        const QUEUE: &'static str = "tests";
        const DESCRIPTION: &'static str = "Pings.";
        fn group(&self) -> Option<String> {
            Some(self.to.clone())
        }
    }

    fn ping() -> Submission {
        Submission {
            kind: "test.ping".to_owned(),
            args: serde_json::json!({ "to": "ada" }),
            ..Submission::default()
        }
    }

    fn fields(job: Submission) -> Vec<String> {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let catalog = Catalog::default().with::<Ping>();
        job.checked(&catalog, now)
            .err()
            .map(|errors| errors.iter().map(|e| e.field.to_string()).collect())
            .unwrap_or_default()
    }

    #[test]
    fn what_is_left_out_is_as_the_kind_declares() {
        let job = ping()
            .checked(&Catalog::default().with::<Ping>(), DateTime::UNIX_EPOCH)
            .expect("acceptable");
        assert_eq!(
            (job.queue.as_str(), job.priority, job.max_attempts),
            ("tests", Priority::Normal, 10)
        );
        assert_eq!(job.group.as_deref(), Some("ada"));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let job = Submission {
            args: serde_json::json!({ "to": "a\u{0}b" }),
            queue: Some("Not A Queue".to_owned()),
            max_attempts: Some(0),
            unique_key: Some(String::new()),
            group: Some("x".repeat(KEY_MAX_CHARS + 1)),
            tags: vec!["ok".to_owned(), "a\0".to_owned()],
            ..ping()
        };
        assert_eq!(
            fields(job),
            [
                "/queue",
                "/maxAttempts",
                "/uniqueKey",
                "/group",
                "/tags/1",
                "/args"
            ]
        );
        assert_eq!(
            fields(Submission {
                kind: "nobody".to_owned(),
                ..ping()
            }),
            ["/kind"]
        );
        assert_eq!(
            fields(Submission {
                args: serde_json::json!({ "to": 3 }),
                ..ping()
            }),
            ["/args/to"]
        );
        assert_eq!(
            fields(Submission {
                tags: vec!["t".to_owned(); TAGS_MAX + 1],
                ..ping()
            }),
            ["/tags"]
        );
    }

    #[test]
    fn queue_names_follow_the_tables_rule() {
        for (name, good) in [
            ("a", true),
            ("mail_2", true),
            ("", false),
            ("2mail", false),
            ("a-b", false),
            ("A", false),
        ] {
            assert_eq!(is_queue_name(name), good, "{name}");
        }
        assert!(is_queue_name(&"a".repeat(63)) && !is_queue_name(&"a".repeat(64)));
    }
}
