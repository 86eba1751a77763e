//! Amounts in English words, as cheques have them: "Two thousand four hundred fifty and 50/100 USD".

use crate::kernel::money::Money;

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
const GROUPS: [&str; 7] = [
    "",
    " thousand",
    " million",
    " billion",
    " trillion",
    " quadrillion",
    " quintillion",
];

/// A positive amount in words; what is less than a whole unit as a fraction, of currencies that have one.
pub(super) fn amount_in_words(amount: Money) -> String {
    let unit = 10_u64.pow(amount.currency.exponent());
    let minor = amount.minor.unsigned_abs();
    let mut words = whole(minor / unit);
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if unit == 1 {
        return format!("{words} {}", amount.currency);
    }
    let width = amount.currency.exponent() as usize;
    format!(
        "{words} and {:0width$}/{unit} {}",
        minor % unit,
        amount.currency
    )
}

fn whole(number: u64) -> String {
    if number == 0 {
        return SMALL[0].to_owned();
    }
    let mut rest = number;
    let mut parts = Vec::new();
    for group in GROUPS {
        if !rest.is_multiple_of(1_000) {
            parts.push(format!("{}{group}", hundreds(rest % 1_000)));
        }
        rest /= 1_000;
    }
    parts.reverse();
    parts.join(" ")
}

/// A number from 1 to 999.
fn hundreds(number: u64) -> String {
    let (hundred, rest) = (number / 100, number % 100);
    let tens = match rest {
        0 => String::new(),
        1..20 => word(&SMALL, rest).to_owned(),
        _ if rest.is_multiple_of(10) => word(&TENS, rest / 10).to_owned(),
        _ => format!("{}-{}", word(&TENS, rest / 10), word(&SMALL, rest % 10)),
    };
    match (hundred, tens.is_empty()) {
        (0, _) => tens,
        (_, true) => format!("{} hundred", word(&SMALL, hundred)),
        (_, false) => format!("{} hundred {tens}", word(&SMALL, hundred)),
    }
}

fn word<const N: usize>(words: &[&'static str; N], at: u64) -> &'static str {
    usize::try_from(at)
        .ok()
        .and_then(|at| words.get(at))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_said_as_people_say_them() {
        let said = |code: &str, minor| {
            amount_in_words(Money::new(code.parse().expect("a currency"), minor))
        };
        for (code, minor, words) in [
            ("USD", 1, "Zero and 01/100 USD"),
            (
                "USD",
                245_000,
                "Two thousand four hundred fifty and 00/100 USD",
            ),
            ("USD", 1_500, "Fifteen and 00/100 USD"),
            ("USD", 4_299, "Forty-two and 99/100 USD"),
            (
                "USD",
                10_000_000_100,
                "One hundred million one and 00/100 USD",
            ),
            ("JPY", 1_200, "One thousand two hundred JPY"),
            ("KWD", 1_005, "One and 005/1000 KWD"),
        ] {
            assert_eq!(said(code, minor), words);
        }
        assert!(said("USD", i64::MAX).starts_with("Ninety-two quadrillion"));
    }
}
