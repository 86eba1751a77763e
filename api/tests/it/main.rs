//! HTTP, one file a resource, against the whole router and real servers.
//!
//! `DATABASE_URL` names a Postgres where databases may be made, `REDIS_URL` a Redis; `cargo xtask test` brings both.

mod access;
mod around;
mod audit;
mod auth;
mod bulk;
mod bulk_undo;
mod campaign_pages;
mod campaigns;
mod contracts;
mod creator_search;
mod creator_sets;
mod creators;
mod dead_letters;
mod earnings;
mod events;
mod fx;
mod health;
mod job_reveal;
mod jobs_create;
mod jobs_find;
mod jobs_steer;
mod metrics;
mod onboarding;
mod own;
mod pages;
mod password_reset;
mod payouts;
mod people;
mod permissions;
mod privacy;
mod queues;
mod reach;
mod schedules;
mod second_factor;
mod seeding;
mod serving;
mod support;
mod tiers;
mod transfers;
mod unsubscribe;
mod users;
mod verification;
mod web_sessions;
mod workers;
