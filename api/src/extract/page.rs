//! Which page of a list is wanted.

use serde::Deserialize;
use shared::kernel::{Cursor, PageLimit, PageRequest};
use utoipa::IntoParams;

/// Parameters of a list without filters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// Rows wanted, 50 unless given, 200 at the most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

impl PageParams {
    /// The page that is asked for.
    pub fn page(self) -> PageRequest {
        PageRequest {
            cursor: self.cursor.map(Cursor::from),
            limit: self.limit,
        }
    }
}
