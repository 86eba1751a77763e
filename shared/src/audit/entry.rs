//! One entry: what a slice says, and how it is written.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{AuditId, canonical};
use crate::kernel::{Ctx, TypedId};

/// Bytes of the salt before a person's data.
pub(super) const SALT_BYTES: usize = 16;

/// What something was done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The sort of thing, such as `creator`.
    pub kind: String,
    /// Its id or name.
    pub id: String,
}

impl Subject {
    /// Something with a typed id; the id's prefix is the kind.
    pub fn of<I: TypedId>(id: I) -> Self {
        Self {
            kind: I::PREFIX.to_owned(),
            id: format!("{}_{}", I::PREFIX, id.uuid().simple()),
        }
    }

    /// Something that is known by its name.
    pub fn named(kind: &'static str, name: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            id: name.into(),
        }
    }

    /// Whose data an entry about this subject holds.
    pub(super) fn about(&self) -> String {
        format!("{}:{}", self.kind, self.id)
    }
}

impl<I: TypedId> From<I> for Subject {
    fn from(id: I) -> Self {
        Self::of(id)
    }
}

/// What was done, as a slice tells it; who, when and from where comes from the context.
#[derive(Debug, Clone)]
pub struct Entry {
    action: &'static str,
    subject: Subject,
    before: Option<Value>,
    after: Option<Value>,
    reason: Option<String>,
    personal: Option<Value>,
}

impl Entry {
    /// `action` (such as `creator.suspend`) was done to `subject`.
    pub fn new(action: &'static str, subject: impl Into<Subject>) -> Self {
        Self {
            action,
            subject: subject.into(),
            before: None,
            after: None,
            reason: None,
            personal: None,
        }
    }

    /// What changed, as it was. No names, addresses or numbers of people: those go to [`Entry::personal`].
    #[must_use]
    pub fn before(mut self, state: Value) -> Self {
        self.before = Some(state);
        self
    }

    /// What changed, as it is now; as [`Entry::before`].
    #[must_use]
    pub fn after(mut self, state: Value) -> Self {
        self.after = Some(state);
        self
    }

    /// Why, in the words of whoever did it. It may name people, so it goes when the subject is erased.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// The same, if a reason was given.
    #[must_use]
    pub fn reason_if(mut self, reason: Option<&str>) -> Self {
        self.reason = reason.map(str::to_owned);
        self
    }

    /// People's data that belongs to the change, such as an address before and after; it goes when the subject is
    /// erased. The chain holds a salted hash of it.
    #[must_use]
    pub fn personal(mut self, data: Value) -> Self {
        self.personal = Some(data);
        self
    }

    /// The entry as it is stored.
    ///
    /// # Errors
    /// If a value has no JSON form.
    pub(super) fn written(
        self,
        ctx: &Ctx,
        salt: impl Fn() -> [u8; SALT_BYTES],
    ) -> sqlx::Result<Written> {
        let personal: Vec<Personal> = self
            .people(ctx)?
            .into_iter()
            .map(|(about, content)| Personal::new(about, content, salt()))
            .collect::<sqlx::Result<_>>()?;
        let id = AuditId::new();
        let body = Body {
            id,
            at: ctx.now().to_rfc3339_opts(SecondsFormat::Micros, true),
            actor: ctx.actor.to_string(),
            action: self.action.to_owned(),
            subject: self.subject,
            request_id: ctx.request_id.clone(),
            before: self.before.map(canonical::bounded).transpose()?,
            after: self.after.map(canonical::bounded).transpose()?,
            sealed: personal
                .iter()
                .map(|row| (row.about.clone(), row.seal()))
                .collect(),
        };
        let text = canonical::text(&body)?;
        Ok(Written {
            body,
            text,
            personal,
        })
    }

    /// What is said about people, by person.
    fn people(&self, ctx: &Ctx) -> sqlx::Result<BTreeMap<String, Map<String, Value>>> {
        let mut people: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
        let mut say = |about: String, name: &str, value: Value| {
            people
                .entry(about)
                .or_default()
                .insert(name.to_owned(), value);
        };
        if let Some(origin) = &ctx.origin {
            say(
                ctx.actor.to_string(),
                "origin",
                json!({ "ip": origin.ip, "userAgent": origin.user_agent }),
            );
        }
        if let Some(reason) = &self.reason {
            let reason = canonical::bounded(Value::String(reason.clone()))?;
            say(self.subject.about(), "reason", reason);
        }
        if let Some(data) = &self.personal {
            say(
                self.subject.about(),
                "data",
                canonical::bounded(data.clone())?,
            );
        }
        Ok(people)
    }
}

/// The text that is hashed, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Body {
    pub(super) id: AuditId,
    pub(super) at: String,
    pub(super) actor: String,
    pub(super) action: String,
    pub(super) subject: Subject,
    pub(super) request_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<Value>,
    /// Hashes of what stands in `audit_personal`, by person.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) sealed: BTreeMap<String, String>,
}

/// One person's data of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Personal {
    pub(super) about: String,
    pub(super) salt: Vec<u8>,
    pub(super) content: String,
}

impl Personal {
    fn new(
        about: String,
        content: Map<String, Value>,
        salt: [u8; SALT_BYTES],
    ) -> sqlx::Result<Self> {
        Ok(Self {
            about,
            salt: salt.to_vec(),
            content: canonical::text(&content)?,
        })
    }

    /// What the chain holds in its place: without the salt, which goes with the data, nothing can be guessed from it.
    pub(super) fn seal(&self) -> String {
        let hash = Sha256::new()
            .chain_update(&self.salt)
            .chain_update(&self.content)
            .finalize();
        hex::encode(hash)
    }
}

/// An entry ready to be stored.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) body: Body,
    pub(super) text: String,
    pub(super) personal: Vec<Personal>,
}
