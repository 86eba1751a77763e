//! Statements as banks write them, and as they should not.

use proptest::prelude::*;

use super::*;
use crate::kernel::money::Currency;

fn money(currency: Currency, minor: i64) -> Option<Money> {
    Some(Money::new(currency, minor))
}

fn pain002(inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\"><CstmrPmtStsRpt>\
         <GrpHdr><MsgId>ANSWER-1</MsgId><CreDtTm>2026-03-09T10:00:00Z</CreDtTm></GrpHdr>\
         <OrgnlGrpInfAndSts><OrgnlMsgId>MSG-1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{inside}</CstmrPmtStsRpt></Document>"
    )
}

const PARTLY: &str = "<GrpSts>PART</GrpSts></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>MSG-1</OrgnlPmtInfId>\
    <TxInfAndSts><OrgnlEndToEndId>e2e-1</OrgnlEndToEndId><TxSts>ACSC</TxSts>\
    <OrgnlTxRef><Amt><InstdAmt Ccy=\"EUR\">10.00</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>\
    <TxInfAndSts><OrgnlEndToEndId>e2e-2</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>closed</AddtlInf></StsRsnInf></TxInfAndSts>\
    <TxInfAndSts><OrgnlEndToEndId>e2e-3</OrgnlEndToEndId><TxSts>ACSP</TxSts></TxInfAndSts>\
    </OrgnlPmtInfAndSts>";

#[test]
fn a_pain_002_tells_of_each_payment() {
    let statement = read(pain002(PARTLY).as_bytes()).expect("readable");
    assert_eq!(
        (statement.format, statement.id.as_str()),
        (StatementFormat::Pain002, "ANSWER-1")
    );
    let told: Vec<_> = statement
        .lines
        .iter()
        .map(|line| (line.place, line.about.clone(), line.outcome, line.amount))
        .collect();
    let of = |id: &str| About::EndToEnd(id.to_owned());
    assert_eq!(
        told,
        [
            (
                0,
                of("e2e-1"),
                LineOutcome::Settled,
                money(Currency::EUR, 1_000)
            ),
            (1, of("e2e-2"), LineOutcome::Rejected, None),
            (2, of("e2e-3"), LineOutcome::Accepted, None),
        ]
    );
    let reason = statement.lines[1].reason.as_ref().expect("a reason");
    assert_eq!(
        (reason.code.as_str(), reason.text.as_str()),
        ("AC04", "closed")
    );
    assert_eq!(statement.lines[0].day, NaiveDate::from_ymd_opt(2026, 3, 9));
}

#[test]
fn a_file_refused_whole_is_one_line_about_all_of_it() {
    let refused =
        "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>FF01</Cd></Rsn></StsRsnInf></OrgnlGrpInfAndSts>";
    let statement = read(pain002(refused).as_bytes()).expect("readable");
    let [line] = &statement.lines[..] else {
        panic!("{statement:?}")
    };
    assert_eq!(
        (&line.about, line.outcome),
        (&About::Message("MSG-1".into()), LineOutcome::Rejected)
    );
}

/// An entry: which way, how much, its status, and what it holds.
fn entry(direction: &str, amount: &str, currency: &str, details: &str) -> String {
    format!(
        "<Ntry><Amt Ccy=\"{currency}\">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
         <BookgDt><Dt>2026-03-10</Dt></BookgDt><AcctSvcrRef>BANK-1</AcctSvcrRef><BkTxCd/><NtryDtls>{details}</NtryDtls></Ntry>"
    )
}

fn details(id: &str, rest: &str) -> String {
    format!("<TxDtls><Refs><EndToEndId>{id}</EndToEndId></Refs>{rest}</TxDtls>")
}

fn camt(kind: &str, entries: &str) -> String {
    let (outer, inner) = match kind {
        "camt.053" => ("BkToCstmrStmt", "Stmt"),
        _ => ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
    };
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:{kind}.001.08\"><{outer}><GrpHdr><MsgId>STMT-1</MsgId>\
         <CreDtTm>2026-03-10T20:00:00Z</CreDtTm></GrpHdr><{inner}><Id>S1</Id><Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct>\
         {entries}</{inner}></{outer}></Document>"
    )
}

