//! Permissions, and the table of the roles that hold them.

use std::fmt;
use std::str::FromStr;

use crate::kernel::{Actor, Role};

/// The right to do one kind of thing; every route of the API names the one it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// See jobs, batches, dead letters and job kinds.
    ReadJobs,
    /// Enqueue, cancel, retry, edit and discard jobs.
    WriteJobs,
    /// See queues and their depth.
    ReadQueues,
    /// Pause queues and limit them.
    WriteQueues,
    /// See schedules.
    ReadSchedules,
    /// Make, change, run and remove schedules.
    WriteSchedules,
    /// See worker processes.
    ReadWorkers,
    /// Ask worker processes to drain.
    WriteWorkers,
    /// See the figures for monitoring.
    ReadMetrics,
    /// See creators, with their personal data.
    ReadCreators,
    /// Add and change creators.
    WriteCreators,
    /// Import creators from files, and undo imports.
    ImportCreators,
    /// Export creators into files.
    ExportCreators,
    /// Change creators' status, suspend and reactivate them.
    SteerCreators,
    /// Merge creators, and people, that turned out to be one.
    MergeCreators,
    /// See people behind creators: legal names, birth dates, countries.
    ReadPeople,
    /// Change people behind creators.
    WritePeople,
    /// Decide whether somebody's age is proven.
    DecideAge,
    /// Set tiers by hand, and have all of them evaluated.
    WriteTiers,
    /// See campaigns and what became of them.
    ReadCampaigns,
    /// Make and change campaigns.
    WriteCampaigns,
    /// Launch, pause, resume and cancel campaigns, and decide deliveries whose fate is unknown.
    RunCampaigns,
    /// See what became of each recipient of a campaign, and what their mail server said.
    ReadDeliveries,
    /// Read the audit trail and verify it.
    ReadAudit,
    /// Look after one's own account: password, second factor, sessions.
    OwnAccount,
    /// A creator's own: see and change what is theirs, and nobody else's.
    OwnCreator,
    /// See who may log in, and how far they reach.
    ReadUsers,
    /// Add, change, disable and enable users.
    WriteUsers,
    /// See API keys, without the keys themselves.
    ReadKeys,
    /// Make and revoke API keys.
    WriteKeys,
    /// Reveal a creator's e-mail address, phone number and postal address; each time is recorded.
    RevealContact,
    /// Reveal the legal name and birth date behind a creator; each time is recorded.
    RevealIdentity,
    /// Reveal a tax id; each time is recorded.
    RevealTax,
    /// Reveal where money goes to; each time is recorded.
    RevealBank,
    /// See where creators stand in their onboarding.
    ReadOnboarding,
    /// Say that steps of an onboarding are done, and skip them.
    WriteOnboarding,
    /// Decide steps of an onboarding as staff, and have them done again.
    DecideOnboarding,
    /// See and publish flows of onboarding.
    ConfigureOnboarding,
    /// See figures about creators that name nobody.
    ReadAnalytics,
    /// Read the notes about creators that are for the team.
    ReadNotes,
    /// Write notes about creators.
    WriteNotes,
    /// Read the notes of compliance.
    ReadComplianceNotes,
    /// See tasks.
    ReadTasks,
    /// Add tasks, change them, and note that they are done.
    WriteTasks,
    /// Define custom fields.
    ConfigureFields,
    /// Hand out everything that is held about a person.
    ExportPeople,
    /// Erase people.
    ErasePeople,
    /// See exchange rates.
    ReadRates,
    /// Put exchange rates by hand, and have them imported.
    WriteRates,
    /// Restrict what is done with people's data, and keep it as evidence.
    HoldPeople,
    /// See what creators earned and have.
    ReadEarnings,
    /// Record earnings, and the currency that creators earn in.
    RecordEarnings,
    /// Take earnings back: refunds and chargebacks.
    ReverseEarnings,
    /// See the platform's accounts and whether the ledger holds.
    ReadLedger,
    /// See what is verified of creators, and what keeps them from being paid.
    ReadVerifications,
    /// Hand in, for creators, what shall verify them.
    SubmitVerifications,
    /// Decide whether something is verified.
    DecideVerifications,
    /// See payouts, and where creators are paid.
    ReadPayouts,
    /// Ask for payouts for creators, take them back and try them again.
    RequestPayouts,
    /// Approve payouts, reject them, and note what became of them.
    ApprovePayouts,
    /// Enter where creators are paid.
    WriteDestinations,
    /// Decide whether creators are paid there.
    DecideDestinations,
}

