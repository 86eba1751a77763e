//! Payouts in files: what goes into one, and that it is handed over once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rs_ach::AchFile;
use uuid::Uuid;

use super::*;
use crate::config::PayoutFiles;
use crate::kernel::PageRequest;
use crate::payouts::batches::{note_answer, prepare};
use crate::payouts::begin::{self, Draft};
use crate::payouts::eligibility::{Case, judge};
use crate::providers::payout::drop_folder::DropFolder;
use crate::providers::payout::files::nacha::NachaOrigin;
use crate::providers::payout::files::sepa::{SepaAccount, SepaDebtor};
use crate::providers::payout::{PayoutProvider, Refusal, Submission};

const IBAN: &str = "NL91ABNA0417164300";

/// A world whose bank transfers and cheques go to a folder, which is removed with it.
pub(super) struct Bank {
    pub(super) world: World,
    pub(super) root: PathBuf,
}

impl Drop for Bank {
    fn drop(&mut self) {
        // there is none before the first file
        if self.root.exists() {
            std::fs::remove_dir_all(&self.root).expect("removed");
        }
    }
}

fn files(root: PathBuf, debtor: &str) -> PayoutFiles {
    let bank = |digits: &str| digits.parse().expect("a routing number");
    PayoutFiles {
        folder: root,
        sepa: Some(SepaDebtor {
            name: debtor.to_owned(),
            account: SepaAccount::parse("DE89370400440532013000", None).expect("an account"),
        }),
        nacha: Some(NachaOrigin {
            destination: bank("021000021"),
            destination_name: "First Bank".into(),
            origin: "1234567890".into(),
            origin_name: "Platform Inc".into(),
            originating_bank: bank("011401533"),
            company_name: "Platform Inc".into(),
            company_id: "1234567890".into(),
        }),
        cheque_drawer: Some("Platform Inc".into()),
    }
}

pub(super) fn iban() -> PayoutAccount {
    PayoutAccount::Iban {
        iban: IBAN.to_owned(),
        bic: None,
    }
}

pub(super) fn us_account(number: &str) -> PayoutAccount {
    PayoutAccount::UsAccount {
        routing_number: "021000021".to_owned(),
        account_number: number.to_owned(),
        account_type: UsAccountType::Savings,
    }
}

impl Bank {
    pub(super) fn new(pool: PgPool) -> Self {
        let root = std::env::temp_dir().join(format!("bank-{}", Uuid::now_v7().simple()));
        let mut world = World::new(pool);
        world.carriers = world
            .carriers
            .with_files(files(root.clone(), "Platform GmbH"));
        Self { world, root }
    }

    /// A creator with 5,000.00 and a verified account, which has not cooled.
    pub(super) async fn fresh(
        &self,
        name: &str,
        currency: Currency,
        account: PayoutAccount,
    ) -> CreatorId {
        let world = &self.world;
        let called = name.split(' ').next().unwrap_or(name);
        let id = testing::payable_creator(&world.pool, "girlfanz", called).await;
        let ctx = world.ctx();
        let legs = [
            Leg::debit(
                Account::platform(AccountCode::FanReceipts, currency),
                500_000,
            ),
            Leg::credit(
                Account::creator(id, AccountCode::CreatorAvailable, currency),
                500_000,
            ),
        ];
        let gift = NewTransfer::posting(
            TransferId::at(ctx.now()),
            TransferKind::Earning,
            ctx.now(),
            legs,
        );
        let payee = Payee {
            holder: name.to_owned(),
            account,
        };
        let mut tx = world.pool.begin().await.expect("begun");
        ledger::post(&mut tx, &ctx, &[gift]).await.expect("posted");
        let (to, _) = add_destination(&mut tx, &world.by("clerk"), &world.carriers, id, payee)
            .await
            .expect("entered");
        let seen = Some("a statement was seen");
        let auditor = world.by("auditor");
        decide_destination(&mut tx, &auditor, id, to.id, Verdict::Verified, seen)
            .await
            .expect("verified");
        tx.commit().await.expect("committed");
        id
    }

    pub(super) fn cool(&self) {
        self.world.clock.advance(Duration::days(COOLED));
    }

