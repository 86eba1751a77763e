//! A mail server for tests, demonstrations and benchmarks: takes everything,
//! delivers nothing, remembers what it took, and misbehaves when told to.
//!
//! Promises: a message answered with 250 is in the mailbox, counted once for
//! each time it was sent; memory is bounded whatever arrives (see
//! [`mailbox`]). It knows no TLS and no authentication and is meant for
//! 127.0.0.1 only.

pub mod faults;
pub mod mailbox;

mod http;
mod message;
mod pages;
mod session;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use faults::Faults;
use mailbox::Mailbox;

/// SMTP connections served at once; others wait to be accepted.
const CONNECTIONS_MAX: usize = 1000;

/// Where to listen and how much to keep.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Address for SMTP; port 0 takes a free one.
    pub smtp: SocketAddr,
    /// Address for the mailbox page and the API; port 0 takes a free one.
    pub http: SocketAddr,
    /// Newest messages whose text is kept.
    pub keep: usize,
}

/// A sink that listens but does not answer yet; [`Server::serve`] does.
#[derive(Debug)]
pub struct Server {
    smtp: TcpListener,
    http: TcpListener,
    state: Arc<State>,
}

/// What SMTP sessions and HTTP handlers share.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) mailbox: Mailbox,
    pub(crate) faults: Faults,
}

impl Server {
    /// Takes both addresses.
    ///
    /// # Errors
    /// When an address is in use or not ours.
    pub async fn bind(options: Options) -> io::Result<Self> {
        let state = State {
            mailbox: Mailbox::new(options.keep),
            faults: Faults::default(),
        };
        Ok(Self {
            smtp: TcpListener::bind(options.smtp).await?,
            http: TcpListener::bind(options.http).await?,
            state: Arc::new(state),
        })
    }

    /// The address mail goes to.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn smtp_address(&self) -> io::Result<SocketAddr> {
        self.smtp.local_addr()
    }

    /// The address of the page and the API.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn http_address(&self) -> io::Result<SocketAddr> {
        self.http.local_addr()
    }

    /// Answers until dropped.
    ///
    /// # Errors
    /// When a listener breaks.
    pub async fn serve(self) -> io::Result<()> {
        let pages = axum::serve(self.http, http::router(Arc::clone(&self.state)));
        tokio::select! {
            result = accept(self.smtp, self.state) => result,
            result = pages => result,
        }
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) -> io::Result<()> {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return Ok(());
        };
        let (stream, _) = listener.accept().await?;
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            // A client that goes away is everyday life for a mail server.
            let _ = session::serve(stream, &state).await;
            drop(slot);
        });
    }
}
