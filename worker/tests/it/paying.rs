//! The product's own handlers of payouts, from an enqueued job to the state it leaves, over servers that speak the
//! providers' languages and misbehave as they are told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::Duration;
use secrecy::ExposeSecret;
use shared::config::Config;
use shared::creators::CreatorId;
use shared::kernel::money::{Currency, Money};
use shared::kernel::{Clock, TypedId};
use shared::ledger::{self, AccountCode};
use shared::payouts::{
    self, BatchFormat, BatchPayouts, Carriers, Frequency, NewPayout, NewSchedule, Payee,
    PayoutAccount, PayoutId, PayoutMethod, RunPayouts, SweepPayouts,
};
use shared::providers::payout::crypto::{Asset, Network};
use shared::providers::payout::test_servers::{
    Counterpart, Dialect, Fault, PayPalServer, SECRET, SignedServer,
};
use shared::providers::payout::{InstructionId, PayoutStatus};
use shared::queue::NewJob;
use shared::testing;
use sqlx::PgPool;
use uuid::Uuid;
use worker::lifecycle::Worker;

use crate::stage::{Stage, config, ctx, eventually};

/// What each creator here has, in minor units.
const PURSE: i64 = 100_000;
/// What a payout takes of it.
const GROSS: i64 = 20_000;
/// What its creator gets by a wallet, after 2 %.
const NET: &str = "196.00";
/// And in cryptocurrency, after 1 %.
const NET_OF_CRYPTO: &str = "198.00";

/// Providers that a worker is connected to, and a folder that goes with them.
struct World {
    stage: Stage,
    servers: Vec<(PayoutMethod, Box<dyn Counterpart>)>,
    carriers: Carriers,
    config: Config,
    folder: PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        // there is none before the first file
        if self.folder.exists() {
            std::fs::remove_dir_all(&self.folder).expect("removed");
        }
    }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn account(method: PayoutMethod, name: &str) -> PayoutAccount {
    let email = format!("{name}@pay.example");
    match method {
        PayoutMethod::Paxum => PayoutAccount::Paxum { email },
        PayoutMethod::Paypal => PayoutAccount::Paypal { email },
        PayoutMethod::Cryptocurrency => PayoutAccount::Crypto {
            asset: Asset::Usdc,
            network: Network::Ethereum,
            // one of each name's own
            address: format!("0x{:0>40}", hex(name)),
        },
        PayoutMethod::BankTransfer => PayoutAccount::Iban {
            iban: "NL91ABNA0417164300".to_owned(),
            bic: None,
        },
        PayoutMethod::Check => PayoutAccount::Postal {
            lines: ["1 Example Street", "Springfield"]
                .map(str::to_owned)
                .into(),
        },
    }
}

impl World {
    async fn new(pool: PgPool) -> Self {
        let paxum = SignedServer::start(Dialect::Paxum).await;
        let custody = SignedServer::start(Dialect::Custody).await;
        let paypal = PayPalServer::start().await;
        let folder = std::env::temp_dir().join(format!("bank-{}", Uuid::now_v7().simple()));
        let own = |text: &str| text.to_owned();
        let variables = [
            ("PAYOUT_TIMEOUT_SECONDS", own("1")),
            ("PAXUM_URL", paxum.url()),
            ("PAXUM_ACCOUNT", own("590900")),
            ("PAXUM_API_KEY", own("key")),
            ("PAXUM_API_SECRET", own(SECRET)),
            ("PAYPAL_URL", paypal.url()),
            ("PAYPAL_CLIENT_ID", own("client")),
            ("PAYPAL_CLIENT_SECRET", own("secret")),
            ("PAYPAL_WEBHOOK_ID", own("webhook-of-tests")),
            ("CUSTODY_URL", custody.url()),
            ("CUSTODY_API_KEY", own("key")),
            ("CUSTODY_API_SECRET", own(SECRET)),
            ("PAYOUT_DROP_FOLDER", folder.display().to_string()),
            ("SEPA_DEBTOR_NAME", own("Platform GmbH")),
            ("SEPA_DEBTOR_IBAN", own("DE89370400440532013000")),
            ("CHEQUE_DRAWER", own("Platform Inc")),
        ];
        let servers: Vec<(PayoutMethod, Box<dyn Counterpart>)> = vec![
            (PayoutMethod::Paxum, Box::new(paxum)),
            (PayoutMethod::Paypal, Box::new(paypal)),
            (PayoutMethod::Cryptocurrency, Box::new(custody)),
        ];
        let said: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let config = config(&said);
        let key = config.secrets.encryption.expose_secret();
        Self {
            stage: Stage::new(pool),
            servers,
            carriers: Carriers::connect(&config.payouts, key),
            config,
            folder,
        }
    }

