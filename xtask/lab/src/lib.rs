//! What the laboratory's program shares with its tests: jobs to drill workers with, an arena of private servers and
//! worker processes that can be killed, stopped and cut off, a wall clock that can be set, and a storm over a campaign.

pub mod arena;
pub mod campaign;
pub mod drill;
pub mod outside;
pub mod programs;
pub mod storm;
pub mod wall_clock;
