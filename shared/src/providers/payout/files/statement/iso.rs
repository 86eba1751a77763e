//! The statements of ISO 20022.

use sepa::camt::{AccountRef, ReportedAmount, StatementBalance};
use sepa::{
    CashEntry, CreditDebitIndicator, EntryDetail, EntryStatus, IsoDate, ParseLimits, PaymentStatus,
    ReasonCode, parse_camt053_with_limits, parse_camt054_with_limits, parse_pain002_with_limits,
};

use super::details::{self, Details};
use super::{
    About, Direction, LineOutcome, LineReason, STATEMENT_MAX_BYTES, Statement, StatementAccount,
    StatementError, StatementFormat, StatementLine, placed, said,
};
use crate::kernel::money::{Currency, Money};
use chrono::NaiveDate;

/// What every name space of these messages begins with.
const NAMESPACES: &str = "urn:iso:std:iso:20022:tech:xsd:";
/// Where a message names its name space at the latest, in bytes.
const HEAD_BYTES: usize = 4_096;
/// What banks write where there is no end-to-end id.
const NOT_PROVIDED: &str = "NOTPROVIDED";
/// Elements of a statement at the most; those of one payment are some thirty.
const NODES_MAX: usize = 1_000_000;

/// In which format a message says it is.
pub(super) fn format(text: &str) -> Option<StatementFormat> {
    let head = text.get(..HEAD_BYTES).unwrap_or(text);
    let (_, after) = head.split_once(NAMESPACES)?;
    StatementFormat::ALL
        .iter()
        .copied()
        .find(|format| after.starts_with(format.as_str()))
}

pub(super) fn read(format: StatementFormat, text: &str) -> Result<Statement, StatementError> {
    let limits = ParseLimits {
        input_bytes: STATEMENT_MAX_BYTES,
        nodes: NODES_MAX,
        ..ParseLimits::default()
    };
    let broken = |why: String| StatementError::Broken { format, why };
    let (id, accounts, lines) = match format {
        StatementFormat::Pain002 => {
            let document = parse_pain002_with_limits(text, limits)
                .map_err(|error| broken(error.to_string()))?;
            (document.msg_id.clone(), Vec::new(), answers(&document))
        }
        StatementFormat::Camt053 => {
            let document = parse_camt053_with_limits(text, limits)
                .map_err(|error| broken(error.to_string()))?;
            let statements = document.statements.iter();
            let accounts = statements.clone().map(|one| {
                let period = (one.from_date(), one.to_date());
                let balances = (one.opening_balance(), one.closing_balance());
                account(&one.account, period, balances, &one.entries)
            });
            let lines = booked(text, statements.map(|one| (&one.account, &one.entries[..])));
            let accounts = accounts.collect();
            (document.msg_id.clone(), accounts, lines.map_err(broken)?)
        }
        StatementFormat::Camt054 => {
            let document = parse_camt054_with_limits(text, limits)
                .map_err(|error| broken(error.to_string()))?;
            let notifications = document.notifications.iter();
            let accounts = notifications.clone().map(|one| {
                let period = (one.from_date(), one.to_date());
                account(&one.account, period, (None, None), &one.entries)
            });
            let lines = booked(
                text,
                notifications.map(|one| (&one.account, &one.entries[..])),
            );
            let accounts = accounts.collect();
            (document.msg_id.clone(), accounts, lines.map_err(broken)?)
        }
        StatementFormat::Nacha => return Err(StatementError::UnknownFormat),
    };
    let id = said(&id);
    if id.is_empty() {
        return Err(broken("it has no id".into()));
    }
    Ok(Statement {
        format,
        id,
        accounts,
        lines: placed(lines),
    })
}

/// What a statement says of an account as a whole.
fn account(
    of: &AccountRef,
    (from, to): (Option<IsoDate>, Option<IsoDate>),
    (opening, closing): (Option<&StatementBalance>, Option<&StatementBalance>),
    entries: &[CashEntry],
) -> StatementAccount {
    let balance = |of: Option<&StatementBalance>| of.and_then(|one| signed(&one.amount));
    let (opening, closing) = (balance(opening), balance(closing));
    let own = of.currency.as_deref().and_then(|code| code.parse().ok());
    let currency = opening.or(closing).map(|money| money.currency).or(own);
    let minor = |money: Option<Money>| {
        let money = money.filter(|money| Some(money.currency) == currency)?;
        Some(money.minor)
    };
    let booked = entries
        .iter()
        .filter(|entry| entry.status == EntryStatus::Booked);
    let moved = booked
        .map(|entry| minor(signed(&entry.amount)))
        .try_fold(0_i64, |sum, one| sum.checked_add(one?));
    StatementAccount {
        account: of.any_id().map(said),
        currency,
        from: from.and_then(calendar),
        to: to.and_then(calendar),
        opening: minor(opening),
        closing: minor(closing),
        moved,
    }
}

