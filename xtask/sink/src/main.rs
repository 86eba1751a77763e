//! `sink --smtp 127.0.0.1:0 --http 127.0.0.1:0`: the mail sink as a program.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::json;
use sink::{Options, Server};
use tokio::signal::unix::{SignalKind, signal};

/// A mail server that takes everything and delivers nothing.
#[derive(Debug, Parser)]
struct Arguments {
    /// Address for SMTP; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:1025")]
    smtp: SocketAddr,
    /// Address for the mailbox page and the API; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8025")]
    http: SocketAddr,
    /// Newest messages whose text is kept; of the others, the envelope.
    #[arg(long, default_value_t = 1000)]
    keep: usize,
}

/// One thread: the sink shares the machine with what is measured against it.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Arguments { smtp, http, keep } = Arguments::parse();
    let mut terminate = signal(SignalKind::terminate())?;
    let server = Server::bind(Options { smtp, http, keep })
        .await
        .with_context(|| format!("cannot listen on {smtp} and {http}"))?;
    let addresses = json!({
        "smtp": server.smtp_address()?.to_string(),
        "http": format!("http://{}", server.http_address()?),
    });
    println!("{addresses}");
    tokio::select! {
        result = server.serve() => result.context("the sink broke"),
        _ = terminate.recv() => Ok(()),
        result = tokio::signal::ctrl_c() => result.context("cannot wait for Ctrl-C"),
    }
}
