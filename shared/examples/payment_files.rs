//! Writes one payment file of each format into a folder, for checks by programs that are not ours; see
//! `cargo xtask test`, "Payment files against their schema and another reader".

use std::path::PathBuf;

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate};
use shared::kernel::money::{Currency, Money};
use shared::providers::payout::files::nacha::{
    AccountKind, EntryClass, NachaEntry, NachaFile, NachaOrigin, RoutingNumber,
};
use shared::providers::payout::files::sepa::{SepaAccount, SepaDebtor, SepaFile, SepaTransfer};

/// Payments in each file.
const PAYMENTS: i64 = 250;

fn main() -> Result<()> {
    let folder: PathBuf = std::env::args_os()
        .nth(1)
        .context("give a folder to write into")?
        .into();
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("pain001.xml"), sepa()?)?;
    std::fs::write(folder.join("nacha.txt"), nacha()?)?;
    Ok(())
}

fn day() -> Result<NaiveDate> {
    NaiveDate::from_ymd_opt(2026, 3, 9).context("a day")
}

fn moment() -> Result<DateTime<chrono::Utc>> {
    DateTime::from_timestamp(1_772_712_000, 0).context("a time")
}

fn sepa() -> Result<Vec<u8>> {
    let payee = SepaAccount::parse("NL91ABNA0417164300", Some("ABNANL2A"))?;
    let transfers = (1..=PAYMENTS).map(|at| {
        Ok(SepaTransfer {
            id: format!("e2e-{at}").parse()?,
            name: format!("Zoë & Søn <{at}>"),
            account: payee.clone(),
            amount: Money::new(Currency::EUR, at * 1_001),
            text: "Payout for March, thanks!".to_owned(),
        })
    });
    let file = SepaFile {
        message_id: "MSG-2026-03-05-1".parse()?,
        created_at: moment()?,
        execution: day()?,
        debtor: SepaDebtor {
            name: "Platform GmbH".to_owned(),
            account: SepaAccount::parse("DE89370400440532013000", Some("COBADEFFXXX"))?,
        },
        transfers: transfers.collect::<Result<_>>()?,
    };
    Ok(file.write()?)
}

fn nacha() -> Result<Vec<u8>> {
    let banks: [RoutingNumber; 2] = ["091000019".parse()?, "021000021".parse()?];
    let entries = (1..=PAYMENTS).map(|at| NachaEntry {
        bank: banks[usize::from(at % 3 == 0)].clone(),
        account: format!("{at:010}"),
        kind: if at % 2 == 0 {
            AccountKind::Checking
        } else {
            AccountKind::Savings
        },
        class: if at % 5 == 0 {
            EntryClass::Ccd
        } else {
            EntryClass::Ppd
        },
        amount: Money::new(Currency::USD, at * 1_001),
        payee_id: format!("PAYOUT{at}"),
        name: format!("Zoë Doe {at}"),
    });
    let file = NachaFile {
        origin: NachaOrigin {
            destination: banks[1].clone(),
            destination_name: "First Bank".to_owned(),
            origin: "1234567890".to_owned(),
            origin_name: "Platform Inc".to_owned(),
            originating_bank: "011401533".parse()?,
            company_name: "Platform Inc".to_owned(),
            company_id: "1234567890".to_owned(),
        },
        created_at: moment()?,
        modifier: 'A',
        effective: day()?,
        description: "Payout".to_owned(),
        first_sequence: 1,
        entries: entries.collect(),
    };
    Ok(file.write()?.bytes)
}