const RETURN: &str =
    "<RtrInf><Rsn><Cd>AC01</Cd></Rsn><AddtlInf>no such account</AddtlInf></RtrInf>";

#[test]
fn camt_tells_what_was_paid_and_what_came_back() {
    let two = format!(
        "{}{}",
        details(
            "e2e-1",
            "<Amt Ccy=\"EUR\">10.00</Amt><CdtDbtInd>DBIT</CdtDbtInd>"
        ),
        details(
            "e2e-2",
            "<Amt Ccy=\"EUR\">5.50</Amt><CdtDbtInd>DBIT</CdtDbtInd>"
        )
    );
    let entries = [
        entry("DBIT", "15.50", "EUR", &two),
        entry("CRDT", "5.50", "EUR", &details("e2e-2", RETURN)),
        entry("CRDT", "99.00", "EUR", &details("NOTPROVIDED", "")),
        entry("DBIT", "1200.00", "JPY", &details("e2e-3", "")),
    ]
    .concat();
    for kind in ["camt.053", "camt.054"] {
        let statement = read(camt(kind, &entries).as_bytes()).expect("readable");
        assert_eq!(statement.format.as_str(), kind);
        let told: Vec<_> = statement
            .lines
            .iter()
            .map(|line| (line.about.clone(), line.outcome, line.amount))
            .collect();
        let of = |id: &str| About::EndToEnd(id.to_owned());
        assert_eq!(
            told,
            [
                (
                    of("e2e-1"),
                    LineOutcome::Settled,
                    money(Currency::EUR, 1_000)
                ),
                (of("e2e-2"), LineOutcome::Settled, money(Currency::EUR, 550)),
                (
                    of("e2e-2"),
                    LineOutcome::Returned,
                    money(Currency::EUR, 550)
                ),
                (
                    About::Unknown,
                    LineOutcome::Other,
                    money(Currency::EUR, 9_900)
                ),
                (
                    of("e2e-3"),
                    LineOutcome::Settled,
                    money(Currency::JPY, 1_200)
                ),
            ],
            "{kind}"
        );
        let reason = statement.lines[2].reason.as_ref().expect("a reason");
        assert_eq!(
            (reason.code.as_str(), reason.text.as_str()),
            ("AC01", "no such account")
        );
        assert_eq!(statement.lines[0].bank_reference.as_deref(), Some("BANK-1"));
    }
}

#[test]
fn an_amount_of_many_payments_is_not_taken_for_that_of_each() {
    let two = format!("{}{}", details("e2e-1", ""), details("e2e-2", ""));
    let statement =
        read(camt("camt.053", &entry("DBIT", "15.50", "EUR", &two)).as_bytes()).expect("readable");
    assert!(
        statement.lines.iter().all(|line| line.amount.is_none()),
        "{statement:?}"
    );
}

fn balance(kind: &str, amount: &str, direction: &str) -> String {
    format!(
        "<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{amount}</Amt>\
         <CdtDbtInd>{direction}</CdtDbtInd><Dt><Dt>2026-03-10</Dt></Dt></Bal>"
    )
}

#[test]
fn an_account_adds_up_or_does_not() {
    let entries = [
        entry("DBIT", "15.50", "EUR", &details("e2e-1", "")),
        entry("CRDT", "5.50", "EUR", &details("e2e-1", RETURN)),
    ]
    .concat();
    let of = |opening: (&str, &str), closing: (&str, &str)| {
        let parts = [
            balance("OPBD", opening.0, opening.1),
            balance("CLBD", closing.0, closing.1),
            entries.clone(),
        ];
        let statement = read(camt("camt.053", &parts.concat()).as_bytes()).expect("readable");
        let [account] = &statement.accounts[..] else {
            panic!("{statement:?}")
        };
        account.clone()
    };
    let even = of(("0.00", "CRDT"), ("10.00", "DBIT"));
    assert_eq!(
        (even.opening, even.closing, even.moved, even.adds_up()),
        (Some(0), Some(-1_000), Some(-1_000), Some(true))
    );
    assert_eq!(even.account.as_deref(), Some("DE89370400440532013000"));
    assert_eq!(
        of(("100.00", "CRDT"), ("90.00", "CRDT")).adds_up(),
        Some(true)
    );
    assert_eq!(
        of(("100.00", "CRDT"), ("90.01", "CRDT")).adds_up(),
        Some(false)
    );
    let statement = read(camt("camt.054", &entries).as_bytes()).expect("readable");
    assert_eq!(statement.accounts[0].adds_up(), None);
}

