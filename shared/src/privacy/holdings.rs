//! Everything that is held about a person, table by table, on one page: whoever adds a table names it here, or a test says so.
//!
//! A condition finds a person's rows: `$1` are the ids of the person (and of those merged into them), `$2` those of
//! their creators, `$3` their creators' logins.

/// What becomes of a table's rows when a person is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// They go.
    Erase,
    /// What tells who it was goes; `set` of an update. What is left is kept by a rule, if one is named.
    Pseudonymise {
        /// The columns and what they become.
        set: &'static str,
        /// The class in `retention_rules`; none if what is left tells of nobody.
        kept_as: Option<&'static str>,
    },
    /// They stay as they are, by a rule.
    Retain {
        /// The class in `retention_rules`.
        kept_as: &'static str,
    },
    /// They are never changed nor removed: books would not balance without them. They hold amounts and an account, and
    /// nothing that tells whose it was once the rest is gone.
    Stay,
}

/// A table with data of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// The table.
    pub table: &'static str,
    /// What the rows are, for people.
    pub about: &'static str,
    /// Which rows are a person's.
    pub rows: &'static str,
    /// Columns that an export leaves out: secrets.
    pub withheld: &'static [&'static str],
    /// What an erasure does.
    pub treatment: Treatment,
}

const fn erased(table: &'static str, about: &'static str, rows: &'static str) -> Holding {
    Holding {
        table,
        about,
        rows,
        withheld: &[],
        treatment: Treatment::Erase,
    }
}

const fn pseudonymised(
    table: &'static str,
    about: &'static str,
    rows: &'static str,
    set: &'static str,
    kept_as: Option<&'static str>,
) -> Holding {
    Holding {
        table,
        about,
        rows,
        withheld: &[],
        treatment: Treatment::Pseudonymise { set, kept_as },
    }
}

const fn retained(
    table: &'static str,
    about: &'static str,
    rows: &'static str,
    kept_as: &'static str,
) -> Holding {
    Holding {
        table,
        about,
        rows,
        withheld: &[],
        treatment: Treatment::Retain { kept_as },
    }
}

const fn staying(table: &'static str, about: &'static str, rows: &'static str) -> Holding {
    Holding {
        table,
        about,
        rows,
        withheld: &[],
        treatment: Treatment::Stay,
    }
}

const OF_CREATOR: &str = "creator_id = any($2)";
const OF_NOTES: &str = "note_id in (select id from notes where creator_id = any($2))";
const OF_TASKS: &str = "task_id in (select id from tasks where creator_id = any($2))";
const OF_RUNS: &str = "run_id in (select id from onboarding_runs where creator_id = any($2))";
const OF_PAYOUT: &str = "payout_id in (select id from payouts where creator_id = any($2))";
const OF_DESTINATION: &str =
    "destination_id in (select id from payout_destinations where creator_id = any($2))";
const OF_ACCOUNT: &str =
    "account_id in (select id from ledger_accounts where creator_id = any($2))";
const OF_PERSON_OR_CREATOR: &str = "(person_id = any($1) or creator_id = any($2))";
const OF_LOGIN: &str = "user_id = any($3)";

