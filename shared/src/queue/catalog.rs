//! The catalogue of job kinds: what can be enqueued, with which arguments, under which policy.

use std::collections::BTreeMap;

use schemars::Schema;
use serde_json::Value;

use super::{Job, Policy};
use crate::kernel::FieldError;

/// One kind, as the catalogue knows it.
#[derive(Debug, Clone)]
pub struct KindSpec {
    /// The permanent name.
    pub kind: &'static str,
    /// The queue it waits in.
    pub queue: &'static str,
    /// What running it does.
    pub description: &'static str,
    /// How it is run.
    pub policy: Policy,
    /// Arguments jobs can be found by.
    pub searchable: &'static [&'static str],
}

impl KindSpec {
    /// What kind `J` declares.
    pub const fn of<J: Job>() -> Self {
        Self {
            kind: J::KIND,
            queue: J::QUEUE,
            description: J::DESCRIPTION,
            policy: J::POLICY,
            searchable: J::POLICY.searchable,
        }
    }
}

/// A kind with what it takes to accept its arguments from outside.
#[derive(Debug)]
pub struct Kind {
    /// What it declares.
    pub spec: KindSpec,
    /// JSON Schema (2020-12) of its arguments.
    pub schema: Schema,
    validator: jsonschema::Validator,
    keys: fn(&Value) -> Option<Keys>,
}

/// What a payload says of itself.
#[derive(Debug, Default)]
pub struct Keys {
    /// See [`Job::unique_key`].
    pub unique_key: Option<String>,
    /// See [`Job::group`].
    pub group: Option<String>,
    /// See [`Job::creator`].
    pub creator: Option<String>,
}

impl Kind {
    fn of<J: Job>() -> Self {
        let schema = schemars::schema_for!(J);
        let validator =
            jsonschema::validator_for(schema.as_value()).expect("schemars writes valid schemas");
        Self {
            spec: KindSpec::of::<J>(),
            schema,
            validator,
            keys: keys_of::<J>,
        }
    }

    /// Checks arguments against the schema; the fields are JSON pointers below `/args`.
    ///
    /// # Errors
    /// With every violation found.
    pub fn check(&self, args: &Value) -> Result<Keys, Vec<FieldError>> {
        let errors: Vec<FieldError> = self
            .validator
            .iter_errors(args)
            .map(|error| {
                FieldError::new(format!("/args{}", error.instance_path()), error.to_string())
            })
            .collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        (self.keys)(args).ok_or_else(|| {
            vec![FieldError::new(
                "/args",
                format!(
                    "these are not arguments of `{}`; see GET /api/job-kinds",
                    self.spec.kind
                ),
            )]
        })
    }
}

fn keys_of<J: Job>(args: &Value) -> Option<Keys> {
    let job: J = serde_json::from_value(args.clone()).ok()?;
    Some(Keys {
        unique_key: job.unique_key(),
        group: job.group(),
        creator: job.creator(),
    })
}

/// All kinds by name.
#[derive(Debug, Default)]
pub struct Catalog {
    kinds: BTreeMap<&'static str, Kind>,
}

impl Catalog {
    /// The same with kind `J`.
    ///
    /// # Panics
    /// If the name is taken: two kinds of one name would run each other's jobs.
    #[must_use]
    pub fn with<J: Job>(mut self) -> Self {
        let before = self.kinds.insert(J::KIND, Kind::of::<J>());
        assert!(before.is_none(), "the kind {} is declared twice", J::KIND);
        self
    }

    /// The kind of that name.
    pub fn get(&self, kind: &str) -> Option<&Kind> {
        self.kinds.get(kind)
    }

    /// All kinds, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.values()
    }

    /// The queues that kinds declare, each once.
    pub fn queues(&self) -> Vec<&'static str> {
        let mut queues: Vec<_> = self.kinds.values().map(|kind| kind.spec.queue).collect();
        queues.sort_unstable();
        queues.dedup();
        queues
    }
}
