//! What a row comes to: somebody new, a change, or nothing; pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::model::{Existing, MatchBy, Plan, Problem, Row, Settings};
use crate::creators::{Creator, CreatorId, Known, NewCreator, Registration};
use crate::custom_fields::{FieldValue, ValueChanges};
use crate::kernel::TypedId;

/// What a row comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Decision {
    /// Somebody new.
    Create(Box<Registration>, ValueChanges),
    /// Somebody who is there is changed.
    Update(Box<Update>),
    /// It says what is there already.
    Unchanged(CreatorId),
    /// It is about somebody who is to be left alone.
    Skip(CreatorId),
}

/// A change of somebody who is there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Update {
    pub(super) before: Creator,
    pub(super) after: Creator,
    /// Only what is different.
    pub(super) custom: ValueChanges,
}

/// What is known while rows are decided.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Everybody whom a row may be about.
    known: BTreeMap<CreatorId, Known>,
    by_email: BTreeMap<(String, String), CreatorId>,
    by_username: BTreeMap<(String, String), CreatorId>,
    /// The clusters that rows may be about.
    pub(super) clusters: BTreeSet<String>,
    /// Whom the import changed already.
    pub(super) touched: BTreeSet<CreatorId>,
    /// Who is archived only because an import was undone.
    pub(super) undone: BTreeSet<CreatorId>,
    /// The values of custom fields.
    pub(super) values: BTreeMap<CreatorId, BTreeMap<String, FieldValue>>,
}

impl Facts {
    pub(super) fn new(known: Vec<Known>) -> Self {
        let mut facts = Self::default();
        for one in known {
            let creator = &one.creator;
            let email = (creator.cluster.clone(), creator.email.to_lowercase());
            let username = (
                creator.cluster.clone(),
                creator.username.to_ascii_lowercase(),
            );
            facts.by_email.insert(email, creator.id);
            facts.by_username.insert(username, creator.id);
            facts.known.insert(creator.id, one);
        }
        facts
    }

    /// Everybody whom a row may be about.
    pub(super) fn ids(&self) -> Vec<CreatorId> {
        self.known.keys().copied().collect()
    }

    /// Decides a row.
    pub(super) fn decide(
        &self,
        plan: &Plan<'_>,
        settings: &Settings,
        row: Row,
        now: DateTime<Utc>,
    ) -> Result<Decision, Vec<Problem>> {
        let one = |message: String| vec![Problem::of_row(message)];
        match self.subject(settings.match_by, &row).map_err(one)? {
            Some(known) => self.of_known(settings, known, row, now).map_err(one),
            None => self.of_new(plan, row, now),
        }
    }

    /// The creator that a row is about, if there is one.
    fn subject(&self, by: MatchBy, row: &Row) -> Result<Option<&Known>, String> {
        if let Some(cluster) = &row.cluster {
            self.reachable(cluster)?;
        }
        let at_home = |text: Option<String>| Some((row.cluster.clone()?, text?));
        let key = row.key();
        let found = match by {
            MatchBy::Id => row.id.as_ref(),
            MatchBy::Email => at_home(key.email_key).and_then(|key| self.by_email.get(&key)),
            MatchBy::Username => {
                at_home(key.username_key).and_then(|key| self.by_username.get(&key))
            }
        };
        let known = found.and_then(|id| self.known.get(id));
        let known = known.filter(|known| self.clusters.contains(&known.creator.cluster));
        if by == MatchBy::Id && row.id.is_some() && known.is_none() {
            return Err("there is no creator of this id".to_owned());
        }
        if let Some(known) = known
            && let Some(cluster) = &row.cluster
            && *cluster != known.creator.cluster
        {
            return Err(format!(
                "this creator is on `{}`; nobody changes the cluster",
                known.creator.cluster
            ));
        }
        Ok(known)
    }

    fn reachable(&self, cluster: &str) -> Result<(), String> {
        if self.clusters.contains(cluster) {
            Ok(())
        } else {
            Err(format!("there is no cluster `{cluster}`"))
        }
    }