impl Permission {
    /// Every permission there is.
    pub const ALL: [Self; 62] = [
        Self::ReadJobs,
        Self::WriteJobs,
        Self::ReadQueues,
        Self::WriteQueues,
        Self::ReadSchedules,
        Self::WriteSchedules,
        Self::ReadWorkers,
        Self::WriteWorkers,
        Self::ReadMetrics,
        Self::ReadCreators,
        Self::WriteCreators,
        Self::ImportCreators,
        Self::ExportCreators,
        Self::SteerCreators,
        Self::MergeCreators,
        Self::ReadPeople,
        Self::WritePeople,
        Self::DecideAge,
        Self::WriteTiers,
        Self::ReadCampaigns,
        Self::WriteCampaigns,
        Self::RunCampaigns,
        Self::ReadDeliveries,
        Self::ReadAudit,
        Self::OwnAccount,
        Self::OwnCreator,
        Self::ReadUsers,
        Self::WriteUsers,
        Self::ReadKeys,
        Self::WriteKeys,
        Self::RevealContact,
        Self::RevealIdentity,
        Self::RevealTax,
        Self::RevealBank,
        Self::ReadOnboarding,
        Self::WriteOnboarding,
        Self::DecideOnboarding,
        Self::ConfigureOnboarding,
        Self::ReadAnalytics,
        Self::ReadNotes,
        Self::WriteNotes,
        Self::ReadComplianceNotes,
        Self::ReadTasks,
        Self::WriteTasks,
        Self::ConfigureFields,
        Self::ExportPeople,
        Self::ErasePeople,
        Self::ReadRates,
        Self::WriteRates,
        Self::HoldPeople,
        Self::ReadEarnings,
        Self::RecordEarnings,
        Self::ReverseEarnings,
        Self::ReadLedger,
        Self::ReadVerifications,
        Self::SubmitVerifications,
        Self::DecideVerifications,
        Self::ReadPayouts,
        Self::RequestPayouts,
        Self::ApprovePayouts,
        Self::WriteDestinations,
        Self::DecideDestinations,
    ];

