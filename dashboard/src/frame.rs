//! What every page has around it.

use chrono::{DateTime, Utc};
use maud::{DOCTYPE, Markup, html};
use shared::access::Permission;
use shared::kernel::Actor;

use crate::assets::{SCRIPTS, STYLES};

/// Who looks.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// How they are called.
    pub name: String,
    /// What pages send along with every change.
    pub csrf: String,
    /// Who they are to the permissions.
    pub actor: Actor,
}

impl Viewer {
    /// Whether they hold `permission`; what they may not do is not offered.
    pub fn may(&self, permission: Permission) -> bool {
        permission.granted_to(&self.actor)
    }
}

/// A part of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `/`
    Overview,
    /// `/jobs`
    Jobs,
    /// `/dead-letters`
    DeadLetters,
    /// `/campaigns`
    Campaigns,
    /// `/batches`
    Batches,
    /// `/bulk`
    Bulk,
    /// `/schedules`
    Schedules,
    /// `/queues`
    Queues,
    /// `/workers`
    Workers,
    /// `/audit`
    Audit,
}

impl Section {
    /// All, in the order of the navigation.
    pub const ALL: [Self; 10] = [
        Self::Overview,
        Self::Jobs,
        Self::DeadLetters,
        Self::Campaigns,
        Self::Batches,
        Self::Bulk,
        Self::Schedules,
        Self::Queues,
        Self::Workers,
        Self::Audit,
    ];

    /// Its path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/",
            Self::Jobs => "/jobs",
            Self::DeadLetters => "/dead-letters",
            Self::Campaigns => "/campaigns",
            Self::Batches => "/batches",
            Self::Bulk => "/bulk",
            Self::Schedules => "/schedules",
            Self::Queues => "/queues",
            Self::Workers => "/workers",
            Self::Audit => "/audit",
        }
    }

    /// What it takes to see it.
    pub const fn permission(self) -> Permission {
        match self {
            Self::Overview | Self::Queues => Permission::ReadQueues,
            Self::Jobs | Self::DeadLetters | Self::Batches | Self::Bulk => Permission::ReadJobs,
            Self::Campaigns => Permission::ReadCampaigns,
            Self::Schedules => Permission::ReadSchedules,
            Self::Workers => Permission::ReadWorkers,
            Self::Audit => Permission::ReadAudit,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Jobs => "Jobs",
            Self::DeadLetters => "Dead letters",
            Self::Campaigns => "Campaigns",
            Self::Batches => "Batches",
            Self::Bulk => "Bulk",
            Self::Schedules => "Schedules",
            Self::Queues => "Queues",
            Self::Workers => "Workers",
            Self::Audit => "Audit",
        }
    }

    /// The key that, after `g`, goes there.
    const fn key(self) -> &'static str {
        match self {
            Self::Overview => "o",
            Self::Jobs => "j",
            Self::DeadLetters => "d",
            Self::Campaigns => "c",
            Self::Batches => "t",
            Self::Bulk => "b",
            Self::Schedules => "s",
            Self::Queues => "q",
            Self::Workers => "w",
            Self::Audit => "a",
        }
    }
}

/// What every page needs to be drawn.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Which part it belongs to.
    pub section: Section,
    /// Who looks.
    pub viewer: &'a Viewer,
    /// The moment everything on it is seen from.
    pub now: DateTime<Utc>,
    /// What lets this page's scripts run; made anew for each answer.
    pub nonce: &'a str,
}

impl Frame<'_> {
    /// The page. What is in `live` is fetched anew when something happens in the queue.
    pub(crate) fn page(&self, title: &str, head: &Markup, live: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                (document_head(title, Some(self.nonce), Some(&self.viewer.csrf)))
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header.bar {
                        a.brand href="/" { "CreatorCRM" span { "operations" } }
                        (self.navigation())
                        div.who {
                            span #connection .connection role="status" {}
                            span.name title="Logged in" { (self.viewer.name) }
                            @if SCRIPTS.is_some() {
                                button.quiet #palette-open type="button" title="Go to anything (Ctrl-K)" { "Ctrl K" }
                                form data-api="DELETE /api/auth/session" data-then="/login" { button.quiet type="submit" { "Log out" } }
                            }
                        }
                    }
                    @if SCRIPTS.is_none() {
                        p.notice { "Built without its scripts: pages do not refresh by themselves and nothing can be changed here. "
                            code { "cargo xtask build" } " with Node at hand builds them in." }
                    }
                    noscript { p.notice { "Without JavaScript pages do not refresh by themselves and nothing can be changed here." } }
                    main #main tabindex="-1" {
                        (head)
                        div #live data-seen=(crate::words::exact(self.now)) { (live) }
                    }
                    div #toasts role="status" aria-live="polite" {}
                }
            }
        }
    }

    fn navigation(&self) -> Markup {
        html! {
            nav aria-label="Sections" {
                @for section in Section::ALL {
                    @if self.viewer.may(section.permission()) {
                        a href=(section.path()) data-key=(section.key())
                            aria-current=[(section == self.section).then_some("page")] { (section.name()) }
                    }
                }
            }
        }
    }
}

/// The document's head; a page that nobody is logged in to has no scripts.
pub(crate) fn document_head(title: &str, nonce: Option<&str>, csrf: Option<&str>) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            @if let Some(csrf) = csrf { meta name="csrf-token" content=(csrf); }
            meta name="htmx-config" content=r#"{"includeIndicatorCSS":false,"history":false,"morphIgnore":["data-htmx-powered","open","hidden","disabled","title"]}"#;
            title { (title) " · CreatorCRM" }
            link rel="icon" href="data:,";
            link rel="stylesheet" href={ "/assets/" (STYLES.name) };
            @if let (Some(scripts), Some(nonce)) = (SCRIPTS, nonce) {
                script src={ "/assets/" (scripts.name) } nonce=(nonce) defer {}
            }
        }
    }
}
