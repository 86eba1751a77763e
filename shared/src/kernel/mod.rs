//! What every slice stands on: typed ids, the caller's context, the clock, errors' kinds, paging, money, the database handle.
//!
//! Nothing in here knows a business rule.

mod actor;
pub mod clock;
mod connect;
mod content;
mod ctx;
mod db;
mod email;
mod error;
mod ids;
pub mod money;
mod paging;
mod sealer;
mod trace;
mod words;

pub use actor::{Actor, Caller, Reach, Role, UnknownRole};
pub use clock::Clock;
pub use connect::{MIGRATIONS, connect_lazy};
pub use content::content_version;
pub use ctx::{Ctx, Origin};
pub use db::Db;
pub use email::{EmailAddress, InvalidEmail};
pub use error::{Classify, ErrorKind, FieldError};
pub use ids::{ParseIdError, TypedId, typed_id};
pub use paging::{
    Cursor, InvalidCursor, InvalidPageLimit, PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, Page, PageLimit,
    PageRequest,
};
pub use sealer::{NotOpened, Sealer};
pub use trace::TraceContext;

pub use sqlx::PgPool;
pub use words::{UnknownWord, stored, words};