#[test]
fn a_file_that_was_booked_whole_is_told_by_its_message() {
    let whole = "<Btch><MsgId>MSG-1</MsgId><NbOfTxs>2</NbOfTxs></Btch>";
    let text = camt("camt.053", &entry("DBIT", "15.50", "EUR", whole));
    let statement = read(text.as_bytes()).expect("readable");
    let [line] = &statement.lines[..] else {
        panic!("{statement:?}")
    };
    assert_eq!(
        (&line.about, line.outcome, line.amount, line.direction),
        (
            &About::Message("MSG-1".into()),
            LineOutcome::Settled,
            money(Currency::EUR, 1_550),
            Some(Direction::Debit)
        )
    );
}

#[test]
fn cheques_are_told_by_their_numbers() {
    let cheque = |number: &str| {
        format!(
            "<TxDtls><Refs><ChqNb>{number}</ChqNb></Refs><Amt Ccy=\"USD\">5.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></TxDtls>"
        )
    };
    let entries = [
        entry("DBIT", "1.00", "USD", "<TxDtls/>"),
        entry(
            "DBIT",
            "10.00",
            "USD",
            &[cheque("17"), cheque("18")].concat(),
        ),
    ];
    let statement = read(camt("camt.053", &entries.concat()).as_bytes()).expect("readable");
    let told: Vec<_> = statement
        .lines
        .iter()
        .map(|line| line.about.clone())
        .collect();
    let cheque = |number: &str| About::Cheque(number.to_owned());
    assert_eq!(told, [About::Unknown, cheque("17"), cheque("18")]);
}

#[test]
fn details_that_would_be_overlooked_are_refused() {
    let one = entry("DBIT", "2.00", "EUR", &details("e2e-1", ""));
    let parts = format!("</NtryDtls><NtryDtls>{}</NtryDtls>", details("e2e-2", ""));
    let two = one.replacen("</NtryDtls>", &parts, 1);
    let refused = read(camt("camt.053", &two).as_bytes()).expect_err("refused");
    assert!(refused.to_string().contains("NtryDtls"), "{refused}");
}

/// A file with these entries and addenda, whose controls are right.
fn returns(entries: &[(&str, u64, &str)]) -> String {
    const BANK: &str = "01140153";
    let mut records = vec![format!(
        "{:<94}",
        "101 011401533 0210000212603101200A094101PLATFORM               FIRST BANK"
    )];
    records.push(format!("{:<94}", "5200PLATFORM"));
    let (mut count, mut total) = (0_u64, 0_u64);
    for (at, (code, amount, rest)) in entries.iter().enumerate() {
        records.push(format!(
            "{:<79}{:015}",
            format!(
                "621{BANK}3{:<17}{amount:010}{:<15}{:<22}  1",
                "123456789", "PAYOUT1", "ZOE DOE"
            ),
            at + 1
        ));
        let kind = if code.starts_with('R') { "99" } else { "98" };
        records.push(format!(
            "{:<79}{:015}",
            format!("7{kind}{code}011401530000042      {BANK}{rest}"),
            at + 1
        ));
        count += 2;
        total += amount;
    }
    let hash = BANK.parse::<u64>().expect("digits") * entries.len() as u64 % 10_000_000_000;
    records.push(format!(
        "{:<94}",
        format!("8200{count:06}{hash:010}{:012}{total:012}", 0)
    ));
    records.push(format!(
        "{:<94}",
        format!("9000001000001{count:08}{hash:010}{:012}{total:012}", 0)
    ));
    records.resize(records.len().next_multiple_of(10), "9".repeat(94));
    records.join("\n") + "\n"
}