/// All of them, those that refer to others first.
pub const HOLDINGS: &[Holding] = &[
    erased("note_revisions", "earlier wordings of notes", OF_NOTES),
    erased("notes", "notes of staff", OF_CREATOR),
    erased("task_events", "what happened to tasks", OF_TASKS),
    erased("tasks", "tasks of staff", OF_CREATOR),
    erased("creator_tags", "tags", OF_CREATOR),
    erased("creator_tag_events", "when tags came and went", OF_CREATOR),
    erased("custom_field_values", "custom fields", OF_CREATOR),
    erased(
        "creator_import_rows",
        "what imports changed, with the values before",
        OF_CREATOR,
    ),
    erased("tier_overrides", "tiers set by hand", OF_CREATOR),
    erased(
        "refresh_tokens",
        "logins",
        "session_id in (select id from sessions where user_id = any($3))",
    ),
    erased("sessions", "logins", OF_LOGIN),
    Holding {
        withheld: &["hash"],
        ..erased("recovery_codes", "recovery codes", OF_LOGIN)
    },
    Holding {
        withheld: &["hash"],
        ..erased("password_tokens", "password mails", OF_LOGIN)
    },
    Holding {
        withheld: &["password_hash", "totp_secret", "totp_pending"],
        ..pseudonymised(
            "users",
            "their own login",
            "id = any($3)",
            "email = 'erased+' || replace(id::text, '-', '') || '@erased.invalid', \
             email_key = 'erased+' || replace(id::text, '-', '') || '@erased.invalid', name = 'erased', password_hash = null, \
             totp_secret = null, totp_confirmed_at = null, totp_pending = null, \
             disabled_at = coalesce(disabled_at, $4), updated_at = $4, version = version + 1",
            None,
        )
    },
    pseudonymised(
        "creator_status_history",
        "statuses, with the reasons",
        OF_CREATOR,
        "reason = 'erased'",
        Some("history"),
    ),
    pseudonymised(
        "creator_tier_history",
        "tiers, with the reasons",
        OF_CREATOR,
        "reason = 'erased'",
        Some("history"),
    ),
    retained(
        "creator_tier_states",
        "what the tier rules remember",
        OF_CREATOR,
        "history",
    ),
    pseudonymised(
        "creator_blocks",
        "what stood against them",
        OF_CREATOR,
        "reason = 'erased', lift_reason = case when lift_reason is not null then 'erased' end",
        Some("history"),
    ),
    pseudonymised(
        "creator_consents",
        "consents and withdrawals",
        OF_CREATOR,
        "contact = null, proof = case when proof is not null then 'erased' end",
        Some("consent_log"),
    ),
    pseudonymised(
        "onboarding_steps",
        "steps of the onboarding",
        OF_RUNS,
        "data = null",
        Some("history"),
    ),
    pseudonymised(
        "onboarding_events",
        "what happened in the onboarding",
        OF_CREATOR,
        "data = null, reason = case when reason is not null then 'erased' end",
        Some("history"),
    ),
    retained("onboarding_runs", "onboarding", OF_CREATOR, "history"),
    pseudonymised(
        "campaign_deliveries",
        "mails they were sent",
        OF_CREATOR,
        "reason = case when status in ('failed', 'unknown') then 'erased' else reason end, \
         decision = case when decision is not null then 'erased' end",
        Some("messages"),
    ),
    pseudonymised(
        "earning_reversals",
        "refunds and chargebacks",
        OF_CREATOR,
        "reason = case when reason is not null then 'erased' end",
        Some("earnings"),
    ),
    pseudonymised(
        "earnings",
        "earnings one by one",
        OF_CREATOR,
        "description = null, fan = null, content = null",
        Some("earnings"),
    ),
    retained(
        "earning_dues",
        "what becomes available when",
        OF_CREATOR,
        "earnings",
    ),
    retained(
        "creator_earnings_monthly",
        "what they earned, by month",
        OF_CREATOR,
        "earnings",
    ),
    retained(
        "earnings_unconverted",
        "what they earned in other currencies and waits for a rate",
        OF_CREATOR,
        "earnings",
    ),
    retained(
        "earnings_converted",
        "what they earned in other currencies, converted",
        OF_CREATOR,
        "earnings",
    ),
    retained(
        "creator_currencies",
        "the currency they earn in",
        OF_CREATOR,
        "earnings",
    ),
    retained(
        "payout_destination_notices",
        "where banks say that other data are right",
        OF_DESTINATION,
        "earnings",
    ),
    // banks may name people in what they write
    Holding {
        withheld: &["correction", "fingerprint"],
        ..pseudonymised(
            "payout_statement_entries",
            "what banks said of their payouts",
            OF_PAYOUT,
            "reason_text = null, correction = null, correction_shown = null, why = case when why is not null then 'erased' end",
            Some("earnings"),
        )
    },
    retained(
        "payout_reports",
        "what providers told of their payouts",
        OF_PAYOUT,
        "earnings",
    ),
    retained(
        "payout_approvals",
        "who approved their payouts",
        OF_PAYOUT,
        "earnings",
    ),
    pseudonymised(
        "payout_events",
        "what became of their payouts",
        OF_PAYOUT,
        "reason = case when reason is not null then 'erased' end",
        Some("earnings"),
    ),
    erased("payout_schedules", "how often they are paid", OF_CREATOR),
    retained("payouts", "what was paid to them", OF_CREATOR, "earnings"),
    Holding {
        withheld: &["sealed", "fingerprint"],
        ..retained(
            "payout_destinations",
            "where they are paid",
            OF_CREATOR,
            "earnings",
        )
    },
    staying(
        "ledger_entries",
        "debits and credits of their accounts",
        OF_ACCOUNT,
    ),
    staying("ledger_balances", "what is on their accounts", OF_ACCOUNT),
    staying("ledger_accounts", "their accounts", OF_CREATOR),
    retained(
        "creator_earnings_daily",
        "what they earned",
        OF_CREATOR,
        "earnings",
    ),
    retained(
        "verification_events",
        "what happened to verifications",
        OF_PERSON_OR_CREATOR,
        "verification",
    ),
    // what it was about goes with the profile; without it, it counts no more
    pseudonymised(
        "verifications",
        "what was verified, and by which evidence",
        OF_PERSON_OR_CREATOR,
        "proven = case when proven is not null then '' end, updated_at = $4",
        Some("verification"),
    ),
    retained(
        "person_age_decisions",
        "proofs of age",
        "person_id = any($1)",
        "age_proof",
    ),
    pseudonymised(
        "privacy_measures",
        "restrictions and legal holds",
        "person_id = any($1)",
        "reason = 'erased', lift_reason = case when lift_reason is not null then 'erased' end",
        Some("history"),
    ),
    // a row per profile, kept as long; the name it is sorted by is a copy and goes with the profile's
    pseudonymised(
        "creator_tiers",
        "the tier",
        OF_CREATOR,
        "tier = 'newcomer', since = created_at",
        None,
    ),
    pseudonymised(
        "creators",
        "profiles",
        "id = any($2)",
        "email = 'erased+' || replace(id::text, '-', '') || '@erased.invalid', \
         email_key = 'erased+' || replace(id::text, '-', '') || '@erased.invalid', \
         username = 'erased' || right(replace(id::text, '-', ''), 24), username_key = 'erased' || right(replace(id::text, '-', ''), 24), \
         phone = null, display_name = null, first_name = null, aliases = '{}', handles = '{}', time_zone = null, owner = null, \
         last_active_at = null, archived_at = coalesce(archived_at, $4), updated_at = $4, version = version + 1",
        None,
    ),
    pseudonymised(
        "people",
        "who they are",
        "id = any($1)",
        "legal_name = null, birth_date = null, residence_country = null, tax_country = null, erased_at = $4, \
         updated_at = $4, version = version + 1",
        None,
    ),
];

/// Tables that refer to creators or people and hold nothing of theirs but the reference, and why that may stay.
pub const REFERENCES: &[(&str, &str)] = &[
    (
        "api_keys",
        "keys of programs, which staff makes and creators cannot",
    ),
    (
        "tier_changes",
        "decided changes of a run, gone when it ends",
    ),
    (
        "retention_removals",
        "which classes are gone of whom: proof that they are (GDPR Art. 5(2))",
    ),
    (
        "privacy_requests",
        "the requests themselves: proof that they were answered (GDPR Art. 5(2))",
    ),
];

/// Places that hold data of people without a reference; [`super::erase`] clears each of them.
pub const ELSEWHERE: &[(&str, &str)] = &[
    (
        "audit_personal",
        "what audit entries hold about a person; the chain stays whole",
    ),
    (
        "idempotency_keys",
        "answers that were kept for a repeated request",
    ),
    ("creator_views", "kept filters that look for them"),
    (
        "creator_bulk_operations",
        "filters of operations that look for them",
    ),
    ("creator_exports", "filters of exports that look for them"),
    (
        "files",
        "uploaded, exported and handed out lists with their addresses in them",
    ),
    (
        "suppressions",
        "their addresses, which are kept as digests instead",
    ),
];
