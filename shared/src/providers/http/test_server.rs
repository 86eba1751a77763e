//! A server for tests that speaks enough HTTP and breaks off where it is told to.

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request's head and body at the most, in bytes.
const REQUEST_MAX_BYTES: usize = 1024 * 1024;

/// A request as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers, with lower-case names.
    pub headers: HashMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Received {
    /// A header's value; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What a test server does about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Answers.
    With {
        /// The status.
        status: u16,
        /// Headers beside the length.
        headers: Vec<(&'static str, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// Closes the connection without a word.
    HangUp,
    /// Begins an answer and closes the connection.
    BreakOff,
    /// Never answers; the connection stays open.
    Silence,
    /// Does this after a while.
    Late {
        /// How long.
        after: Duration,
        /// What then.
        then: Box<Reply>,
    },
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::With {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        }
    }
}

type Handler = dyn Fn(Received) -> BoxFuture<'static, Reply> + Send + Sync;

/// A running server; it ends with this value.
#[derive(Debug)]
pub struct TestServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TestServer {
    /// Starts one on a free port of this machine.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn start<F, Fut>(handler: F) -> Self
    where
        F: Fn(Received) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Reply> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let handler: Arc<Handler> = Arc::new(move |request| Box::pin(handler(request)));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let handler = handler.clone();
                // a client that goes away ends its exchange, which is all there is to do about it
                tokio::spawn(async move { serve(stream, &*handler).await.ok() });
            }
        });
        Self { address, task }
    }

    /// `http://127.0.0.1:…`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// One request on one connection.
async fn serve(mut stream: TcpStream, handler: &Handler) -> std::io::Result<()> {
    let Some(request) = receive(&mut stream).await? else {
        return Ok(());
    };
    let mut reply = handler(request).await;
    while let Reply::Late { after, then } = reply {
        tokio::time::sleep(after).await;
        reply = *then;
    }
    match reply {
        Reply::With {
            status,
            headers,
            body,
        } => {
            let mut head = format!(
                "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n",
                body.len()
            );
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str("\r\n");
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
            stream.shutdown().await
        }
        Reply::HangUp | Reply::Late { .. } => Ok(()),
        Reply::BreakOff => {
            stream
                .write_all(b"HTTP/1.1 200 x\r\ncontent-length: 100\r\n\r\n{\"id\":")
                .await?;
            stream.shutdown().await
        }
        // until the client has enough of it
        Reply::Silence => stream.read_to_end(&mut Vec::new()).await.map(drop),
    }
}

async fn receive(stream: &mut TcpStream) -> std::io::Result<Option<Received>> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if bytes.len() > REQUEST_MAX_BYTES || stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines
        .next()
        .unwrap_or_default()
        .split(' ')
        .map(str::to_owned);
    let mut request = Received {
        method: first.next().unwrap_or_default(),
        path: first.next().unwrap_or_default(),
        ..Received::default()
    };
    let pairs = lines.filter_map(|line| line.split_once(':'));
    request.headers = pairs
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = request.header("content-length").parse().unwrap_or(0);
    let body_start = head_end + 4;
    while bytes.len() < body_start + length.min(REQUEST_MAX_BYTES) {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    request.body = bytes.split_off(body_start);
    Ok(Some(request))
}