/// What a pain.002 says: of payments where it names them, else of what holds them.
fn answers(document: &sepa::Pain002Document) -> Vec<StatementLine> {
    let day = document.created_at().and_then(|at| calendar(at.date()));
    let about_all = |status: &Option<PaymentStatus>, codes: &[ReasonCode], texts: &[String]| {
        let outcome = outcome(status.as_ref()?)?;
        Some(StatementLine {
            reason: reason(codes, texts),
            ..line(
                About::Message(said(&document.original_msg_id)),
                outcome,
                day,
            )
        })
    };
    let mut lines = Vec::new();
    for group in &document.payment_info_statuses {
        if group.transactions.is_empty() {
            lines.extend(about_all(
                &group.status,
                &group.reason_codes,
                &group.additional_info,
            ));
        }
        for payment in &group.transactions {
            // a payment without a status of its own has that of what holds it
            let status = payment
                .status
                .as_ref()
                .or(group.status.as_ref())
                .or(document.group_status.as_ref());
            let Some(outcome) = status.and_then(outcome) else {
                continue;
            };
            let own = reason(&payment.reason_codes, &payment.additional_info);
            lines.push(StatementLine {
                amount: amount(
                    payment.original_amount_raw.as_deref(),
                    payment.original_currency.as_deref(),
                ),
                reason: own.or_else(|| reason(&group.reason_codes, &group.additional_info)),
                ..line(
                    end_to_end(payment.original_end_to_end_id.as_deref()),
                    outcome,
                    day,
                )
            });
        }
    }
    if document.payment_info_statuses.is_empty() {
        lines.extend(about_all(
            &document.group_status,
            &document.group_reason_codes,
            &document.group_additional_info,
        ));
    }
    lines
}

/// None for what says nothing of whether it is paid: a check of the payee's name, or that parts differ.
fn outcome(status: &PaymentStatus) -> Option<LineOutcome> {
    let known = [
        (PaymentStatus::Acsc, LineOutcome::Settled),
        (PaymentStatus::Rjct, LineOutcome::Rejected),
        (PaymentStatus::Actc, LineOutcome::Accepted),
        (PaymentStatus::Accp, LineOutcome::Accepted),
        (PaymentStatus::Acsp, LineOutcome::Accepted),
        (PaymentStatus::Acwc, LineOutcome::Accepted),
        (PaymentStatus::Pdng, LineOutcome::Accepted),
    ];
    known
        .into_iter()
        .find(|(word, _)| word == status)
        .map(|(_, outcome)| outcome)
}

fn reason(codes: &[ReasonCode], texts: &[String]) -> Option<LineReason> {
    let code = codes.first()?;
    Some(LineReason {
        code: said(code.as_code()),
        text: said(&texts.join(" ")),
    })
}

/// What was booked: a line for each payment that an entry names, or one for the entry.
fn booked<'a>(
    text: &str,
    parts: impl Iterator<Item = (&'a AccountRef, &'a [CashEntry])>,
) -> Result<Vec<StatementLine>, String> {
    let read = details::find(text)?;
    let entries = parts.flat_map(|(account, entries)| {
        let account = account.any_id().map(said);
        entries.iter().map(move |entry| (account.clone(), entry))
    });
    let mut lines = Vec::new();
    let mut seen = 0;
    for (nth, (account, entry)) in entries.enumerate() {
        seen += entry.details.len();
        let whole = entry.details.is_empty().then_some((None, None));
        let details = entry.details.iter().enumerate();
        let details = details.map(|(at, detail)| (Some(detail), cheque(&read, (nth, at))));
        for (detail, cheque) in details.chain(whole) {
            let mut line = of_entry(entry, detail)?;
            line.account.clone_from(&account);
            if let (About::Unknown, Some(number)) = (&line.about, cheque) {
                line.about = About::Cheque(number);
            }
            lines.push(line);
        }
    }
    if seen != read.count {
        return Err("an entry has more than one NtryDtls; ask the bank for one".to_owned());
    }
    Ok(lines)
}

