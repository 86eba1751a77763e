//! The operators' pages: what they see as HTML.
//!
//! Everything here is a pure function from what was read to markup; who may look and what is read is for `api::pages`.
//! The pages only read. To change something they call the HTTP API as everybody else does, with the caller's session: so
//! there is one place that checks, refuses and records, and a page can do nothing that a program could not.
//!
//! All text that comes from outside is escaped by maud; nothing here may use `PreEscaped` for it.

pub mod assets;
mod audit;
mod batches;
mod bulk;
mod campaigns;
mod dead_letters;
mod frame;
mod job;
mod jobs;
mod login;
mod overview;
mod parts;
mod problem;
pub mod query;
mod queues;
mod schedules;
mod words;
mod workers;

pub use audit::{AuditPage, audit};
pub use batches::{BatchPage, BatchesPage, batch, batches};
pub use bulk::{BulkPage, bulk};
pub use campaigns::{CampaignPage, CampaignsPage, campaign, campaigns};
pub use dead_letters::{DeadLettersPage, dead_letters};
pub use frame::{Frame, Section, Viewer};
pub use job::{JobPage, job, trace_id};
pub use jobs::{JobsPage, jobs};
pub use login::{LoginPage, login};
pub use maud::Markup;
pub use overview::{OverviewPage, overview};
pub use problem::problem;
pub use queues::{QueueRow, QueuesPage, queues};
pub use schedules::{ScheduleRow, SchedulesPage, schedules};
pub use workers::{WorkersPage, workers};
