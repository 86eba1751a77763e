//! Trace context carried from a request into every job it causes.
//!
//! The text form is `traceparent` of W3C Trace Context, level 1 (version 00).

use rand::RngExt;
use std::fmt;
use std::str::FromStr;

/// A W3C trace context: which trace this work belongs to and which span caused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

/// The text is not a `traceparent` of version 00.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a W3C traceparent: expected 00-<32 hex>-<16 hex>-<2 hex>, neither id all zeros")]
pub struct InvalidTraceparent;

impl TraceContext {
    /// A new trace with a random id.
    pub fn random() -> Self {
        let mut rng = rand::rng();
        Self {
            trace_id: rng.random::<u128>().max(1),
            span_id: rng.random::<u64>().max(1),
            flags: 1,
        }
    }

    /// A new span within the same trace.
    pub fn child(&self) -> Self {
        Self {
            span_id: rand::rng().random::<u64>().max(1),
            ..*self
        }
    }

    /// The trace's id: 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace_id, self.span_id, self.flags
        )
    }
}

impl FromStr for TraceContext {
    type Err = InvalidTraceparent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('-').collect();
        let [version, trace, span, flags] = parts[..] else {
            return Err(InvalidTraceparent);
        };
        let sized = version == "00" && trace.len() == 32 && span.len() == 16 && flags.len() == 2;
        let parsed = (
            u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0),
            u64::from_str_radix(span, 16).ok().filter(|id| *id != 0),
            u8::from_str_radix(flags, 16).ok(),
        );
        match parsed {
            (Some(trace_id), Some(span_id), Some(flags)) if sized => Ok(Self {
                trace_id,
                span_id,
                flags,
            }),
            (_, _, _) => Err(InvalidTraceparent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_survives_its_own_text() {
        let trace = TraceContext::random();
        assert_eq!(trace.to_string().parse(), Ok(trace));
    }

    #[test]
    fn zeros_and_other_versions_are_refused() {
        let zeros = format!("00-{}-{}-01", "0".repeat(32), "1".repeat(16));
        assert_eq!(zeros.parse::<TraceContext>(), Err(InvalidTraceparent));
        let other = TraceContext::random().to_string().replacen("00-", "01-", 1);
        assert_eq!(other.parse::<TraceContext>(), Err(InvalidTraceparent));
    }
}