fn cheque(read: &Details, at: (usize, usize)) -> Option<String> {
    read.cheques.get(&at).map(|number| said(number))
}

fn of_entry(entry: &CashEntry, detail: Option<&EntryDetail>) -> Result<StatementLine, String> {
    let own = detail
        .map(|detail| &detail.amount)
        .filter(|amount| amount.amount_raw.is_some());
    // the amount of an entry is that of its payment only if there is but one
    let whole = (entry.details.len() <= 1).then_some(&entry.amount);
    let reported = own.or(whole);
    let direction = detail
        .and_then(|detail| detail.amount.direction)
        .or(entry.amount.direction);
    let direction = direction.ok_or("an entry does not say whether it is a credit or a debit")?;
    let is_debit = direction == CreditDebitIndicator::Debit;
    let returned = detail.and_then(|detail| detail.return_reason_code.as_deref());
    let outcome = match (&entry.status, direction, returned) {
        (EntryStatus::Booked, CreditDebitIndicator::Debit, None) => LineOutcome::Settled,
        (EntryStatus::Booked, CreditDebitIndicator::Credit, Some(_)) => LineOutcome::Returned,
        (EntryStatus::Pending, CreditDebitIndicator::Debit, None) => LineOutcome::Accepted,
        (_, _, _) => LineOutcome::Other,
    };
    let day = entry
        .booking_date()
        .or_else(|| entry.value_date())
        .and_then(calendar);
    let about = match detail {
        Some(detail) => end_to_end(detail.end_to_end_id.as_deref()),
        None => whole_file(entry),
    };
    Ok(StatementLine {
        amount: reported.and_then(money),
        direction: Some(if is_debit {
            Direction::Debit
        } else {
            Direction::Credit
        }),
        reason: returned.map(|code| LineReason {
            code: said(code),
            text: said(
                detail
                    .and_then(|detail| detail.return_additional_info.as_deref())
                    .unwrap_or_default(),
            ),
        }),
        bank_reference: entry.account_servicer_ref.as_deref().map(said),
        ..line(about, outcome, day)
    })
}

/// Banks may book a file as one entry, which then repeats the message's id and names no payment.
fn whole_file(entry: &CashEntry) -> About {
    let id = entry.batch.as_ref().and_then(|batch| {
        let id = batch.message_id.as_deref();
        id.or(batch.payment_info_id.as_deref())
    });
    match id.map(str::trim) {
        None | Some("" | NOT_PROVIDED) => About::Unknown,
        Some(id) => About::Message(said(id)),
    }
}

fn line(about: About, outcome: LineOutcome, day: Option<NaiveDate>) -> StatementLine {
    StatementLine {
        place: 0,
        about,
        account: None,
        amount: None,
        direction: None,
        day,
        outcome,
        reason: None,
        correction: None,
        bank_reference: None,
    }
}

fn end_to_end(id: Option<&str>) -> About {
    match id.map(str::trim) {
        None | Some("" | NOT_PROVIDED) => About::Unknown,
        Some(id) => About::EndToEnd(said(id)),
    }
}

fn money(reported: &ReportedAmount) -> Option<Money> {
    amount(reported.amount_raw.as_deref(), reported.currency.as_deref())
}

/// An amount with its sign, debits negative; none unless the bank says all of it. Unlike a payment it may be zero.
fn signed(reported: &ReportedAmount) -> Option<Money> {
    let zero = reported.ct.filter(|ct| *ct == 0);
    let currency: Currency = reported.currency.as_deref()?.parse().ok()?;
    let positive = match zero {
        Some(_) => Money::new(currency, 0),
        None => money(reported)?,
    };
    let is_debit = reported.direction? == CreditDebitIndicator::Debit;
    let minor = if is_debit {
        -positive.minor
    } else {
        positive.minor
    };
    Some(Money::new(currency, minor))
}

/// An amount as the bank writes it: zeros after the currency's decimals mean nothing, other digits there would.
fn amount(text: Option<&str>, currency: Option<&str>) -> Option<Money> {
    let currency: Currency = currency?.parse().ok()?;
    let text = text?.trim();
    let text = match text.split_once('.') {
        Some((whole, fraction)) => {
            let fraction = fraction.trim_end_matches('0');
            if fraction.is_empty() {
                whole.to_owned()
            } else {
                format!("{whole}.{fraction}")
            }
        }
        None => text.to_owned(),
    };
    Money::parse(currency, &text).ok()
}

fn calendar(day: IsoDate) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(day.year().into(), day.month().into(), day.day().into())
}