    /// The permission's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadJobs => "jobs:read",
            Self::WriteJobs => "jobs:write",
            Self::ReadQueues => "queues:read",
            Self::WriteQueues => "queues:write",
            Self::ReadSchedules => "schedules:read",
            Self::WriteSchedules => "schedules:write",
            Self::ReadWorkers => "workers:read",
            Self::WriteWorkers => "workers:write",
            Self::ReadMetrics => "metrics:read",
            Self::ReadCreators => "creators:read",
            Self::WriteCreators => "creators:write",
            Self::ImportCreators => "creators:import",
            Self::ExportCreators => "creators:export",
            Self::SteerCreators => "creators:steer",
            Self::MergeCreators => "creators:merge",
            Self::ReadPeople => "people:read",
            Self::WritePeople => "people:write",
            Self::DecideAge => "people:decide-age",
            Self::WriteTiers => "tiers:write",
            Self::ReadCampaigns => "campaigns:read",
            Self::WriteCampaigns => "campaigns:write",
            Self::RunCampaigns => "campaigns:run",
            Self::ReadDeliveries => "campaigns:deliveries",
            Self::ReadAudit => "audit:read",
            Self::OwnAccount => "account:self",
            Self::OwnCreator => "creator:self",
            Self::ReadUsers => "users:read",
            Self::WriteUsers => "users:write",
            Self::ReadKeys => "api-keys:read",
            Self::WriteKeys => "api-keys:write",
            Self::RevealContact => "creators:reveal-contact",
            Self::RevealIdentity => "creators:reveal-identity",
            Self::RevealTax => "creators:reveal-tax",
            Self::RevealBank => "creators:reveal-bank",
            Self::ReadOnboarding => "onboarding:read",
            Self::WriteOnboarding => "onboarding:write",
            Self::DecideOnboarding => "onboarding:decide",
            Self::ConfigureOnboarding => "onboarding:configure",
            Self::ReadAnalytics => "analytics:read",
            Self::ReadNotes => "notes:read",
            Self::WriteNotes => "notes:write",
            Self::ReadComplianceNotes => "notes:compliance",
            Self::ReadTasks => "tasks:read",
            Self::WriteTasks => "tasks:write",
            Self::ConfigureFields => "custom-fields:configure",
            Self::ExportPeople => "people:export",
            Self::ErasePeople => "people:erase",
            Self::ReadRates => "fx:read",
            Self::WriteRates => "fx:write",
            Self::HoldPeople => "people:hold",
            Self::ReadEarnings => "earnings:read",
            Self::RecordEarnings => "earnings:record",
            Self::ReverseEarnings => "earnings:reverse",
            Self::ReadLedger => "ledger:read",
            Self::ReadVerifications => "verifications:read",
            Self::SubmitVerifications => "verifications:submit",
            Self::DecideVerifications => "verifications:decide",
            Self::ReadPayouts => "payouts:read",
            Self::RequestPayouts => "payouts:request",
            Self::ApprovePayouts => "payouts:approve",
            Self::WriteDestinations => "destinations:write",
            Self::DecideDestinations => "destinations:decide",
        }
    }

    /// Whether `role` holds this permission.
    ///
    /// An admin holds all but what only a creator can have. A creator holds only what is its own. Everybody looks after
    /// their own account.
    pub const fn held_by(self, role: Role) -> bool {
        match role {
            _ if matches!(self, Self::OwnAccount) => true,
            Role::Admin => !matches!(self, Self::OwnCreator),
            Role::Creator => matches!(self, Self::OwnCreator),
            Role::Ops => !self.is_about_people(),
            Role::Service => matches!(
                self,
                Self::ReadJobs
                    | Self::WriteJobs
                    | Self::ReadCreators
                    | Self::WriteCreators
                    | Self::SteerCreators
                    | Self::ReadOnboarding
                    | Self::WriteOnboarding
                    | Self::ReadEarnings
                    | Self::RecordEarnings
                    | Self::ReverseEarnings
                    | Self::ReadPayouts
                    | Self::RequestPayouts
                    | Self::WriteDestinations
            ),
            Role::Support => matches!(
                self,
                Self::ReadCreators
                    | Self::ReadVerifications
                    | Self::SubmitVerifications
                    | Self::WriteCreators
                    | Self::ImportCreators
                    | Self::ExportCreators
                    | Self::SteerCreators
                    | Self::MergeCreators
                    | Self::RevealContact
                    | Self::ReadCampaigns
                    | Self::ReadDeliveries
                    | Self::ReadPayouts
                    | Self::ReadJobs
                    | Self::ReadOnboarding
                    | Self::WriteOnboarding
                    | Self::ReadAnalytics
                    | Self::ReadNotes
                    | Self::WriteNotes
                    | Self::ReadTasks
                    | Self::WriteTasks
            ),
            Role::Marketing => matches!(
                self,
                Self::ReadCreators
                    | Self::ExportCreators
                    | Self::ReadCampaigns
                    | Self::WriteCampaigns
                    | Self::RunCampaigns
                    | Self::ReadDeliveries
                    | Self::ReadJobs
                    | Self::ReadOnboarding
                    | Self::ReadAnalytics
                    | Self::ReadNotes
                    | Self::WriteNotes
                    | Self::ReadTasks
                    | Self::WriteTasks
            ),
            Role::Finance => matches!(
                self,
                Self::ReadCreators
                    | Self::ReadEarnings
                    | Self::RecordEarnings
                    | Self::ReverseEarnings
                    | Self::ReadLedger
                    | Self::ReadVerifications
                    | Self::ReadPayouts
                    | Self::RequestPayouts
                    | Self::ApprovePayouts
                    | Self::WriteDestinations
                    | Self::DecideDestinations
                    | Self::ExportCreators
                    | Self::ReadPeople
                    | Self::WriteTiers
                    | Self::ReadJobs
                    | Self::RevealContact
                    | Self::RevealIdentity
                    | Self::RevealTax
                    | Self::RevealBank
                    | Self::ReadRates
                    | Self::WriteRates
                    | Self::ReadAnalytics
                    | Self::ReadNotes
                    | Self::WriteNotes
                    | Self::ReadTasks
                    | Self::WriteTasks
            ),
            Role::Compliance => matches!(
                self,
                Self::ReadCreators
                    | Self::ExportCreators
                    | Self::SteerCreators
                    | Self::MergeCreators
                    | Self::ReadPeople
                    | Self::WritePeople
                    | Self::ExportPeople
                    | Self::ErasePeople
                    | Self::HoldPeople
                    | Self::DecideAge
                    | Self::ReadVerifications
                    | Self::SubmitVerifications
                    | Self::DecideVerifications
                    | Self::ReadPayouts
                    | Self::DecideDestinations
                    | Self::ReadJobs
                    | Self::ReadAudit
                    | Self::RevealContact
                    | Self::RevealIdentity
                    | Self::RevealTax
                    | Self::ReadOnboarding
                    | Self::WriteOnboarding
                    | Self::DecideOnboarding
                    | Self::ReadAnalytics
                    | Self::ReadComplianceNotes
                    | Self::ReadNotes
                    | Self::WriteNotes
                    | Self::ReadTasks
                    | Self::WriteTasks
            ),
            Role::Analyst => matches!(
                self,
                Self::ReadCampaigns
                    | Self::ReadQueues
                    | Self::ReadSchedules
                    | Self::ReadWorkers
                    | Self::ReadMetrics
                    | Self::ReadRates
                    | Self::ReadAnalytics
            ),
        }
    }

    /// Whether `actor` holds this permission, by any of their roles, and as far as it can be limited to their clusters.
    /// Jobs and the system do as the code says.
    pub fn granted_to(self, actor: &Actor) -> bool {
        match actor {
            Actor::User(caller) | Actor::Key(caller)
                if caller.clusters.is_some() && self.is_about_all_clusters() =>
            {
                false
            }
            Actor::User(caller) | Actor::Key(caller) => match &caller.scopes {
                Some(scopes) => scopes.iter().any(|scope| scope == self.as_str()),
                None => caller.roles.iter().any(|role| self.held_by(*role)),
            },
            Actor::Job(_) | Actor::System => true,
            Actor::Anonymous => false,
        }
    }

    /// Whether only people can have it: a program has no account and is no creator.
    pub(super) const fn is_personal(self) -> bool {
        matches!(self, Self::OwnAccount | Self::OwnCreator)
    }

    /// Whether what it shows or steers cannot be told apart by cluster: the queue, the processes that work it off, the audit
    /// trail, and exchange rates. Nobody who is limited to some clusters has such a permission, whatever their role.
    pub const fn is_about_all_clusters(self) -> bool {
        matches!(
            self,
            Self::ReadJobs
                | Self::WriteJobs
                | Self::ReadQueues
                | Self::WriteQueues
                | Self::ReadSchedules
                | Self::WriteSchedules
                | Self::ReadWorkers
                | Self::WriteWorkers
                | Self::ReadMetrics
                | Self::ReadAudit
                | Self::WriteRates
                | Self::ReadLedger
        )
    }

    const fn is_about_people(self) -> bool {
        matches!(
            self,
            Self::ReadCreators
                | Self::WriteCreators
                | Self::ImportCreators
                | Self::ExportCreators
                | Self::SteerCreators
                | Self::MergeCreators
                | Self::ReadPeople
                | Self::WritePeople
                | Self::ExportPeople
                | Self::ErasePeople
                | Self::HoldPeople
                | Self::DecideAge
                | Self::WriteTiers
                | Self::WriteRates
                | Self::ReadCampaigns
                | Self::WriteCampaigns
                | Self::RunCampaigns
                | Self::ReadDeliveries
                | Self::ReadAudit
                | Self::OwnCreator
                | Self::ReadUsers
                | Self::WriteUsers
                | Self::ReadKeys
                | Self::WriteKeys
                | Self::RevealContact
                | Self::RevealIdentity
                | Self::RevealTax
                | Self::RevealBank
                | Self::ReadOnboarding
                | Self::WriteOnboarding
                | Self::DecideOnboarding
                | Self::ReadNotes
                | Self::WriteNotes
                | Self::ReadComplianceNotes
                | Self::ReadTasks
                | Self::WriteTasks
                | Self::ReadEarnings
                | Self::RecordEarnings
                | Self::ReverseEarnings
                | Self::ReadLedger
                | Self::ReadVerifications
                | Self::SubmitVerifications
                | Self::DecideVerifications
                | Self::ReadPayouts
                | Self::RequestPayouts
                | Self::ApprovePayouts
                | Self::WriteDestinations
                | Self::DecideDestinations
        )
    }
}

