//! A mail server for tests, which speaks enough SMTP and misbehaves when told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::contract::Fault;

/// What a server has seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Recipients of the messages it accepted, in order.
    pub(super) accepted: Vec<String>,
    /// The last message as it came, dots undone.
    pub(super) last_message: String,
    /// Sessions opened.
    pub(super) sessions: usize,
}

#[derive(Debug)]
struct State {
    fault: Mutex<Fault>,
    seen: Mutex<Seen>,
    /// Messages a session carries before the server closes it without a word.
    messages_per_session: usize,
}

impl State {
    fn accept(&self, recipient: String, message: String) {
        let mut seen = self.seen.lock().expect("not poisoned");
        seen.accepted.push(recipient);
        seen.last_message = message;
    }
}

/// A running server; it ends with this value.
pub(super) struct TestServer {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TestServer {
    pub(super) async fn start(messages_per_session: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let state = Arc::new(State {
            fault: Mutex::new(Fault::None),
            seen: Mutex::default(),
            messages_per_session,
        });
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = shared.clone();
                // a client that goes away ends its session, which is all there is to do about it
                tokio::spawn(async move { session(stream, &state).await.ok() });
            }
        });
        Self {
            address,
            state,
            task,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    pub(super) fn set(&self, fault: Fault) {
        *self.state.fault.lock().expect("not poisoned") = fault;
    }

    pub(super) fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.state.seen.lock().expect("not poisoned"))
    }
}

async fn session(stream: TcpStream, state: &State) -> std::io::Result<()> {
    let fault = || *state.fault.lock().expect("not poisoned");
    if fault() == Fault::Down {
        return Ok(());
    }
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let (mut recipient, mut carried) = (String::new(), 0);
    state.seen.lock().expect("not poisoned").sessions += 1;
    say(&mut write, "220 test.example ESMTP").await?;
    while let Some(line) = lines.next_line().await? {
        let verb = line
            .split([' ', ':'])
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        match (verb.as_str(), fault()) {
            ("EHLO", _) => say(&mut write, "250-test.example\r\n250 8BITMIME").await?,
            ("MAIL", Fault::SenderRefused) => say(&mut write, "550 5.7.1 not you").await?,
            ("RCPT", Fault::RecipientDeferred) => {
                say(&mut write, "450 4.2.0 come back later").await?
            }
            ("RCPT", Fault::RecipientUnknown) => say(&mut write, "550 5.1.1 no such user").await?,
            ("RCPT", Fault::CutBeforeData) => return Ok(()),
            ("RCPT", _) => {
                recipient = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                say(&mut write, "250 2.1.5 ok").await?;
            }
            ("DATA", fault) => {
                say(&mut write, "354 go on").await?;
                let mut message = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    message.push_str(line.strip_prefix('.').unwrap_or(&line));
                    message.push_str("\r\n");
                }
                match fault {
                    Fault::ContentRefused => say(&mut write, "554 5.7.1 not that").await?,
                    Fault::ContentDeferred => say(&mut write, "451 4.3.0 later").await?,
                    Fault::CutAfterContent => return Ok(()),
                    Fault::CutAfterAccepting => {
                        state.accept(recipient, message);
                        return Ok(());
                    }
                    Fault::None
                    | Fault::Down
                    | Fault::SenderRefused
                    | Fault::RecipientDeferred
                    | Fault::RecipientUnknown
                    | Fault::CutBeforeData => {
                        state.accept(std::mem::take(&mut recipient), message);
                        say(&mut write, "250 2.0.0 accepted").await?;
                        carried += 1;
                        if carried == state.messages_per_session {
                            return Ok(());
                        }
                    }
                }
            }
            ("QUIT", _) => return say(&mut write, "221 bye").await,
            (_, _) => say(&mut write, "250 2.0.0 ok").await?,
        }
    }
    Ok(())
}

async fn say(write: &mut OwnedWriteHalf, line: &str) -> std::io::Result<()> {
    write.write_all(format!("{line}\r\n").as_bytes()).await
}
