//! No cent is lost, and none is made up.

use proptest::prelude::*;

use super::*;

fn money(code: &str, text: &str) -> Result<i64, InvalidAmount> {
    let currency: Currency = code.parse().expect("a currency");
    Money::parse(currency, text).map(|money| money.minor)
}

#[test]
fn amounts_are_read_digit_for_digit_by_their_currency() {
    for (code, text, minor) in [
        ("USD", "125.50", 12_550),
        ("USD", "125.5", 12_550),
        ("USD", "125", 12_500),
        ("USD", "0.01", 1),
        ("USD", "0000000.10", 10),
        ("JPY", "1200", 1_200),
        ("KWD", "0.125", 125),
        ("KWD", "1.5", 1_500),
        ("USD", "10000000000.00", AMOUNT_MAX_MINOR),
    ] {
        assert_eq!(money(code, text), Ok(minor), "{text} {code}");
    }
}

#[test]
fn what_is_no_amount_is_refused_with_the_reason() {
    for (code, text, expected) in [
        ("USD", "1.005", "more decimals than USD, which has 2"),
        ("USD", "1.500", "more decimals than USD, which has 2"),
        ("JPY", "1.0", "more decimals than JPY, which has 0"),
        ("KWD", "1.0001", "more decimals than KWD, which has 3"),
        ("USD", "0", "more than zero"),
        ("USD", "0.00", "more than zero"),
        ("USD", "-1", "more than zero"),
        ("USD", "10000000000.01", "at most 10000000000.00 USD"),
        ("USD", "999999999999999999999999999999999999999", "at most"),
        ("USD", "1e3", "without exponent"),
        ("USD", "", "decimal number"),
        ("USD", ".5", "decimal number"),
        ("USD", "5.", "decimal number"),
        ("USD", "+5", "decimal number"),
        ("USD", " 5", "decimal number"),
        ("USD", "1,000.00", "decimal number"),
        ("USD", "NaN", "decimal number"),
        ("USD", "٣", "decimal number"),
    ] {
        let refusal = money(code, text).expect_err(text).to_string();
        assert!(refusal.contains(expected), "{text}: {refusal}");
    }
}

#[test]
fn only_currencies_in_use_are_known() {
    for code in ["USD", "EUR", "JPY", "KWD", "CLF"] {
        assert_eq!(code.parse::<Currency>().map(Currency::code), Ok(code));
    }
    for code in ["usd", "XAU", "XXX", "XTS", "DEM", "ABC", "", "US"] {
        assert!(code.parse::<Currency>().is_err(), "{code}");
    }
    assert_eq!((Currency::JPY.exponent(), Currency::KWD.exponent()), (0, 3));
}

#[test]
fn amounts_travel_as_json_numbers_and_never_through_a_float() {
    // the nearest float to it is 9007199254.740993
    let exact = r#"{"amount":9007199254.99}"#;
    #[derive(serde::Deserialize)]
    struct Body {
        amount: Box<RawValue>,
    }
    let body: Body = serde_json::from_str(exact).expect("a body");
    let read = Money::from_json(Currency::USD, &body.amount).expect("an amount");
    assert_eq!(read.minor, 900_719_925_499);
    assert_eq!(serde_json::to_string(&read).expect("text"), "9007199254.99");
    let text: Box<RawValue> = serde_json::from_str(r#""125.50""#).expect("raw");
    assert_eq!(
        Money::from_json(Currency::USD, &text).map(|money| money.minor),
        Ok(12_550)
    );
    for wrong in ["true", "null", "[1]", "{}", "1E2"] {
        let raw: Box<RawValue> = serde_json::from_str(wrong).expect("raw");
        assert!(Money::from_json(Currency::USD, &raw).is_err(), "{wrong}");
    }
}

#[test]
fn halves_are_rounded_up_on_the_magnitude() {
    let rate = |bps: i32| Rate::try_from(bps).expect("a rate");
    assert_eq!(rate(250).of(100), 3, "2.5 becomes 3");
    assert_eq!(rate(250).of(-100), -3);
    assert_eq!(rate(2_000).split(12_550), (2_510, 10_040));
    assert_eq!(rate(200).of(250_000), 5_000, "the specification's fee");
    assert!(Rate::try_from(10_001).is_err() && Rate::try_from(-1).is_err());
}

proptest! {
    #[test]
    fn a_decimal_reads_back_as_the_same_amount(minor in 1..=AMOUNT_MAX_MINOR, code in proptest::sample::select(vec!["USD", "JPY", "KWD", "CLF"])) {
        let currency: Currency = code.parse().expect("a currency");
        let text = Money::new(currency, minor).decimal();
        prop_assert_eq!(Money::parse(currency, &text).map(|money| money.minor), Ok(minor));
    }

    #[test]
    fn a_share_and_the_rest_are_the_amount(minor in any::<i32>(), bps in 0i32..=10_000) {
        let minor = i64::from(minor) * 1_000;
        let (share, rest) = Rate::try_from(bps).expect("a rate").split(minor);
        prop_assert_eq!(share + rest, minor);
        prop_assert!(share.abs() <= minor.abs() && share.signum() * minor.signum() >= 0);
    }

    #[test]
    fn parts_make_up_the_amount_and_each_is_within_a_unit_of_its_share(
        minor in -AMOUNT_MAX_MINOR..=AMOUNT_MAX_MINOR,
        weights in proptest::collection::vec(0u32..1_000_000, 1..20),
    ) {
        let parts = split(minor, &weights);
        prop_assert_eq!(parts.iter().sum::<i64>(), minor);
        let total: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
        if total > 0 {
            for (weight, got) in weights.iter().zip(&parts) {
                let exact = i128::from(minor) * i128::from(*weight);
                prop_assert!((i128::from(*got) * total - exact).abs() < total);
            }
        }
    }

    #[test]
    fn parts_of_parts_never_exceed_the_whole(whole in 0i64..AMOUNT_MAX_MINOR, steps in proptest::collection::vec(1i64..1_000, 1..30)) {
        // what refunds do: each takes its part of the fee, and all of them together exactly the fee
        let total: i64 = steps.iter().sum();
        let (mut done, mut taken) = (0, 0);
        for step in steps {
            done += step;
            let until = part(whole, done, total);
            prop_assert!(until >= taken);
            taken = until;
        }
        prop_assert_eq!(taken, whole);
    }
}
