use secrecy::ExposeSecret;

use super::*;

const MINIMAL: [(&str, &str); 1] = [("DATABASE_URL", "postgresql://u:p@localhost/crm")];

/// What production needs.
const PRODUCTION: [(&str, &str); 9] = [
    ("NODE_ENV", "production"),
    ("DATABASE_URL", "postgresql://u:p@db/crm"),
    ("REDIS_URL", "redis://redis:6379/9"),
    ("SMTP_URL", "smtps://u:p@mail.example.com:465"),
    ("EMAIL_FROM_ADDRESS", "noreply@example.com"),
    ("EMAIL_POSTAL_ADDRESS", "1 Real Street, Town"),
    ("PUBLIC_URL", "https://crm.example.com/"),
    ("JWT_SECRET", "3fd1c2a4b5d6e7f8091a2b3c4d5e6f70"),
    (
        "ENCRYPTION_KEY",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    ),
];

/// Reads `base` with `changes` over it; an empty value unsets.
fn read(base: &[(&str, &str)], changes: &[(&str, &str)]) -> Result<Config, ConfigProblems> {
    Config::read(|name| {
        let of = |list: &[(&str, &str)]| {
            list.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        of(changes).or_else(|| of(base))
    })
}

fn variables(result: Result<Config, ConfigProblems>) -> Vec<String> {
    result
        .err()
        .map(|problems| problems.0.iter().map(|p| p.variable.to_string()).collect())
        .unwrap_or_default()
}

#[test]
fn development_needs_only_a_database() {
    let config = read(&MINIMAL, &[]).expect("usable");
    assert_eq!(config.environment, Environment::Development);
    assert_eq!(
        (config.http.host.to_string().as_str(), config.http.port),
        ("0.0.0.0", 3004)
    );
    assert_eq!(config.http.metrics_port, Some(9091));
    assert_eq!(config.http.public_url.as_str(), "http://localhost:3004/");
    assert_eq!(config.redis_url.expose_secret(), "redis://localhost:6379/9");
    assert_eq!(
        config.email.smtp_url.expose_secret(),
        "smtp://localhost:1025"
    );
    assert_eq!(
        config.campaigns,
        CampaignConfig {
            max_concurrent: 50,
            retry_attempts: 3
        }
    );
}

#[test]
fn production_with_all_it_needs_is_accepted() {
    let config = read(&PRODUCTION, &[]).expect("usable");
    assert!(config.is_production());
    assert_eq!(config.secrets.encryption.expose_secret()[31], 0x1f);
}

#[test]
fn every_problem_is_reported_at_once_with_its_remedy() {
    let problems = read(&[("NODE_ENV", "production"), ("PORT", "http")], &[])
        .expect_err("nothing else is set");
    let text = problems.to_string();
    for name in [
        "PORT",
        "PUBLIC_URL",
        "DATABASE_URL",
        "REDIS_HOST",
        "SMTP_URL",
        "EMAIL_FROM_ADDRESS",
        "JWT_SECRET",
        "ENCRYPTION_KEY",
    ] {
        assert!(
            text.contains(&format!("\n  {name} ")),
            "{name} is missing in {text}"
        );
    }
    assert!(text.contains("openssl rand"), "{text}");
}

#[test]
fn an_empty_value_counts_as_unset() {
    let config = read(
        &MINIMAL,
        &[("PORT", ""), ("REDIS_PASSWORD", " "), ("REDIS_URL", "")],
    )
    .expect("usable");
    assert_eq!(config.http.port, 3004);
    assert_eq!(config.redis_url.expose_secret(), "redis://localhost:6379/9");
    assert_eq!(
        variables(read(&PRODUCTION, &[("PUBLIC_URL", "")])),
        ["PUBLIC_URL"]
    );
}

#[test]
fn each_plain_variable_has_its_effect() {
    let config = read(
        &MINIMAL,
        &[
            ("NODE_ENV", "test"),
            ("HOST", "127.0.0.1"),
            ("PORT", "8080"),
            ("METRICS_PORT", "9000"),
            ("PUBLIC_URL", "https://crm.example.com"),
            ("DATABASE_MAX_CONNECTIONS", "7"),
            ("SMTP_URL", "smtp://mail:25"),
            ("EMAIL_FROM_ADDRESS", "Hello@Example.com"),
            ("EMAIL_PROVIDER", "smtp"),
            ("EMAIL_FROM_NAME", "Fanz"),
            ("EMAIL_POSTAL_ADDRESS", "2 Other Street"),
            ("SMTP_SESSIONS", "5"),
            ("EMAIL_RATE_PER_SECOND", "100"),
            ("MAX_CONCURRENT_CAMPAIGNS", "2"),
            ("CAMPAIGN_RETRY_ATTEMPTS", "0"),
        ],
    )
    .expect("usable");
    assert_eq!(config.environment, Environment::Test);
    assert_eq!(
        (config.http.host.to_string().as_str(), config.http.port),
        ("127.0.0.1", 8080)
    );
    assert_eq!(config.http.metrics_port, Some(9000));
    assert_eq!(config.http.public_url.as_str(), "https://crm.example.com/");
    assert_eq!(config.database.max_connections, 7);
    assert_eq!(config.email.smtp_url.expose_secret(), "smtp://mail:25");
    assert_eq!(config.email.from.as_str(), "Hello@example.com");
    assert_eq!(config.email.from_name, "Fanz");
    assert_eq!(config.email.postal_address, "2 Other Street");
    assert_eq!(
        (config.email.sessions, config.email.rate_per_second),
        (5, Some(100))
    );
    assert_eq!(
        config.campaigns,
        CampaignConfig {
            max_concurrent: 2,
            retry_attempts: 0
        }
    );
}

#[test]
fn what_stands_in_every_mail_is_one_line() {
    let wrong = [
        ("EMAIL_FROM_NAME", "a\r\nBcc: b"),
        ("EMAIL_POSTAL_ADDRESS", "a\nb"),
    ];
    assert_eq!(
        variables(read(&MINIMAL, &wrong)),
        ["EMAIL_FROM_NAME", "EMAIL_POSTAL_ADDRESS"]
    );
    assert_eq!(
        read(&MINIMAL, &[]).expect("usable").email.rate_per_second,
        None
    );
    assert_eq!(
        variables(read(&MINIMAL, &[("EMAIL_RATE_PER_SECOND", "0")])),
        ["EMAIL_RATE_PER_SECOND"]
    );
}

#[test]
fn metrics_can_be_switched_off() {
    assert_eq!(
        read(&MINIMAL, &[("ENABLE_METRICS", "false")])
            .expect("usable")
            .http
            .metrics_port,
        None
    );
    assert_eq!(
        variables(read(&MINIMAL, &[("ENABLE_METRICS", "maybe")])),
        ["ENABLE_METRICS"]
    );
    assert_eq!(
        variables(read(&MINIMAL, &[("PORT", "9091")])),
        ["METRICS_PORT"]
    );
}

#[test]
fn redis_is_put_together_from_its_parts_unless_there_is_a_url() {
    let parts = [
        ("REDIS_HOST", "cache"),
        ("REDIS_PORT", "7000"),
        ("REDIS_PASSWORD", "p@ss/word"),
        ("REDIS_CRM_DB", "3"),
    ];
    let config = read(&MINIMAL, &parts).expect("usable");
    assert_eq!(
        config.redis_url.expose_secret(),
        "redis://:p%40ss%2Fword@cache:7000/3"
    );
    let with_url = [&parts[..], &[("REDIS_URL", "rediss://other/1")]].concat();
    assert_eq!(
        read(&MINIMAL, &with_url)
            .expect("usable")
            .redis_url
            .expose_secret(),
        "rediss://other/1"
    );
}

#[test]
fn urls_of_another_kind_are_refused() {
    for (name, value) in [
        ("DATABASE_URL", "mysql://localhost/crm"),
        ("REDIS_URL", "http://localhost"),
        ("SMTP_URL", "localhost:25"),
        ("TRACE_URL_TEMPLATE", "https://example.com/trace"),
        ("TRACE_URL_TEMPLATE", "javascript:{traceId}"),
        ("PUBLIC_URL", "ftp://example.com"),
        ("PUBLIC_URL", "https://example.com/?a=b"),
    ] {
        assert_eq!(
            variables(read(&MINIMAL, &[(name, value)])),
            [name],
            "{value}"
        );
    }
}

#[test]
fn what_is_not_built_yet_is_refused_by_name() {
    let problems = read(&MINIMAL, &[("EMAIL_PROVIDER", "sendgrid")]).expect_err("not built");
    assert!(
        problems
            .to_string()
            .contains("EMAIL_PROVIDER `sendgrid` is not built yet"),
        "{problems}"
    );
    assert_eq!(
        variables(read(&MINIMAL, &[("EMAIL_PROVIDER", "pigeon")])),
        ["EMAIL_PROVIDER"]
    );
    assert_eq!(
        variables(read(&MINIMAL, &[("EMAIL_FROM_ADDRESS", "nobody")])),
        ["EMAIL_FROM_ADDRESS"]
    );
    assert!(variables(read(&MINIMAL, &[("NODE_ENV", "staging")])).contains(&"NODE_ENV".to_owned()));
}

#[test]
fn published_and_short_secrets_are_refused_in_production_only() {
    for (name, value) in [
        ("JWT_SECRET", "your-super-secure-jwt-secret"),
        ("JWT_SECRET", DEVELOPMENT_JWT_SECRET),
        ("JWT_SECRET", "short"),
        ("JWT_SECRET_PREVIOUS", "short"),
        ("ENCRYPTION_KEY", "your-32-character-encryption-key"),
        ("ENCRYPTION_KEY", DEVELOPMENT_ENCRYPTION_KEY),
    ] {
        assert_eq!(
            variables(read(&PRODUCTION, &[(name, value)])),
            [name],
            "{value}"
        );
        assert!(read(&MINIMAL, &[(name, value)]).is_ok(), "{value}");
    }
}

#[test]
fn an_encryption_key_of_another_length_is_refused_everywhere() {
    for value in ["short", "z".repeat(64).as_str(), "a".repeat(33).as_str()] {
        assert_eq!(
            variables(read(&MINIMAL, &[("ENCRYPTION_KEY", value)])),
            ["ENCRYPTION_KEY"],
            "{value}"
        );
    }
}

#[test]
fn secrets_are_not_printed() {
    let text = format!(
        "{:?}",
        read(
            &PRODUCTION,
            &[("JWT_SECRET_PREVIOUS", "0123456789abcdef0123456789abcdef")]
        )
        .expect("usable")
    );
    for secret in ["3fd1c2a4", "u:p@", "0123456789abcdef", "00010203"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn the_example_file_is_accepted_as_it_stands() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../.env.example");
    let values = reader::dotenv_values(path.as_ref()).expect("well formed");
    let config = Config::read(|name| values.get(name).cloned());
    assert!(config.is_ok(), "{config:?}");
}

#[test]
fn a_missing_file_is_no_problem_and_a_broken_one_is() {
    assert!(
        reader::dotenv_values("/nonexistent/.env".as_ref())
            .expect("no file")
            .is_empty()
    );
    let path = std::env::temp_dir().join(format!("dotenv-{}", uuid::Uuid::new_v4()));
    std::fs::write(&path, "A=1\nthis is 'not a line\n").expect("a temporary file");
    let result = reader::dotenv_values(&path);
    std::fs::remove_file(&path).expect("just written");
    assert!(result.is_err());
}

#[test]
fn exchange_rates_come_from_the_bank_a_mirror_or_a_file() {
    let config = read(&MINIMAL, &[("FX_DAILY_URL", "file:///rates/daily.xml")]).expect("usable");
    assert_eq!(config.fx.daily.to_string(), "file:///rates/daily.xml");
    assert_eq!(
        config.fx.history.to_string(),
        "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist.xml"
    );
    let plain = [("FX_RECENT_URL", "http://rates.example/recent.xml")];
    assert_eq!(variables(read(&MINIMAL, &plain)), ["FX_RECENT_URL"]);
}

#[test]
fn admins_show_a_second_factor_in_production_unless_somebody_says_otherwise() {
    const NAME: &str = "SECOND_FACTOR_FOR_ADMINS";
    let admins = |base, changes| read(base, changes).expect("usable").second_factor.admins;
    assert!(admins(&PRODUCTION, &[]));
    assert!(!admins(&PRODUCTION, &[(NAME, "false")]));
    assert!(!admins(&MINIMAL, &[]));
    assert!(admins(&MINIMAL, &[(NAME, "true")]));
}

#[test]
fn a_payment_provider_is_whole_or_not_there() {
    let config = read(&MINIMAL, &[]).expect("usable");
    assert!(config.payouts.paxum.is_none() && config.payouts.paypal.is_none());
    let paxum = [
        ("PAXUM_URL", "https://api.paxum.example"),
        ("PAXUM_ACCOUNT", "590900"),
        ("PAXUM_API_KEY", "key"),
        ("PAXUM_API_SECRET", "secret"),
    ];
    let config = read(&MINIMAL, &paxum).expect("usable");
    let options = config.payouts.paxum.expect("connected");
    assert_eq!(options.account, "590900");
    assert!(!format!("{options:?}").contains("secret\""), "{options:?}");
    assert_eq!(options.limits.timeout.as_secs(), 30);
    let hasty = [&paxum[..], &[("PAYOUT_TIMEOUT_SECONDS", "2")]].concat();
    let options = read(&MINIMAL, &hasty).expect("usable").payouts.paxum;
    assert_eq!(options.expect("connected").limits.timeout.as_secs(), 2);
    let never = read(&MINIMAL, &[("PAYOUT_TIMEOUT_SECONDS", "46")]);
    assert_eq!(variables(never), ["PAYOUT_TIMEOUT_SECONDS"]);
    let part = read(&MINIMAL, &[("PAYPAL_URL", "https://paypal.example")]);
    assert_eq!(
        variables(part),
        [
            "PAYPAL_CLIENT_ID",
            "PAYPAL_CLIENT_SECRET",
            "PAYPAL_WEBHOOK_ID"
        ]
    );
    let lonely = read(&MINIMAL, &[("CUSTODY_API_KEY", "key")]);
    assert_eq!(variables(lonely), ["CUSTODY_API_KEY"]);
    let open = read(
        &MINIMAL,
        &[
            ("CUSTODY_URL", "http://custody.example"),
            ("CUSTODY_API_KEY", "key"),
            ("CUSTODY_API_SECRET", "secret"),
        ],
    );
    assert_eq!(variables(open), ["CUSTODY_URL"]);
}

#[test]
fn files_need_a_folder_and_somebody_who_pays_as_a_whole() {
    let folder = ("PAYOUT_DROP_FOLDER", "/srv/bank");
    let name = ("SEPA_DEBTOR_NAME", "Platform GmbH");
    let iban = ("SEPA_DEBTOR_IBAN", "DE89 3704 0044 0532 0130 00");
    assert!(read(&MINIMAL, &[]).expect("usable").payouts.files.is_none());
    let files = read(&MINIMAL, &[folder, name, iban]).expect("usable");
    let files = files.payouts.files.expect("set");
    assert!(files.nacha.is_none() && files.cheque_drawer.is_none());
    let debtor = files.sepa.expect("whole");
    assert_eq!(debtor.account.iban(), "DE89370400440532013000");

    assert_eq!(variables(read(&MINIMAL, &[folder])), ["PAYOUT_DROP_FOLDER"]);
    assert_eq!(
        variables(read(&MINIMAL, &[name, iban])),
        ["SEPA_DEBTOR_NAME", "SEPA_DEBTOR_IBAN"]
    );
    assert_eq!(
        variables(read(&MINIMAL, &[folder, name])),
        ["SEPA_DEBTOR_IBAN"]
    );
    let other = ("SEPA_DEBTOR_IBAN", "DE89 3704 0044 0532 0130 01");
    assert_eq!(
        variables(read(&MINIMAL, &[folder, name, other])),
        ["SEPA_DEBTOR_IBAN"]
    );
    let bic = ("SEPA_DEBTOR_BIC", "no");
    assert_eq!(
        variables(read(&MINIMAL, &[folder, name, iban, bic])),
        ["SEPA_DEBTOR_BIC"]
    );
}

#[test]
fn an_origin_of_ach_files_is_whole_and_fits_its_fields() {
    let whole = [
        ("PAYOUT_DROP_FOLDER", "/srv/bank"),
        ("NACHA_DESTINATION", "021000021"),
        ("NACHA_DESTINATION_NAME", "First Bank"),
        ("NACHA_ORIGIN", "1234567890"),
        ("NACHA_ORIGIN_NAME", "Platform Inc"),
        ("NACHA_ORIGINATING_BANK", "011401533"),
        ("NACHA_COMPANY_NAME", "Platform Inc"),
        ("NACHA_COMPANY_ID", "1234567890"),
    ];
    let files = read(&MINIMAL, &whole).expect("usable").payouts.files;
    let origin = files.and_then(|files| files.nacha).expect("whole");
    assert_eq!(origin.destination.as_str(), "021000021");
    assert_eq!(origin.originating_bank.as_str(), "011401533");
    assert_eq!(origin.company_id, "1234567890");
    for (at, (name, _)) in whole.iter().enumerate().skip(1) {
        let mut part = whole.to_vec();
        part.remove(at);
        assert_eq!(variables(read(&MINIMAL, &part)), [*name]);
        let mut wrong = whole.to_vec();
        wrong[at].1 = "x234567890123456789012345";
        assert_eq!(variables(read(&MINIMAL, &wrong)), [*name]);
    }
}