    fn worker(&self) -> (Worker, Clock) {
        self.stage.product_of(&self.config)
    }

    fn server(&self, method: PayoutMethod) -> &dyn Counterpart {
        let found = self.servers.iter().find(|(of, _)| *of == method);
        found.expect("connected").1.as_ref()
    }

    /// A creator with [`PURSE`], whose account was entered four days ago.
    async fn payee(&self, name: &str, method: PayoutMethod, currency: Currency) -> CreatorId {
        let id = testing::payable_creator(&self.stage.pool, "girlfanz", name).await;
        let then = Clock::system();
        then.advance(-Duration::days(4));
        let payee = Payee {
            holder: name.to_owned(),
            account: account(method, name),
        };
        self.stage
            .doing(async |tx, ctx| {
                testing::earn(tx, ctx, id, Money::new(currency, PURSE)).await;
                testing::destination(tx, &then, &self.carriers, id, payee).await;
            })
            .await;
        id
    }

    async fn asked(&self, of: CreatorId, method: PayoutMethod, currency: Currency) -> PayoutId {
        let new = NewPayout {
            creator: of,
            amount: Money::new(currency, GROSS).decimal(),
            currency,
            method,
            destination: None,
        };
        self.stage
            .doing(async |tx, ctx| payouts::request(tx, ctx, &new).await.unwrap().id)
            .await
    }

    /// One payout of a creator of its own.
    async fn one(&self, name: &str, method: PayoutMethod) -> PayoutId {
        let of = self.payee(name, method, Currency::USD).await;
        self.asked(of, method, Currency::USD).await
    }

    /// Waits until a payout stands somewhere; what its jobs enqueue is done, too.
    async fn reaches(&self, id: PayoutId, state: &str) {
        eventually(&format!("{id} is {state}"), || async {
            self.stage.adopt().await;
            (self.state(id).await == state).then_some(())
        })
        .await;
    }

    async fn state(&self, id: PayoutId) -> String {
        sqlx::query_scalar("select state from payouts where id = $1")
            .bind(id.uuid())
            .fetch_one(&self.stage.pool)
            .await
            .unwrap()
    }

    /// A quarter of an hour passes for the worker, and it looks for what is due.
    async fn a_while_later(&self, clock: &Clock) {
        clock.advance(Duration::minutes(16));
        let sweep = NewJob::of(&SweepPayouts {}).unwrap();
        let id = self.stage.put_one(sweep).await;
        self.stage.reaches(id, "completed").await;
        self.stage.adopt().await;
    }

    /// The ledger holds, and all payouts fit it.
    async fn holds(&self) {
        let mut conn = self.stage.pool.acquire().await.unwrap();
        let beside = payouts::check(&mut conn).await.unwrap();
        drop(conn);
        ledger::check_with(self.stage.db(), &ctx(), beside)
            .await
            .unwrap();
    }

    /// What the provider paid of a payout: how often, and how much.
    fn paid(&self, method: PayoutMethod, id: PayoutId) -> Vec<String> {
        let id = InstructionId::from(id.uuid());
        let paid = self.server(method).book().paid().into_iter();
        paid.filter(|one| one.id == id.as_str())
            .map(|one| one.amount)
            .collect()
    }
}

