//! What stands in a file: the same for the same payouts, however often it is written.

use crate::config::PayoutFiles;
use crate::kernel::TypedId;
use crate::kernel::money::Money;
use crate::payouts::model::BatchHead;
use crate::payouts::{
    BatchFormat, Carriers, Payee, PayoutAccount, PayoutError, PayoutId, UsAccountType,
};
use crate::providers::payout::InstructionId;
use crate::providers::payout::files::FileError;
use crate::providers::payout::files::cheque::{Cheque, ChequeRun};
use crate::providers::payout::files::nacha::{
    AccountKind, EntryClass, NachaEntry, NachaFile, NachaOrigin,
};
use crate::providers::payout::files::sepa::{SepaAccount, SepaDebtor, SepaFile, SepaTransfer};

/// What payees of ACH credits read.
const DESCRIPTION: &str = "PAYOUT";
/// Characters of what we call a payee in ACH entries.
const PAYEE_ID_CHARS: usize = 15;

/// One payout of a file.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: PayoutId,
    pub(super) net: Money,
    pub(super) payee: Payee,
}

impl Item {
    /// # Errors
    /// If what was sealed cannot be opened.
    pub(super) fn opened(
        carriers: &Carriers,
        sealed: crate::payouts::store::batches::Sealed,
    ) -> Result<Self, PayoutError> {
        let id = sealed.destination.to_string();
        let plain = carriers.sealer.open(&id, &sealed.sealed)?;
        let payee = serde_json::from_slice(&plain)
            .map_err(|error| sqlx::Error::Decode(format!("{id}: {error}").into()))?;
        Ok(Self {
            id: sealed.id,
            net: sealed.net,
            payee,
        })
    }

    fn words(&self) -> String {
        format!("Payout {}", self.id.uuid().simple())
    }
}

/// A file's bytes, and what statements name each payout by, in their order.
#[derive(Debug)]
pub(super) struct File {
    pub(super) bytes: Vec<u8>,
    pub(super) traces: Vec<String>,
}

/// Writes a file.
///
/// # Errors
/// If one of the payouts cannot be in it, which is named by its place, or what all share cannot be written.
pub(super) fn write(
    files: &PayoutFiles,
    head: &BatchHead,
    items: &[Item],
) -> Result<File, FileError> {
    let unset = || FileError::Whole(format!("nobody is set who pays by {}", head.format));
    match head.format {
        BatchFormat::Pain001 => sepa(files.sepa.as_ref().ok_or_else(unset)?, head, items),
        BatchFormat::Nacha => nacha(files.nacha.as_ref().ok_or_else(unset)?, head, items),
        BatchFormat::ChequePdf => {
            cheques(files.cheque_drawer.as_ref().ok_or_else(unset)?, head, items)
        }
    }
}

/// Every payout that could not be in a file even alone, with why not.
///
/// # Errors
/// If what all share cannot be written.
pub(super) fn unfit(
    files: &PayoutFiles,
    head: &BatchHead,
    items: &[Item],
) -> Result<Vec<(PayoutId, String)>, FileError> {
    let mut found = Vec::new();
    for item in items {
        match write(files, head, std::slice::from_ref(item)) {
            Ok(_) => {}
            Err(FileError::Payment { why, .. }) => {
                found.push((item.id, format!("it cannot be in a file: {why}")));
            }
            Err(other) => return Err(other),
        }
    }
    Ok(found)
}

fn of_each<T>(
    items: &[Item],
    make: impl Fn(usize, &Item) -> Result<T, String>,
) -> Result<Vec<T>, FileError> {
    let made = items
        .iter()
        .enumerate()
        .map(|(at, item)| make(at, item).map_err(|why| FileError::Payment { at, why }));
    made.collect()
}

fn another_account() -> String {
    "its destination is of another sort".to_owned()
}

fn sepa(debtor: &SepaDebtor, head: &BatchHead, items: &[Item]) -> Result<File, FileError> {
    let transfers = of_each(items, |_, item| {
        let PayoutAccount::Iban { iban, bic } = &item.payee.account else {
            return Err(another_account());
        };
        Ok(SepaTransfer {
            id: InstructionId::from(item.id.uuid()),
            name: item.payee.holder.clone(),
            account: SepaAccount::parse(iban, bic.as_deref()).map_err(|error| error.to_string())?,
            amount: item.net,
            text: item.words(),
        })
    })?;
    let traces = transfers.iter().map(|one| one.id.to_string()).collect();
    let file = SepaFile {
        message_id: InstructionId::from(head.id.uuid()),
        created_at: head.created_at,
        execution: head.pay_on(),
        debtor: debtor.clone(),
        transfers,
    };
    Ok(File {
        bytes: file.write()?,
        traces,
    })
}

fn nacha(origin: &NachaOrigin, head: &BatchHead, items: &[Item]) -> Result<File, FileError> {
    let entries = of_each(items, |_, item| {
        let PayoutAccount::UsAccount {
            routing_number,
            account_number,
            account_type,
        } = &item.payee.account
        else {
            return Err(another_account());
        };
        let id = item.id.uuid().simple().to_string();
        Ok(NachaEntry {
            bank: routing_number.parse().map_err(|_| another_account())?,
            account: account_number.clone(),
            kind: match account_type {
                UsAccountType::Checking => AccountKind::Checking,
                UsAccountType::Savings => AccountKind::Savings,
            },
            class: EntryClass::Ppd,
            amount: item.net,
            payee_id: id[id.len() - PAYEE_ID_CHARS..].to_owned(),
            name: item.payee.holder.clone(),
        })
    })?;
    let file = NachaFile {
        origin: origin.clone(),
        created_at: head.created_at,
        modifier: head
            .modifier()
            .ok_or_else(|| FileError::Whole("a day has at most 36 files".to_owned()))?,
        effective: head.pay_on(),
        description: DESCRIPTION.to_owned(),
        first_sequence: head.first_number(),
        entries,
    };
    let written = file.write()?;
    Ok(File {
        bytes: written.bytes,
        traces: written.traces,
    })
}

fn cheques(drawer: &str, head: &BatchHead, items: &[Item]) -> Result<File, FileError> {
    let numbers: Vec<u32> = (head.first_number()..).take(items.len()).collect();
    let cheques = of_each(items, |at, item| {
        let PayoutAccount::Postal { lines } = &item.payee.account else {
            return Err(another_account());
        };
        let mut address = vec![item.payee.holder.clone()];
        address.extend_from_slice(lines);
        Ok(Cheque {
            number: numbers[at],
            payee: item.payee.holder.clone(),
            address,
            amount: item.net,
            memo: item.words(),
        })
    })?;
    let run = ChequeRun {
        drawer: drawer.to_owned(),
        day: head.pay_on(),
        made_at: head.created_at,
        cheques,
    };
    Ok(File {
        bytes: run.write()?,
        traces: numbers.iter().map(u32::to_string).collect(),
    })
}
