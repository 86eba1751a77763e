//! Files as banks write them.

use super::*;

/// A pain.002: each payment's end-to-end id, its status, and why.
pub(super) fn pain002(id: &str, day: &str, payments: &[(PayoutId, &str, &str)]) -> String {
    let payments: String = payments
        .iter()
        .map(|(payout, status, code)| {
            let why = match *code {
                "" => String::new(),
                code => format!("<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>"),
            };
            format!(
                "<TxInfAndSts><OrgnlEndToEndId>{}</OrgnlEndToEndId><TxSts>{status}</TxSts>{why}</TxInfAndSts>",
                e2e(*payout)
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\"><CstmrPmtStsRpt>\
         <GrpHdr><MsgId>{id}</MsgId><CreDtTm>{day}T10:00:00Z</CreDtTm></GrpHdr>\
         <OrgnlGrpInfAndSts><OrgnlMsgId>M</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><GrpSts>PART</GrpSts>\
         </OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>M</OrgnlPmtInfId>{payments}</OrgnlPmtInfAndSts>\
         </CstmrPmtStsRpt></Document>"
    )
}

/// A pain.002 that refuses a whole file.
pub(super) fn refusing(id: &str, day: &str, batch: BatchId) -> String {
    let of = InstructionId::from(batch.uuid());
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\"><CstmrPmtStsRpt>\
         <GrpHdr><MsgId>{id}</MsgId><CreDtTm>{day}T10:00:00Z</CreDtTm></GrpHdr>\
         <OrgnlGrpInfAndSts><OrgnlMsgId>{of}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><GrpSts>RJCT</GrpSts>\
         <StsRsnInf><Rsn><Cd>FF01</Cd></Rsn></StsRsnInf></OrgnlGrpInfAndSts></CstmrPmtStsRpt></Document>"
    )
}

/// A camt.053 or camt.054 of an account, with its balances in cents where it has them.
pub(super) fn camt(
    kind: &str,
    id: &str,
    day: &str,
    balances: Option<(i64, i64)>,
    entries: &str,
) -> String {
    let (outer, inner) = match kind {
        "camt.053" => ("BkToCstmrStmt", "Stmt"),
        _ => ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
    };
    let balance = |kind: &str, cents: i64| {
        let amount = Money::new(Currency::EUR, cents.abs()).decimal();
        let way = if cents < 0 { "DBIT" } else { "CRDT" };
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{amount}</Amt>\
             <CdtDbtInd>{way}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
        )
    };
    let balances = balances.map_or_else(String::new, |(opening, closing)| {
        balance("OPBD", opening) + &balance("CLBD", closing)
    });
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:{kind}.001.08\"><{outer}><GrpHdr><MsgId>{id}</MsgId>\
         <CreDtTm>{day}T20:00:00Z</CreDtTm></GrpHdr><{inner}><Id>{id}</Id>\
         <FrToDt><FrDtTm>{day}T00:00:00Z</FrDtTm><ToDtTm>{day}T23:59:59Z</ToDtTm></FrToDt>\
         <Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>{balances}{entries}</{inner}></{outer}></Document>"
    )
}

/// A booking: the bank's reference, which way, how much, and what it holds.
pub(super) fn entry(reference: &str, way: &str, amount: &str, day: &str, holds: &str) -> String {
    format!(
        "<Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
         <BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>{reference}</AcctSvcrRef><BkTxCd/><NtryDtls>{holds}</NtryDtls></Ntry>"
    )
}

/// That a booking is a payout's.
pub(super) fn of(payout: PayoutId) -> String {
    format!(
        "<TxDtls><Refs><EndToEndId>{}</EndToEndId></Refs></TxDtls>",
        e2e(payout)
    )
}

/// That a booking is what came back of a payout.
pub(super) fn back(payout: PayoutId, code: &str) -> String {
    format!(
        "<TxDtls><Refs><EndToEndId>{}</EndToEndId></Refs><RtrInf><Rsn><Cd>{code}</Cd></Rsn></RtrInf></TxDtls>",
        e2e(payout)
    )
}

/// Returns and changes of the ACH network, whose controls are right: the original trace, its code, cents, and the rest.
pub(super) fn nacha(day: &str, told: &[(&str, &str, u64, &str)]) -> String {
    const BANK: &str = "02100002";
    let day: String = day.chars().filter(|c| *c != '-').skip(2).collect();
    let head = format!("101 021000021 011401533{day}1200A094101PLATFORM               FIRST BANK");
    let mut records = vec![format!("{head:<94}"), format!("{:<94}", "5200PLATFORM")];
    let mut total = 0;
    for (at, (trace, code, cents, rest)) in told.iter().enumerate() {
        let entry = format!(
            "621{BANK}1{:<17}{cents:010}{:<15}{:<22}  1",
            "1234567", "PAYOUT1", "ADA"
        );
        records.push(format!("{entry:<79}{:015}", at + 1));
        let kind = if code.starts_with('R') { "99" } else { "98" };
        let addenda = format!("7{kind}{code}{trace:<15}      {BANK}{rest}");
        records.push(format!("{addenda:<79}{:015}", at + 1));
        total += cents;
    }
    let count = told.len() * 2;
    let bank: u64 = BANK.parse().expect("digits");
    let hash = bank * told.len() as u64 % 10_000_000_000;
    let control = format!("8200{count:06}{hash:010}{:012}{total:012}", 0);
    records.push(format!("{control:<94}"));
    let end = format!("9000001000001{count:08}{hash:010}{:012}{total:012}", 0);
    records.push(format!("{end:<94}"));
    records.resize(records.len().next_multiple_of(10), "9".repeat(94));
    records.join("\n") + "\n"
}
