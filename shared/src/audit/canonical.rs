//! The one text that a value has: canonical JSON (RFC 8785), so that its hash can be computed again by anybody.

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Bytes of canonical JSON that a state before or after may have; of a larger one only its hash is kept.
pub const VALUE_MAX_BYTES: usize = 32 * 1024;
/// Whole numbers beyond this are not exact in every reader of JSON (RFC 7493 section 2.2); they are written as text.
const EXACT_MAX: u64 = (1 << 53) - 1;

/// The canonical text of a value.
///
/// # Errors
/// If the value has no JSON form.
pub(super) fn text(value: &impl Serialize) -> sqlx::Result<String> {
    serde_json_canonicalizer::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// The value as it can be written: exact numbers, and of one that is too large its size and hash.
///
/// # Errors
/// As [`text`].
pub(super) fn bounded(value: Value) -> sqlx::Result<Value> {
    let value = exact(value);
    let text = text(&value)?;
    if text.len() <= VALUE_MAX_BYTES {
        return Ok(value);
    }
    Ok(json!({ "omittedBytes": text.len(), "sha256": hex::encode(Sha256::digest(&text)) }))
}

fn exact(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let too_large = number.as_u64().is_some_and(|n| n > EXACT_MAX)
                || number
                    .as_i64()
                    .is_some_and(|n| n.unsigned_abs() > EXACT_MAX);
            if too_large {
                Value::String(number.to_string())
            } else {
                Value::Number(number)
            }
        }
        Value::Array(items) => items.into_iter().map(exact).collect(),
        Value::Object(fields) => fields.into_iter().map(|(k, v)| (k, exact(v))).collect(),
        Value::Null | Value::Bool(_) | Value::String(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_comes_out_as_the_rfc_says() {
        // RFC 8785 section 3.2.2 and its expected output in 3.2.3
        let given: Value = serde_json::from_str(
            r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
                "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#,
        )
        .expect("JSON");
        let expected = concat!(
            r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#,
            r#""string":"€$\u000f\nA'B\"\\\\\"/"}"#
        );
        assert_eq!(text(&given).expect("written"), expected);
    }

    #[test]
    fn keys_are_ordered_by_their_utf_16_units() {
        // U+1F600 has a surrogate (D83D) that sorts before U+FB33
        let given = json!({ "\u{fb33}": 1, "\u{1f600}": 2, "a": 3 });
        assert_eq!(
            text(&given).expect("written"),
            "{\"a\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}"
        );
    }

    #[test]
    fn whole_numbers_keep_every_digit() {
        let given = json!({ "small": EXACT_MAX, "large": EXACT_MAX + 2, "low": i64::MIN });
        assert_eq!(
            text(&bounded(given).expect("bounded")).expect("written"),
            r#"{"large":"9007199254740993","low":"-9223372036854775808","small":9007199254740991}"#
        );
    }

    #[test]
    fn of_a_value_that_is_too_large_its_hash_remains() {
        let small = Value::String("x".repeat(VALUE_MAX_BYTES - 2));
        assert_eq!(bounded(small.clone()).expect("bounded"), small);
        let large = bounded(Value::String("x".repeat(VALUE_MAX_BYTES - 1))).expect("bounded");
        assert_eq!(large["omittedBytes"], VALUE_MAX_BYTES + 1);
        assert_eq!(large["sha256"].as_str().map(str::len), Some(64));
    }
}
