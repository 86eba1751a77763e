//! An API process that is killed in the middle of requests.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use lab::arena::Arena;
use lab::outside::Api;
use lab::programs::sibling;
use serde_json::{Value, json};
use shared::config::Config;
use tokio::task::JoinSet;
use xtask::servers::{Output, Process, ProcessSpec, RunFolder, free_port};

use crate::support::{arena, lasting};

const CLIENTS: usize = 4;
const CALLS_EACH: usize = 40;
const JOBS_A_CALL: usize = 25;

/// The variables of the API, on the arena's servers.
fn variables(arena: &Arena, port: u16) -> Vec<(&'static str, String)> {
    vec![
        ("DATABASE_URL", arena.postgres.url()),
        ("REDIS_URL", arena.redis.url()),
        ("NODE_ENV", "test".to_owned()),
        (
            "EMAIL_FROM_ADDRESS",
            "noreply@creatorcrm.example".to_owned(),
        ),
        ("HOST", "127.0.0.1".to_owned()),
        ("PORT", port.to_string()),
        ("ENABLE_METRICS", "false".to_owned()),
        // said, so that a .env beside the sources does not say otherwise
        (
            "JWT_SECRET",
            "a secret of the fault tests, and of nobody else".to_owned(),
        ),
    ]
}

fn start(folder: &RunFolder, variables: &[(&'static str, String)]) -> Result<Process> {
    let mut command = Command::new(sibling("api")?);
    command
        .arg("serve")
        .envs(variables.iter().map(|(name, value)| (name, value)));
    let spec = ProcessSpec {
        name: "api".into(),
        command,
        output: Output::Quiet,
    };
    let mut api = Process::start(folder, spec)?;
    api.announced("listening on http://", Duration::from_secs(30))?;
    Ok(api)
}

/// A call of its own jobs, told apart from all others by the ids in their arguments.
fn call(client: usize, call: usize) -> (String, Value) {
    let jobs: Vec<Value> = (0..JOBS_A_CALL)
        .map(|n| {
            let id = format!("campaign_{client:08x}{call:08x}{n:016x}");
            json!({ "kind": "campaign.finish", "args": { "campaignId": id } })
        })
        .collect();
    (format!("{client}-{call}"), json!({ "jobs": jobs }))
}

/// Makes all calls of one client, each under its key until it is answered; answers how often none came.
async fn insist(api: Api, client: usize) -> Result<usize> {
    let (mut unanswered, mut pace) = (0, tokio::time::interval(Duration::from_millis(20)));
    for n in 0..CALLS_EACH {
        let (key, jobs) = call(client, n);
        loop {
            pace.tick().await;
            match api.enqueue(&jobs, &key).await {
                Ok(_) => break,
                // no answer: killed before, in the middle, or after
                Err(error) if error.downcast_ref::<reqwest::Error>().is_some() => unanswered += 1,
                Err(refusal) => return Err(refusal),
            }
        }
    }
    Ok(unanswered)
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_insist_get_each_job_once_through_kills_of_the_api() -> Result<()> {
    let (arena, _one) = arena().await?;
    let port = free_port()?;
    let (folder, variables) = (RunFolder::create()?, variables(&arena, port));
    let config = Config::read(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone())
    })?;
    let client = Api::at(&format!("http://127.0.0.1:{port}"), &config);
    let mut api = start(&folder, &variables)?;
    let mut clients = JoinSet::new();
    for n in 0..CLIENTS {
        clients.spawn(insist(client.clone(), n));
    }
    let mut kills = 0;
    while !clients.is_empty() && kills < 8 {
        lasting(Duration::from_millis(150 + 40 * kills)).await;
        api.kill()?;
        api = start(&folder, &variables)?;
        kills += 1;
    }
    let mut unanswered = 0;
    while let Some(ended) = clients.join_next().await {
        unanswered += ended??;
    }
    assert!(
        unanswered > 0,
        "no request was under way at any of {kills} kills"
    );
    let (jobs, distinct): (i64, i64) = (
        arena.ask("select count(*) from jobs").await?,
        arena
            .ask("select count(distinct args ->> 'campaignId') from jobs")
            .await?,
    );
    let expected = i64::try_from(CLIENTS * CALLS_EACH * JOBS_A_CALL)?;
    assert_eq!((jobs, distinct), (expected, expected));
    Ok(())
}
