//! Private servers: a Postgres cluster, a Redis, a mail sink and our own
//! processes, on free ports of 127.0.0.1, with all their files in one
//! [`RunFolder`] that disappears with its owner.
//!
//! Promises: the machine's own servers are never touched; what a killed run
//! left behind is stopped and removed by the next one; each handle stops its
//! server when dropped. Everything here blocks; from async code, call it
//! inside `spawn_blocking` where a pause of a second matters.
//!
//! ```no_run
//! use xtask::servers::{Durability, Postgres, PostgresOptions, Redis, RunFolder};
//!
//! # fn main() -> anyhow::Result<()> {
//! let folder = RunFolder::create()?;
//! let postgres = Postgres::start(&folder, PostgresOptions::new(Durability::Fast))?;
//! let redis = Redis::start(&folder)?;
//! println!("{} {}", postgres.url(), redis.url());
//! # Ok(())
//! # }
//! ```

mod identity;
mod leftovers;
mod ports;
mod postgres;
mod process;
mod programs;
mod redis;
mod run_folder;
mod secret;
mod sink;
mod wait;

pub use identity::ServerUser;
pub use ports::{free_port, prefer_port};
pub use postgres::{Durability, Postgres, PostgresOptions, StopMode};
pub use process::{Colour, Output, Process, ProcessSpec};
pub use programs::{
    MissingProgram, PostgresPrograms, Program, on_path, postgres_programs, program,
};
pub use redis::Redis;
pub use run_folder::{RunFolder, repository_root};
pub use secret::secret_hex;
pub use sink::{Sink, SinkOptions};
pub use wait::{until, within};
