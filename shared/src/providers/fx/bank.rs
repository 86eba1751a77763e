//! The reference rates of the European Central Bank, over HTTP or from files.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use thiserror::Error;
use tokio::io::AsyncReadExt;
use url::Url;

use super::{Document, RatePublisher, Span, Unavailable};
use crate::providers::http::{Endpoint, Exchange, HttpClient, HttpLimits, Request};

/// Size of a document at the most, in bytes.
const DOCUMENT_MAX_BYTES: usize = 32 * 1024 * 1024;
/// The whole past is some 10 MiB.
const LIMITS: HttpLimits = HttpLimits {
    connect_timeout: Duration::from_secs(10),
    timeout: Duration::from_secs(60),
    answer_max_bytes: DOCUMENT_MAX_BYTES,
};

/// Where one document is: on a server, or in a file of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RatesUrl(Place);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Server { endpoint: Endpoint, path: String },
    File(PathBuf),
}

/// The text is no place of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("use https://… or file:///…")]
pub struct InvalidRatesUrl;

impl FromStr for RatesUrl {
    type Err = InvalidRatesUrl;
    fn from_str(text: &str) -> Result<Self, InvalidRatesUrl> {
        let url: Url = text.parse().map_err(|_| InvalidRatesUrl)?;
        if url.scheme() == "file" {
            return url
                .to_file_path()
                .map(|path| Self(Place::File(path)))
                .map_err(|()| InvalidRatesUrl);
        }
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let endpoint = url
            .origin()
            .ascii_serialization()
            .parse()
            .map_err(|_| InvalidRatesUrl)?;
        Ok(Self(Place::Server { endpoint, path }))
    }
}

impl fmt::Display for RatesUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Server { endpoint, path } => {
                write!(f, "{}{path}", endpoint.to_string().trim_end_matches('/'))
            }
            Place::File(path) => write!(f, "file://{}", path.display()),
        }
    }
}

/// The bank's three documents.
#[derive(Debug)]
pub struct ReferenceRates {
    daily: RatesUrl,
    recent: RatesUrl,
    history: RatesUrl,
    limits: HttpLimits,
}

impl ReferenceRates {
    /// Fetches from these places.
    pub fn new(daily: RatesUrl, recent: RatesUrl, history: RatesUrl) -> Self {
        Self {
            daily,
            recent,
            history,
            limits: LIMITS,
        }
    }

    /// The same within other limits.
    #[cfg(test)]
    pub(super) fn within(self, limits: HttpLimits) -> Self {
        Self { limits, ..self }
    }

    async fn document(&self, span: Span) -> Result<Document, Unavailable> {
        let url = match span {
            Span::Daily => &self.daily,
            Span::Recent => &self.recent,
            Span::History => &self.history,
        };
        let origin = url.to_string();
        let read = match &url.0 {
            Place::Server { endpoint, path } => self.download(endpoint, path).await,
            Place::File(path) => read_file(path, self.limits.answer_max_bytes).await,
        };
        match read {
            Ok(bytes) => Ok(Document { origin, bytes }),
            Err(why) => Err(Unavailable { origin, why }),
        }
    }

    async fn download(&self, endpoint: &Endpoint, path: &str) -> Result<Vec<u8>, String> {
        // once a day: a connection is not worth keeping
        let client = HttpClient::new(endpoint.clone(), self.limits);
        match client.exchange(Request::get(path.to_owned())).await {
            Exchange::Answered(answer) if answer.status == 200 => Ok(answer.body),
            Exchange::Answered(answer) => Err(answer.summary()),
            Exchange::NotSent(why) | Exchange::Unknown(why) => Err(why),
        }
    }
}

async fn read_file(path: &Path, max_bytes: usize) -> Result<Vec<u8>, String> {
    let read = async {
        let file = tokio::fs::File::open(path).await?;
        let mut bytes = Vec::new();
        file.take(max_bytes as u64 + 1)
            .read_to_end(&mut bytes)
            .await?;
        Ok::<_, std::io::Error>(bytes)
    };
    let bytes = read.await.map_err(|error| error.to_string())?;
    if bytes.len() > max_bytes {
        return Err(format!("it is larger than {max_bytes} bytes"));
    }
    Ok(bytes)
}

impl RatePublisher for ReferenceRates {
    fn fetch(&self, span: Span) -> BoxFuture<'_, Result<Document, Unavailable>> {
        Box::pin(self.document(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_on_encrypted_servers_or_in_files() {
        for text in [
            "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml",
            "https://mirror.example:8443/rates.xml?x=1",
            "file:///var/lib/rates/daily.xml",
        ] {
            let url: RatesUrl = text.parse().expect(text);
            assert_eq!(url.to_string(), text);
        }
        for text in [
            "http://www.ecb.europa.eu/x.xml",
            "rates.xml",
            "ftp://a.example/x",
            "",
        ] {
            assert_eq!(text.parse::<RatesUrl>(), Err(InvalidRatesUrl), "{text}");
        }
    }
}