const WALLETS: [(PayoutMethod, &str); 3] = [
    (PayoutMethod::Paxum, "ada"),
    (PayoutMethod::Paypal, "bea"),
    (PayoutMethod::Cryptocurrency, "cleo"),
];

#[sqlx::test(migrations = "../migrations")]
async fn a_payout_goes_out_when_it_is_asked_for_and_is_completed_when_the_provider_says_so(
    pool: PgPool,
) {
    let world = World::new(pool).await;
    let (worker, clock) = world.worker();
    let mut all = Vec::new();
    for (method, name) in WALLETS {
        all.push((method, world.one(name, method).await));
    }
    for (method, id) in &all {
        world.reaches(*id, "in_transit").await;
        let is_crypto = *method == PayoutMethod::Cryptocurrency;
        let expected = if is_crypto { NET_OF_CRYPTO } else { NET };
        assert_eq!(world.paid(*method, *id), [expected], "{method}");
        let there = InstructionId::from(id.uuid());
        let book = world.server(*method).book();
        book.set_status(&there, PayoutStatus::Completed);
    }
    world.a_while_later(&clock).await;
    for (_, id) in &all {
        world.reaches(*id, "completed").await;
    }
    world.holds().await;
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn what_has_no_answer_is_asked_about_or_goes_out_again_under_its_id_and_is_paid_once(
    pool: PgPool,
) {
    let world = World::new(pool).await;
    let (worker, clock) = world.worker();
    let mut all = Vec::new();
    for (n, fault) in [
        Fault::SlowAfter,
        Fault::BreakOffAfter,
        Fault::HangUp,
        Fault::ErrorBefore,
    ]
    .into_iter()
    .enumerate()
    {
        for (method, name) in WALLETS {
            world.server(method).book().fault(fault);
            let id = world.one(&format!("{name}{n}"), method).await;
            world.reaches(id, "unknown").await;
            let times = usize::from(fault.keeps());
            assert_eq!(world.paid(method, id).len(), times, "{method} {fault:?}");
            all.push((method, id));
        }
    }
    world.a_while_later(&clock).await;
    for (method, id) in all {
        world.reaches(id, "in_transit").await;
        assert_eq!(world.paid(method, id).len(), 1, "{method} {id}");
    }
    world.holds().await;
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_refused_for_good_fails_and_what_is_refused_for_now_goes_out_later(pool: PgPool) {
    let world = World::new(pool).await;
    let (worker, clock) = world.worker();
    let book = world.server(PayoutMethod::Paxum).book();
    book.fault(Fault::Refuse);
    let failed = world.one("ada", PayoutMethod::Paxum).await;
    world.reaches(failed, "failed").await;
    assert_eq!(world.paid(PayoutMethod::Paxum, failed), [""; 0]);
    book.fault(Fault::RefuseForNow);
    let later = world.one("bea", PayoutMethod::Paxum).await;
    eventually("it was handed over once", || async {
        let tried: i64 = world
            .stage
            .ask("select count(*) from payouts where state = 'scheduled' and submissions = 1")
            .await;
        (tried == 1).then_some(())
    })
    .await;
    world.a_while_later(&clock).await;
    world.reaches(later, "in_transit").await;
    assert_eq!(world.paid(PayoutMethod::Paxum, later), [NET]);
    world.holds().await;
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_schedule_that_is_due_leads_to_a_payout_of_everything(pool: PgPool) {
    let world = World::new(pool).await;
    let (worker, _) = world.worker();
    let ada = world.payee("ada", PayoutMethod::Paxum, Currency::USD).await;
    let then = Clock::system();
    then.advance(-Duration::days(2));
    let daily = NewSchedule {
        currency: Currency::USD,
        method: PayoutMethod::Paxum,
        destination: None,
        frequency: Frequency::Daily,
        threshold: None,
    };
    let run = NewJob::of(&RunPayouts {}).unwrap();
    world
        .stage
        .doing(async |tx, _| {
            let clerk = testing::staff(&then, "clerk");
            payouts::set_schedule(tx, &clerk, ada, &daily)
                .await
                .unwrap();
        })
        .await;
    let job = world.stage.put_one(run).await;
    world.stage.reaches(job, "completed").await;
    let id: Uuid = world.stage.ask("select id from payouts").await;
    // a thousand is what somebody has to approve
    world.reaches(PayoutId::from(id), "awaiting_approval").await;
    let mut conn = world.stage.pool.acquire().await.unwrap();
    let balances = ledger::creator_balances(&mut conn, ada).await.unwrap();
    drop(conn);
    let own = balances
        .iter()
        .find(|(account, _)| account.code == AccountCode::CreatorAvailable);
    assert_eq!(own.unwrap().1.available(), 0);
    world.holds().await;
    worker.drain().await.unwrap();
}

/// How often each payout stands in the files of a folder, by its end-to-end id.
fn in_files(folder: &Path) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder.join("outbox")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for part in text.split("<EndToEndId>").skip(1) {
            let id = part.split('<').next().unwrap().to_owned();
            *found.entry(id).or_default() += 1;
        }
    }
    found
}

#[sqlx::test(migrations = "../migrations")]
async fn two_workers_that_write_files_at_once_hand_each_payout_over_once(pool: PgPool) {
    let world = World::new(pool).await;
    let ada = world
        .payee("ada", PayoutMethod::BankTransfer, Currency::EUR)
        .await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(
            world
                .asked(ada, PayoutMethod::BankTransfer, Currency::EUR)
                .await,
        );
    }
    let (one, _) = world.worker();
    let (other, _) = world.worker();
    world.stage.is_up(&one).await;
    world.stage.is_up(&other).await;
    // a job for every format and one for this one do not wait for each other
    let both = [None, Some(BatchFormat::Pain001)]
        .map(|format| NewJob::of(&BatchPayouts { format }).unwrap());
    world.stage.put(both.into()).await;
    for id in &all {
        world.reaches(*id, "in_transit").await;
    }
    let found = in_files(&world.folder);
    let expected = all
        .iter()
        .map(|id| (InstructionId::from(id.uuid()).to_string(), 1));
    assert_eq!(found, expected.collect::<BTreeMap<_, _>>());
    world.holds().await;
    one.drain().await.unwrap();
    other.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_format_whose_file_cannot_be_handed_over_does_not_hold_up_the_others(pool: PgPool) {
    let world = World::new(pool).await;
    world
        .stage
        .run("update payout_methods set country = '*' where method = 'check'")
        .await;
    let ada = world
        .payee("ada", PayoutMethod::BankTransfer, Currency::EUR)
        .await;
    let bea = world.payee("bea", PayoutMethod::Check, Currency::USD).await;
    let euros = world
        .asked(ada, PayoutMethod::BankTransfer, Currency::EUR)
        .await;
    let cheque = world.asked(bea, PayoutMethod::Check, Currency::USD).await;
    // somebody else paid when the file was written: made again, it is another one
    let mut other = world.config.payouts.clone();
    let debtor = other.files.as_mut().and_then(|files| files.sepa.as_mut());
    debtor.unwrap().name = "Another GmbH".to_owned();
    let key = world.config.secrets.encryption.expose_secret();
    let carriers = Carriers::connect(&other, key);
    world
        .stage
        .doing(async |tx, ctx| {
            let step = payouts::write_step(tx, ctx, &carriers, BatchFormat::Pain001).await;
            assert!(step.unwrap().batch.is_some());
        })
        .await;
    let (worker, _) = world.worker();
    let batch = NewJob::of(&BatchPayouts { format: None }).unwrap();
    let job = world.stage.put_one(batch).await;
    world.reaches(cheque, "in_transit").await;
    assert_eq!(world.state(euros).await, "batched");
    eventually("the job says why", || async {
        let said = world.stage.stored(job).await.last_error;
        said.filter(|why| why.contains("comes out different"))
    })
    .await;
    worker.drain().await.unwrap();
}