    pub(super) async fn scheduled(
        &self,
        of: CreatorId,
        method: PayoutMethod,
        currency: Currency,
        amount: &str,
    ) -> PayoutId {
        let new = NewPayout {
            creator: of,
            amount: amount.to_owned(),
            currency,
            method,
            destination: None,
        };
        let mut tx = self.world.pool.begin().await.expect("begun");
        let payout = request(&mut tx, &self.world.ctx(), &new)
            .await
            .expect("asked");
        tx.commit().await.expect("committed");
        assert_eq!(payout.state, PayoutState::Scheduled);
        payout.id
    }

    /// One scheduled payout of a hundred.
    pub(super) async fn euros(&self, name: &str) -> PayoutId {
        let id = self.fresh(name, Currency::EUR, iban()).await;
        self.cool();
        self.scheduled(id, PayoutMethod::BankTransfer, Currency::EUR, "100")
            .await
    }

    pub(super) async fn write(&self, format: BatchFormat) -> WriteStep {
        let mut tx = self.world.pool.begin().await.expect("begun");
        let step = write_step(&mut tx, &self.world.ctx(), &self.world.carriers, format)
            .await
            .expect("written");
        tx.commit().await.expect("committed");
        step
    }

    pub(super) async fn waiting(&self, format: BatchFormat) -> Option<BatchId> {
        let mut conn = self.world.pool.acquire().await.expect("a connection");
        next_batch(&mut conn, format).await.expect("read")
    }

    pub(super) async fn hand_over(&self, id: BatchId) -> Result<HandOver, PayoutError> {
        hand_over_batch(&self.world.db, &self.world.ctx(), &self.world.carriers, id).await
    }

    pub(super) async fn written(&self, format: BatchFormat) -> Batch {
        self.write(format).await.batch.expect("a file")
    }

    /// Where the file's payouts stand.
    pub(super) async fn states(&self, id: BatchId) -> BTreeMap<PayoutState, i64> {
        let mut conn = self.world.pool.acquire().await.expect("a connection");
        let shown = show_batch(&mut conn, &self.world.ctx(), id).await;
        shown.expect("there").states
    }

    pub(super) async fn state(&self, id: PayoutId) -> PayoutState {
        self.world.shown(id).await.payout.state
    }

    pub(super) async fn trace(&self, id: PayoutId) -> Option<String> {
        sqlx::query_scalar("select trace from payouts where id = $1")
            .bind(id.uuid())
            .fetch_one(&self.world.pool)
            .await
            .expect("read")
    }

