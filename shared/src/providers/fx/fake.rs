//! A publisher without a network.

use std::sync::{Mutex, PoisonError};

use futures_util::future::BoxFuture;

use super::{Document, RatePublisher, Span, Unavailable};

/// Hands out what it was given last.
#[derive(Debug, Default)]
pub struct FakeRates {
    document: Mutex<Option<Vec<u8>>>,
}

impl FakeRates {
    /// From now on every document is this one.
    pub fn publish(&self, document: impl Into<Vec<u8>>) {
        *self.document.lock().unwrap_or_else(PoisonError::into_inner) = Some(document.into());
    }

    /// From now on there is none to be had.
    pub fn fail(&self) {
        *self.document.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl RatePublisher for FakeRates {
    fn fetch(&self, span: Span) -> BoxFuture<'_, Result<Document, Unavailable>> {
        let origin = format!("fake:{span}");
        let document = self
            .document
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Box::pin(std::future::ready(match document {
            Some(bytes) => Ok(Document { origin, bytes }),
            None => Err(Unavailable {
                origin,
                why: "as told".into(),
            }),
        }))
    }
}
