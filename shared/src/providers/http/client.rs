//! One exchange over HTTP, bounded in time and size.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Method, Response, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::Endpoint;

/// How long an idle connection is kept. Short, because a request that goes out on a connection just as the other side
/// closes it has an unknown fate.
const IDLE_CONNECTION: Duration = Duration::from_secs(2);

/// What one exchange may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// Until a connection stands.
    pub connect_timeout: Duration,
    /// From the first byte to the last one of the answer.
    pub timeout: Duration,
    /// Size of an answer's body.
    pub answer_max_bytes: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            answer_max_bytes: 1024 * 1024,
        }
    }
}

/// What is asked for.
#[derive(Clone)]
pub struct Request {
    /// How.
    pub method: Method,
    /// Path and query, as [`Endpoint::path`] makes them.
    pub path: String,
    /// Headers; what they hold may be secret.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

impl Request {
    /// Asks for what is at a path.
    pub fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Sends a body of a media type.
    pub fn post(path: String, media_type: &str, body: Vec<u8>) -> Self {
        Self {
            method: Method::POST,
            path,
            headers: vec![("content-type", media_type.to_owned())],
            body,
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, .. } = self;
        write!(f, "{method} {path}")
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// 100 to 999.
    pub status: u16,
    /// All of the body.
    pub body: Vec<u8>,
    /// When the other side wants to be asked again.
    pub retry_after: Option<Duration>,
}

impl Answer {
    /// Whether it says that what was asked for was done.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The beginning of the body, for people: one line without control characters.
    pub fn summary(&self) -> String {
        const SHOWN_MAX_CHARS: usize = 300;
        let text = String::from_utf8_lossy(&self.body);
        let line: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(SHOWN_MAX_CHARS)
            .collect();
        format!("HTTP {}: {}", self.status, line.trim())
    }
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exchange {
    /// With an answer, whatever it says.
    Answered(Answer),
    /// Nothing was sent: no connection stood.
    NotSent(String),
    /// Something was sent and no whole answer came: the other side may have done what was asked for, or not.
    Unknown(String),
}

/// Talks HTTP/1.1 over TLS that is checked against the roots of Mozilla.
pub struct HttpClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    endpoint: Endpoint,
    limits: HttpLimits,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl HttpClient {
    /// Talks to one service only.
    ///
    /// # Panics
    /// If the TLS library knows no secure version of TLS, which would be a mistake in how it is built.
    pub fn new(endpoint: Endpoint, limits: HttpLimits) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(limits.connect_timeout));
        tcp.set_nodelay(true);
        // the layer above speaks TLS, or the endpoint is this machine
        tcp.enforce_http(false);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(provider)
            .expect("ring knows TLS 1.2 and 1.3")
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION)
            // what to do about a request that may have arrived is for the caller to decide
            .retry_canceled_requests(false)
            .build(connector);
        Self {
            client,
            endpoint,
            limits,
        }
    }

    /// Where this talks to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sends one request, once. Dropping the future before it ends leaves its fate unknown.
    pub async fn exchange(&self, request: Request) -> Exchange {
        let request = match self.built(request) {
            Ok(request) => request,
            Err(error) => {
                return Exchange::NotSent(format!("no request can be made of this: {error}"));
            }
        };
        let answered = tokio::time::timeout(self.limits.timeout, self.send(request));
        match answered.await {
            Ok(exchange) => exchange,
            Err(_) => Exchange::Unknown(format!("no answer within {:?}", self.limits.timeout)),
        }
    }

    fn built(&self, request: Request) -> Result<hyper::Request<Full<Bytes>>, hyper::http::Error> {
        let uri = format!("{}{}", self.endpoint.origin(), request.path);
        let mut built = hyper::Request::builder().method(request.method).uri(uri);
        let headers = built.headers_mut();
        if let Some(headers) = headers {
            for (name, value) in request.headers {
                headers.insert(HeaderName::from_static(name), secret(&value)?);
            }
        }
        built.body(Full::new(Bytes::from(request.body)))
    }

    async fn send(&self, request: hyper::Request<Full<Bytes>>) -> Exchange {
        match self.client.request(request).await {
            Ok(response) => self.read(response).await,
            Err(error) if error.is_connect() => Exchange::NotSent(chain(&error)),
            Err(error) => Exchange::Unknown(chain(&error)),
        }
    }

    async fn read(&self, response: Response<Incoming>) -> Exchange {
        let (head, body) = response.into_parts();
        match Limited::new(body, self.limits.answer_max_bytes)
            .collect()
            .await
        {
            Ok(body) => Exchange::Answered(Answer {
                status: head.status.as_u16(),
                body: body.to_bytes().to_vec(),
                retry_after: retry_after(head.status, &head.headers),
            }),
            Err(error) => {
                let status = head.status.as_u16();
                Exchange::Unknown(format!(
                    "the answer (HTTP {status}) could not be read: {}",
                    chain(&*error)
                ))
            }
        }
    }
}

/// A header's value that no log shows.
fn secret(value: &str) -> Result<HeaderValue, hyper::http::Error> {
    let mut value = HeaderValue::from_str(value)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The wait that an answer asks for, if it does so in seconds.
fn retry_after(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    /// Longer waits are the caller's own decision.
    const WAIT_MAX: Duration = Duration::from_secs(3600);
    let asks = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    asks.then(|| Duration::from_secs(seconds).min(WAIT_MAX))
}

/// An error with its causes.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |cause| cause.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