    pub(super) fn outbox(&self) -> Vec<(String, Vec<u8>)> {
        let Ok(entries) = std::fs::read_dir(self.root.join("outbox")) else {
            return Vec::new();
        };
        let mut found: Vec<_> = entries
            .map(|entry| {
                let path = entry.expect("an entry").path();
                let name = path.file_name().and_then(|name| name.to_str());
                let name = name.expect("a name").to_owned();
                (name, std::fs::read(path).expect("read"))
            })
            .collect();
        found.sort_unstable();
        found
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_sepa_file_has_who_may_be_paid_and_the_others_are_held_with_the_reason(pool: PgPool) {
    let bank = Bank::new(pool);
    let world = &bank.world;
    let long =
        "dora Of A Name That Is So Much Longer Than What Fits The Field Of A Transfer In Euro";
    let mut all = Vec::new();
    for name in ["ada", "bea", "cleo", long] {
        all.push(bank.fresh(name, Currency::EUR, iban()).await);
    }
    bank.cool();
    let mut payouts = Vec::new();
    for id in &all {
        let one = bank.scheduled(*id, PayoutMethod::BankTransfer, Currency::EUR, "100");
        payouts.push(one.await);
    }
    let mut tx = world.pool.begin().await.expect("begun");
    crate::creators::suspend(&mut tx, &world.ctx(), all[1], None, "fraud?", 0)
        .await
        .expect("suspended");
    let to = world.shown(payouts[2]).await.payout.destination;
    retire_destination(&mut tx, &world.ctx(), all[2], to)
        .await
        .expect("retired");
    tx.commit().await.expect("committed");

    let step = bank.write(BatchFormat::Pain001).await;
    assert_eq!(step.held, 3);
    let batch = step.batch.expect("a file");
    assert_eq!((batch.payouts, batch.total_minor), (1, 9_750));
    assert_eq!(
        bank.hand_over(batch.id).await.expect("handed over"),
        HandOver::Stands(BatchState::HandedOver)
    );
    for (payout, words) in [
        (payouts[1], "not active"),
        (payouts[2], "not verified"),
        (payouts[3], "cannot be in a file"),
    ] {
        let shown = world.shown(payout).await;
        assert_eq!(shown.payout.state, PayoutState::ComplianceHold);
        let why = shown.payout.attention.unwrap_or_default();
        assert!(why.contains(words), "{why}");
        let last = shown.events.last().expect("steps");
        assert_eq!(last.reason.as_deref(), Some(why.as_str()));
    }
    let shown = world.shown(payouts[0]).await;
    let states: Vec<PayoutState> = shown.events.iter().map(|event| event.to).collect();
    let tail = [
        PayoutState::Scheduled,
        PayoutState::Batched,
        PayoutState::Submitted,
        PayoutState::InTransit,
    ];
    assert_eq!(states[states.len() - 4..], tail);
    assert_eq!(shown.payout.provider.as_deref(), Some("drop-folder"));
    assert_eq!(shown.payout.next_step_at, None, "a folder is not asked");
    let [(name, bytes)] = &bank.outbox()[..] else {
        panic!("one file")
    };
    assert_eq!(*name, batch.file_name);
    assert_eq!(i64::try_from(bytes.len()), Ok(batch.size_bytes));
    let text = String::from_utf8_lossy(bytes);
    let id = InstructionId::from(payouts[0].uuid());
    assert!(text.contains(&format!("<EndToEndId>{id}</EndToEndId>")));
    assert!(text.contains("<CtrlSum>97.50</CtrlSum>"));
    assert_eq!(bank.trace(payouts[0]).await, Some(id.to_string()));
    // nothing is left to do
    assert!(bank.write(BatchFormat::Pain001).await.is_nothing());
    assert_eq!(bank.waiting(BatchFormat::Pain001).await, None);
    world.holds().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_ach_file_is_read_back_and_its_numbers_go_on_with_the_next(pool: PgPool) {
    let bank = Bank::new(pool);
    let ada = bank
        .fresh("ada", Currency::USD, us_account("1234567"))
        .await;
    bank.cool();
    let mut sequence = 0;
    for count in [2, 1] {
        let mut payouts = Vec::new();
        for _ in 0..count {
            let one = bank.scheduled(ada, PayoutMethod::BankTransfer, Currency::USD, "100");
            payouts.push(one.await);
        }
        let batch = bank.written(BatchFormat::Nacha).await;
        bank.hand_over(batch.id).await.expect("handed over");
        let outbox = bank.outbox();
        let (_, bytes) = outbox
            .iter()
            .find(|(name, _)| *name == batch.file_name)
            .expect("there");
        let text = String::from_utf8_lossy(bytes);
        let read = AchFile::parse(&text).expect("readable");
        assert_eq!(
            read.batches[0].header.standard_entry_class_code, "PPD",
            "people"
        );
        for (payout, entry) in payouts.iter().zip(&read.batches[0].entries) {
            sequence += 1;
            assert_eq!(entry.trace_number, format!("01140153{sequence:07}"));
            assert_eq!(
                bank.trace(*payout).await.as_deref(),
                Some(entry.trace_number)
            );
            assert_eq!(entry.amount, 9_750);
        }
        assert_eq!(read.batches[0].entries.len(), count);
    }
    let letters: Vec<char> = bank
        .outbox()
        .iter()
        .filter_map(|(_, bytes)| char::from_u32(u32::from(bytes[33])))
        .collect();
    assert_eq!(letters, ['A', 'B'], "two files of one day");
}

#[sqlx::test(migrations = "../migrations")]
async fn cheques_are_printed_with_numbers_that_go_on(pool: PgPool) {
    let bank = Bank::new(pool);
    sqlx::query("update payout_methods set country = '*' where method = 'check'")
        .execute(&bank.world.pool)
        .await
        .expect("updated");
    let home = PayoutAccount::Postal {
        lines: vec!["1 Example Street".into(), "Springfield".into()],
    };
    let ada = bank.fresh("ada", Currency::USD, home).await;
    bank.cool();
    for number in ["1", "2"] {
        let one = bank
            .scheduled(ada, PayoutMethod::Check, Currency::USD, "105")
            .await;
        let batch = bank.written(BatchFormat::ChequePdf).await;
        bank.hand_over(batch.id).await.expect("handed over");
        assert_eq!(bank.trace(one).await.as_deref(), Some(number));
        assert_eq!(bank.state(one).await, PayoutState::InTransit);
    }
    assert_eq!(bank.outbox().len(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn who_dies_at_any_step_leaves_one_file_with_each_payout_once(pool: PgPool) {
    let bank = Bank::new(pool);
    let world = &bank.world;
    let payout = bank.euros("ada").await;
    // dead before the first transaction ends
    let mut tx = world.pool.begin().await.expect("begun");
    let lost = write_step(&mut tx, &world.ctx(), &world.carriers, BatchFormat::Pain001).await;
    assert!(lost.expect("written").batch.is_some());
    tx.rollback().await.expect("gone");
    assert_eq!(bank.state(payout).await, PayoutState::Scheduled);
    // dead before the file is put there
    let batch = bank.written(BatchFormat::Pain001).await;
    assert_eq!(bank.state(payout).await, PayoutState::Batched);
    assert!(bank.outbox().is_empty());
    assert!(
        bank.write(BatchFormat::Pain001).await.is_nothing(),
        "it is in a file already"
    );
    assert_eq!(bank.waiting(BatchFormat::Pain001).await, Some(batch.id));
    // dead before that is noted
    world.clock.advance(Duration::hours(1));
    let mut tx = world.pool.begin().await.expect("begun");
    let prepared = prepare(&mut tx, &world.carriers, batch.id).await;
    let (_, instruction) = prepared.expect("made again").expect("to be handed over");
    tx.commit().await.expect("committed");
    let folder = DropFolder::open(&bank.root).expect("a folder");
    let put = folder.submit(&instruction, world.clock.now()).await;
    assert!(matches!(put, Submission::Accepted { .. }), "{put:?}");
    assert_eq!(bank.state(payout).await, PayoutState::Batched);
    let first = bank.outbox();
    // the bank takes it, and the job runs again
    std::fs::remove_file(bank.root.join("outbox").join(&first[0].0)).expect("taken");
    world.clock.advance(Duration::hours(1));
    assert_eq!(
        bank.hand_over(batch.id).await.expect("handed over"),
        HandOver::Stands(BatchState::HandedOver)
    );
    assert!(bank.outbox().is_empty(), "it is not put there twice");
    // dead after that
    assert_eq!(
        bank.hand_over(batch.id).await.expect("nothing"),
        HandOver::Nothing
    );
    assert_eq!(
        bank.states(batch.id).await,
        BTreeMap::from([(PayoutState::InTransit, 1)])
    );
    assert_eq!(world.shown(payout).await.payout.submissions, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_file_that_comes_out_another_is_not_handed_over(pool: PgPool) {
    let mut bank = Bank::new(pool);
    let payout = bank.euros("ada").await;
    let batch = bank.written(BatchFormat::Pain001).await;
    let settings = |bank: &mut Bank, debtor: &str| {
        let files = files(bank.root.clone(), debtor);
        bank.world.carriers = bank.world.carriers.clone().with_files(files);
    };
    settings(&mut bank, "Somebody Else");
    let refused = bank.hand_over(batch.id).await;
    assert!(
        matches!(refused, Err(PayoutError::FileChanged(id)) if id == batch.id),
        "{refused:?}"
    );
    assert!(bank.outbox().is_empty());
    assert_eq!(bank.state(payout).await, PayoutState::Batched);
    settings(&mut bank, "Platform GmbH");
    bank.hand_over(batch.id).await.expect("handed over");
    assert_eq!(bank.state(payout).await, PayoutState::InTransit);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_first_refusal_gives_the_payouts_back_and_a_later_one_leaves_a_question(pool: PgPool) {
    let bank = Bank::new(pool);
    let world = &bank.world;
    let payout = bank.euros("ada").await;
    for (attempts, state) in [(1, PayoutState::Scheduled), (2, PayoutState::Unknown)] {
        let batch = bank.written(BatchFormat::Pain001).await;
        let mut tx = world.pool.begin().await.expect("begun");
        for _ in 0..attempts {
            let made = prepare(&mut tx, &world.carriers, batch.id).await;
            assert!(made.expect("made").is_some());
        }
        let refusal = Submission::Refused {
            refusal: Refusal::new("name-reused", "another file of this name was handed over"),
            is_final: true,
        };
        let done = note_answer(&mut tx, &world.ctx(), batch.id, "drop-folder", refusal).await;
        assert_eq!(done.expect("noted"), HandOver::Stands(BatchState::Failed));
        tx.commit().await.expect("committed");
        assert_eq!(bank.state(payout).await, state);
    }
    // somebody looks at the bank's account and decides
    let mut tx = world.pool.begin().await.expect("begun");
    let by = world.by("finn");
    let why = "not on the statement";
    let done = resolve(&mut tx, &by, payout, None, Finding::Failed, why).await;
    assert_eq!(done.expect("resolved").state, PayoutState::Failed);
    tx.commit().await.expect("committed");
    world.holds().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn only_what_can_be_written_is_offered(pool: PgPool) {
    let mut bank = Bank::new(pool);
    let mut only = files(bank.root.clone(), "Platform GmbH");
    only.nacha = None;
    only.cheque_drawer = None;
    bank.world.carriers = bank.world.carriers.clone().with_files(only);
    let world = &bank.world;
    let mut conn = world.pool.acquire().await.expect("a connection");
    let offers = methods(&mut conn, &world.ctx(), &world.carriers, None).await;
    let transfers: Vec<Currency> = offers
        .expect("offers")
        .into_iter()
        .filter(|offer| offer.terms.method == PayoutMethod::BankTransfer)
        .map(|offer| offer.terms.currency)
        .collect();
    assert_eq!(transfers, [Currency::EUR]);
    assert_eq!(world.carriers.formats(), [BatchFormat::Pain001]);
    let refused = write_step(&mut conn, &world.ctx(), &world.carriers, BatchFormat::Nacha).await;
    assert!(
        matches!(
            refused,
            Err(PayoutError::NoProvider(PayoutMethod::BankTransfer))
        ),
        "{refused:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn two_thousand_payouts_go_out_in_one_file(pool: PgPool) {
    const CHUNKS: usize = 4;
    let bank = Bank::new(pool);
    let world = &bank.world;
    sqlx::query("update payout_limits set day_max_count = 10000, day_max_minor = 1000000000")
        .execute(&world.pool)
        .await
        .expect("updated");
    let ada = bank.fresh("ada", Currency::EUR, iban()).await;
    let legs = [
        Leg::debit(
            Account::platform(AccountCode::FanReceipts, Currency::EUR),
            100_000_000,
        ),
        Leg::credit(
            Account::creator(ada, AccountCode::CreatorAvailable, Currency::EUR),
            100_000_000,
        ),
    ];
    bank.cool();
    let ctx = world.ctx();
    let mut tx = world.pool.begin().await.expect("begun");
    let rich = NewTransfer::posting(
        TransferId::at(ctx.now()),
        TransferKind::Earning,
        ctx.now(),
        legs,
    );
    ledger::post(&mut tx, &ctx, &[rich]).await.expect("posted");
    let creator = crate::creators::get(&mut tx, ada).await.expect("there");
    let amount = Money::new(Currency::EUR, 10_000);
    let method = PayoutMethod::BankTransfer;
    let case = judge(&mut tx, &ctx, &creator, amount, method, None)
        .await
        .expect("nothing against it");
    for _ in 0..CHUNKS {
        let drafts: Vec<Draft> = (0..500)
            .map(|_| {
                let case = Case {
                    terms: case.terms.clone(),
                    limits: case.limits.clone(),
                    destination: case.destination.clone(),
                };
                Draft::of(&creator, amount, case, None)
            })
            .collect();
        begin::many(&mut tx, &ctx, &drafts).await.expect("begun");
    }
    tx.commit().await.expect("committed");
    let batch = bank.written(BatchFormat::Pain001).await;
    assert_eq!((batch.payouts, batch.total_minor), (2_000, 2_000 * 9_750));
    bank.hand_over(batch.id).await.expect("handed over");
    assert_eq!(
        bank.states(batch.id).await,
        BTreeMap::from([(PayoutState::InTransit, 2_000)])
    );
    let [(_, bytes)] = &bank.outbox()[..] else {
        panic!("one file")
    };
    let text = String::from_utf8_lossy(bytes);
    assert_eq!(text.matches("<EndToEndId>").count(), 2_000);
    let steps: (i64, i64) = sqlx::query_as(
        "select count(*), count(distinct (payout_id, seq)) from payout_events where to_state in ('batched', 'submitted', 'in_transit')",
    )
    .fetch_one(&world.pool)
    .await
    .expect("counted");
    assert_eq!(steps, (6_000, 6_000));
    let mut conn = world.pool.acquire().await.expect("a connection");
    let page = list_batches(&mut conn, &ctx, &PageRequest::default()).await;
    assert_eq!(page.expect("a page").items.len(), 1);
}
