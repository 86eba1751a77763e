//! Figures and times in words.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use maud::{Markup, html};

/// A count with its thousands apart: `1,234,567`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration in its two largest units that matter: `4 d 2 h`, `3 min 20 s`, `1.4 s`, `12 ms`.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds < 1.0 {
        return format!("{:.0} ms", seconds.max(0.0) * 1000.0);
    }
    if seconds < 10.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60);
    match (days, hours, minutes, whole % 60) {
        (0, 0, 0, s) => format!("{s} s"),
        (0, 0, m, 0) => format!("{m} min"),
        (0, 0, m, s) => format!("{m} min {s} s"),
        (0, h, 0, _) => format!("{h} h"),
        (0, h, m, _) => format!("{h} h {m} min"),
        (d, 0, _, _) => format!("{d} d"),
        (d, h, _, _) => format!("{d} d {h} h"),
    }
}

/// The time between two moments, as [`duration`] says it.
pub(crate) fn between(from: DateTime<Utc>, until: DateTime<Utc>) -> String {
    duration((until - from).as_seconds_f64())
}

/// A moment, seen from `now`: `3 min ago`, `in 2 h`. The exact one is in the element, and scripts show it in the
/// viewer's own zone.
pub(crate) fn moment(at: DateTime<Utc>, now: DateTime<Utc>) -> Markup {
    html! {
        time datetime=(exact(at)) title=(at.format("%Y-%m-%d %H:%M:%S UTC")) { (seen_from(at, now)) }
    }
}

/// RFC 3339 with milliseconds.
pub(crate) fn exact(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn seen_from(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    /// What is nearer than this is now.
    const NOW: TimeDelta = TimeDelta::milliseconds(1500);
    let past = now - at;
    if past.abs() < NOW {
        "now".to_owned()
    } else if past > TimeDelta::zero() {
        format!("{} ago", coarse(past))
    } else {
        format!("in {}", coarse(-past))
    }
}

/// One unit is enough for a glance.
fn coarse(span: TimeDelta) -> String {
    let seconds = span.num_seconds().unsigned_abs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Jobs a second: `0`, `0.4`, `12`, `1,234`.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second >= 10.0 {
        count(per_second.round() as u64)
    } else if per_second < 0.005 {
        "0".to_owned()
    } else if per_second < 1.0 {
        format!("{per_second:.2}")
    } else {
        format!("{per_second:.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_their_thousands_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(12_345_678), "12,345,678");
    }

    #[test]
    fn durations_say_what_matters() {
        let said = [0.012, 1.44, 59.0, 120.0, 200.0, 7200.0, 7260.0, 360_000.0].map(duration);
        let wanted = [
            "12 ms",
            "1.4 s",
            "59 s",
            "2 min",
            "3 min 20 s",
            "2 h",
            "2 h 1 min",
            "4 d 4 h",
        ];
        assert_eq!(said, wanted);
    }

    #[test]
    fn a_moment_is_seen_from_now() {
        let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
        assert_eq!(seen_from(now, now), "now");
        assert_eq!(seen_from(now - TimeDelta::seconds(200), now), "3 min ago");
        assert_eq!(seen_from(now + TimeDelta::hours(3), now), "in 3 h");
        assert_eq!(seen_from(now - TimeDelta::days(3), now), "3 d ago");
    }

    #[test]
    fn slow_rates_keep_their_digits() {
        assert_eq!(
            [0.0, 0.25, 3.12, 1234.4].map(rate),
            ["0", "0.25", "3.1", "1,234"]
        );
    }
}