/// The text names no permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no such permission; GET /openapi.json names that of each route")]
pub struct UnknownPermission;

impl FromStr for Permission {
    type Err = UnknownPermission;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|known| known.as_str() == text);
        known.ok_or(UnknownPermission)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_holds_all_and_a_creator_only_its_own() {
        for permission in Permission::ALL {
            let own = permission == Permission::OwnCreator;
            assert_eq!(permission.held_by(Role::Admin), !own, "{permission}");
            let account = permission == Permission::OwnAccount;
            assert_eq!(
                permission.held_by(Role::Creator),
                own || account,
                "{permission}"
            );
        }
    }

    #[test]
    fn several_roles_add_up_and_none_grants_nothing() {
        let user = |roles: &[Role]| Actor::user("ada", roles);
        assert!(Permission::WriteQueues.granted_to(&user(&[Role::Analyst, Role::Ops])));
        assert!(!Permission::WriteQueues.granted_to(&user(&[Role::Analyst])));
        assert!(!Permission::ReadJobs.granted_to(&user(&[])));
        assert!(!Permission::OwnAccount.granted_to(&user(&[])));
        assert!(!Permission::ReadJobs.granted_to(&Actor::Anonymous));
    }

    #[test]
    fn scopes_take_the_place_of_roles() {
        let Actor::User(mut caller) = Actor::user("ada", &[Role::Admin]) else {
            panic!("a user");
        };
        caller.scopes = Some(vec!["account:self".to_owned()]);
        let actor = Actor::User(caller);
        assert!(Permission::OwnAccount.granted_to(&actor));
        assert!(!Permission::ReadJobs.granted_to(&actor));
    }

    #[test]
    fn who_is_limited_to_clusters_steers_nothing_that_is_about_all() {
        let Actor::User(mut caller) = Actor::user("ada", &[Role::Admin]) else {
            panic!("a user");
        };
        caller.clusters = Some(vec!["boyfanz".to_owned()]);
        let limited = Actor::User(caller);
        for permission in Permission::ALL {
            let held = permission.held_by(Role::Admin) && !permission.is_about_all_clusters();
            assert_eq!(permission.granted_to(&limited), held, "{permission}");
        }
        assert!(!Permission::ReadJobs.granted_to(&limited));
        assert!(Permission::ReadCreators.granted_to(&limited));
    }

    #[test]
    fn operators_see_no_personal_data_and_analysts_change_nothing() {
        assert!(!Permission::ReadCreators.held_by(Role::Ops));
        for permission in Permission::ALL
            .into_iter()
            .filter(|p| !p.as_str().ends_with(":read") && *p != Permission::OwnAccount)
        {
            assert!(!permission.held_by(Role::Analyst), "{permission}");
        }
    }

    #[test]
    fn names_are_distinct() {
        let names: std::collections::BTreeSet<_> = Permission::ALL.map(Permission::as_str).into();
        assert_eq!(names.len(), Permission::ALL.len());
    }
}