    fn of_known(
        &self,
        settings: &Settings,
        known: &Known,
        row: Row,
        now: DateTime<Utc>,
    ) -> Result<Decision, String> {
        let before = &known.creator;
        if let Some(kept) = known.merged_into {
            return Err(format!("this creator was merged into {kept}"));
        }
        let comes_back = before.archived_at.is_some() && self.undone.contains(&before.id);
        if before.archived_at.is_some() && !comes_back {
            return Err(format!("{} is archived; unarchive it first", before.id));
        }
        if settings.existing == Existing::Skip && !comes_back {
            return Ok(Decision::Skip(before.id));
        }
        if self.touched.contains(&before.id) {
            return Err(ROW_AGAIN.to_owned());
        }
        if row.birth_date.is_some() && row.birth_date != known.birth_date {
            return Err(
                "the birth date on file is another one; correct the person instead".to_owned(),
            );
        }
        let mut after = row.changes.apply(before);
        self.free(before.id, &after)?;
        after.archived_at = None;
        let custom = self.different(before.id, row.custom);
        if after == *before && custom.is_empty() {
            return Ok(Decision::Unchanged(before.id));
        }
        after.updated_at = now;
        Ok(Decision::Update(Box::new(Update {
            before: before.clone(),
            after,
            custom,
        })))
    }

    /// Whether nobody else has the address and the name that `creator` is to have.
    pub(super) fn free(&self, id: CreatorId, creator: &Creator) -> Result<(), String> {
        let is_other = |found: Option<&CreatorId>| found.is_some_and(|found| *found != id);
        let email = (creator.cluster.clone(), creator.email.to_lowercase());
        if is_other(self.by_email.get(&email)) {
            return Err("a creator of this cluster has this e-mail address already".to_owned());
        }
        let username = (
            creator.cluster.clone(),
            creator.username.to_ascii_lowercase(),
        );
        if is_other(self.by_username.get(&username)) {
            return Err("a creator of this cluster has this username already".to_owned());
        }
        Ok(())
    }

    /// The values that are not there already.
    fn different(&self, id: CreatorId, given: ValueChanges) -> ValueChanges {
        let present = self.values.get(&id);
        let is_new = |(key, value): &(String, Option<FieldValue>)| {
            present.and_then(|values| values.get(key)) != value.as_ref()
        };
        given.into_iter().filter(is_new).collect()
    }

    fn of_new(
        &self,
        plan: &Plan<'_>,
        row: Row,
        now: DateTime<Utc>,
    ) -> Result<Decision, Vec<Problem>> {
        let missing = |what: &str| {
            let message = format!("there is no such creator yet, and a new one needs {what}");
            vec![Problem::of_row(message)]
        };
        let mut more = row.changes;
        let new = NewCreator {
            cluster: row.cluster.ok_or_else(|| missing("a cluster"))?,
            email: more
                .email
                .take()
                .ok_or_else(|| missing("an e-mail address"))?,
            username: more.username.take().ok_or_else(|| missing("a username"))?,
            phone: more.phone.take().flatten(),
            display_name: more.display_name.take().flatten(),
            first_name: more.first_name.take().flatten(),
            time_zone: more.time_zone.take().flatten(),
            person: None,
            birth_date: row.birth_date,
            consents: Vec::new(),
        };
        let registration = Registration {
            id: CreatorId::new(),
            new,
            more,
        };
        let wrong = registration
            .check(now.date_naive())
            .err()
            .unwrap_or_default();
        if !wrong.is_empty() {
            return Err(plan.problems(wrong));
        }
        let would_be = registration.stored(now);
        self.free(registration.id, &would_be)
            .map_err(|message| vec![Problem::of_row(message)])?;
        let custom = row.custom.into_iter().filter(|(_, value)| value.is_some());
        Ok(Decision::Create(Box::new(registration), custom.collect()))
    }
}

/// What is said of a row whose creator another row was about.
pub(super) const ROW_AGAIN: &str = "an earlier row of this file is about the same creator";

impl Decision {
    /// What no other row of the file may be about, as hashes: they say nothing about anybody.
    pub(super) fn claims(&self) -> Vec<Uuid> {
        match self {
            Self::Create(registration, _) => {
                let new = &registration.new;
                vec![
                    hash(&["email", &new.cluster, &new.email.normalised()]),
                    hash(&["username", &new.cluster, &new.username.normalised()]),
                ]
            }
            Self::Update(update) => {
                let after = &update.after;
                vec![
                    hash(&["id", &after.id.uuid().to_string()]),
                    hash(&["email", &after.cluster, &after.email.to_lowercase()]),
                    hash(&[
                        "username",
                        &after.cluster,
                        &after.username.to_ascii_lowercase(),
                    ]),
                ]
            }
            // saying the same twice does no harm
            Self::Unchanged(_) | Self::Skip(_) => Vec::new(),
        }
    }
}

/// The first half of SHA-256 over the parts.
fn hash(parts: &[&str]) -> Uuid {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update(part);
        sha.update([0]);
    }
    let mut half = [0; 16];
    half.copy_from_slice(&sha.finalize()[..16]);
    Uuid::from_bytes(half)
}
