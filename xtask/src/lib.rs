//! The parts of the project's task runner that other programs use too: private
//! servers for tests, benchmarks and fault storms.

pub mod interrupt;
pub mod servers;