#[test]
fn returns_and_changes_of_nacha_are_told_by_trace_number() {
    let text = returns(&[("R03", 245_000, "NO ACCOUNT"), ("C01", 0, "987654321")]);
    let statement = read(text.as_bytes()).expect("readable");
    let [returned, changed] = &statement.lines[..] else {
        panic!("{statement:?}")
    };
    assert_eq!(
        (&returned.about, returned.outcome),
        (
            &About::Trace("011401530000042".into()),
            LineOutcome::Returned
        )
    );
    assert_eq!(returned.amount, money(Currency::USD, 245_000));
    let reason = returned.reason.as_ref().expect("a reason");
    assert_eq!(
        (reason.code.as_str(), reason.text.as_str()),
        ("R03", "NO ACCOUNT")
    );
    assert_eq!(
        (
            changed.outcome,
            changed.amount,
            changed.correction.as_deref()
        ),
        (LineOutcome::Corrected, None, Some("987654321"))
    );
    assert_eq!(returned.day, NaiveDate::from_ymd_opt(2026, 3, 10));
    assert_eq!(returned.bank_reference.as_deref(), Some("000000000000001"));
}

#[test]
fn broken_files_of_nacha_are_refused_with_the_record() {
    let good = returns(&[("R03", 245_000, "NO ACCOUNT")]);
    let lines: Vec<&str> = good.lines().collect();
    let with = |at: usize, record: &str| {
        let mut changed = lines.clone();
        changed[at] = record;
        changed.join("\n")
    };
    let swap = |from: &str, to: &str| good.replacen(from, to, 1);
    let cases = [
        (lines[..4].join("\n"), "broken off"),
        (lines[..5].join("\n"), "broken off"),
        (with(2, "6"), "record 3: it has 1 characters"),
        (with(3, lines[2]), "no return or change"),
        (with(2, lines[3]), "without its entry"),
        (swap("799R03", "705R03"), "neither a return nor a change"),
        (swap("799R03", "799C03"), "is no code"),
        (swap("011401530000042", "01140153000004X"), "trace number"),
        (swap("0000245000", "0000245001"), "another sum"),
        (
            swap("8200000002", "8200000003"),
            "another number of entries",
        ),
        (swap("62101140153", "62101140154"), "another entry hash"),
        (swap("9000001", "9000002"), "another number of batches"),
        (
            good.replace(&"9".repeat(94), lines[0]),
            "after the file control",
        ),
        (good.replace("ZOE", "ZÖ"), "not of ASCII"),
    ];
    for (text, words) in cases {
        let refused = read(text.as_bytes()).expect_err(words).to_string();
        assert!(refused.contains(words), "{words}: {refused}");
    }
}

#[test]
fn hostile_input_is_refused() {
    let good = pain002(PARTLY);
    let entity = good
        .replacen(
            "<Document",
            "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><Document",
            1,
        )
        .replace("closed", "&a;");
    let deep = good.replacen("<GrpHdr>", &"<x>".repeat(10_000), 1);
    let cut = &good[..good.len() - 30];
    for text in [
        "",
        "x",
        "101",
        "<Document/>",
        "{}",
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\"/>",
        &entity,
        &deep,
        cut,
    ] {
        assert!(
            read(text.as_bytes()).is_err(),
            "{}",
            &text[..text.len().min(80)]
        );
    }
    assert_eq!(
        read(&vec![b' '; STATEMENT_MAX_BYTES + 1]),
        Err(StatementError::TooLarge)
    );
    assert_eq!(read(b"\xff\xfe"), Err(StatementError::UnknownFormat));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0_usize..2_000, with in any::<u8>()) {
        let _refused_or_read = read(&bytes);
        for text in [pain002(PARTLY), camt("camt.053", &entry("DBIT", "1.00", "EUR", &details("e2e-1", ""))), returns(&[("R03", 1, "X")])] {
            let mut broken = text.into_bytes();
            let at = at % broken.len();
            broken[at] = with;
            let _refused_or_read = read(&broken);
        }
    }
}
