//! Keeps what a handler logs, so that operators read it beside the attempt.
//!
//! It hears events of level info and above that are emitted by the handler's own task. A handler that spawns tasks of
//! its own and wants their lines kept passes the values back and logs them itself.

use std::fmt::Write;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use shared::kernel::Clock;
use shared::queue::settle::{LOG_LINE_MAX_CHARS, LOG_LINES_MAX, LogLine};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

tokio::task_local! {
    static LINES: Arc<Mutex<Vec<LogLine>>>;
}

/// Runs a future and keeps what it logs.
pub async fn listen<F: Future>(future: F) -> (F::Output, Vec<LogLine>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let output = LINES.scope(lines.clone(), future).await;
    let heard = std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner));
    (output, heard)
}

/// The layer that hears the lines; add it to the process's subscriber.
#[derive(Debug, Default)]
pub struct JobLogLayer {
    clock: Clock,
}

impl<S: Subscriber> Layer<S> for JobLogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        if level > Level::INFO {
            return;
        }
        // outside of a handler nobody listens
        let _ = LINES.try_with(|lines| {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() < LOG_LINES_MAX {
                let mut text = Text::default();
                event.record(&mut text);
                lines.push(LogLine {
                    at: self.clock.now().to_rfc3339(),
                    level: level.as_str().to_lowercase(),
                    message: text.0.trim().chars().take(LOG_LINE_MAX_CHARS).collect(),
                });
            }
        });
    }
}

/// A message followed by its fields as `name=value`.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let written = if field.name() == "message" {
            let rest = std::mem::take(&mut self.0);
            write!(self.0, "{value:?}{rest}")
        } else {
            write!(self.0, " {}={value:?}", field.name())
        };
        debug_assert!(written.is_ok(), "writing to a string does not fail");
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt;

    #[tokio::test]
    async fn only_what_the_handler_logs_is_kept() {
        let subscriber = tracing_subscriber::registry().with(JobLogLayer::default());
        let _guard = tracing::subscriber::set_default(subscriber);
        tracing::info!("before");
        let ((), lines) = listen(async {
            tracing::info!(rows = 3, "within");
            tracing::debug!("too fine");
        })
        .await;
        let told: Vec<_> = lines
            .iter()
            .map(|line| (line.level.as_str(), line.message.as_str()))
            .collect();
        assert_eq!(told, [("info", "within rows=3")]);
    }
}
