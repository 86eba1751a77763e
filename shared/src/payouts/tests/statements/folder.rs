//! Statements in the folder, and files that are none.

use std::fs;

use super::written::{camt, pain002};
use super::*;

impl Bank {
    fn put(&self, name: &str, text: &str) {
        let inbox = self.root.join("inbox");
        fs::create_dir_all(&inbox).expect("a folder");
        fs::write(inbox.join(name), text).expect("written");
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root.join(folder)).expect("a folder");
        let name = |entry: std::io::Result<fs::DirEntry>| {
            let name = entry.expect("an entry").file_name();
            name.into_string().expect("a name")
        };
        entries.map(name).collect()
    }

    async fn waiting_names(&self) -> Vec<String> {
        waiting_files(&self.world.ctx(), &self.world.carriers)
            .await
            .expect("listed")
    }

    async fn took(&self, name: &str) -> FolderFile {
        let world = &self.world;
        take_file(&world.db, &world.ctx(), &world.carriers, name)
            .await
            .expect("no fault of ours")
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_file_in_the_folder_is_taken_once_and_only_when_it_is_whole(pool: PgPool) {
    let bank = Bank::new(pool);
    let (_, payouts) = bank.sent(&["ada"]).await;
    let text = pain002("A1", &bank.today(), &[(payouts[0], "ACSC", "")]);
    // what happens in the test happens now, and the world's clock is ahead of it
    let here = Bank::new(bank.world.pool.clone());
    here.put("answer.xml", &text);
    assert_eq!(
        here.waiting_names().await,
        [""; 0],
        "it may not be whole yet"
    );
    here.world.clock.advance(Duration::minutes(2));
    assert_eq!(here.waiting_names().await, ["answer.xml"]);
    let FolderFile::Taken(id) = here.took("answer.xml").await else {
        panic!("taken")
    };
    assert_eq!(here.took("answer.xml").await, FolderFile::NotReady);
    assert_eq!(here.names("inbox"), [""; 0]);
    assert_eq!(here.names("taken").len(), 1);
    here.matched(id).await;
    assert_eq!(bank.state(payouts[0]).await, PayoutState::Completed);
    // under another name, and as after a crash before it was put away
    here.put("again.xml", &text);
    assert_eq!(here.took("again.xml").await, FolderFile::Taken(id));
    let statements: i64 = sqlx::query_scalar("select count(*) from payout_statements")
        .fetch_one(&bank.world.pool)
        .await
        .expect("counted");
    assert_eq!(statements, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_no_statement_is_refused_with_what_is_wrong(pool: PgPool) {
    let bank = Bank::new(pool);
    let whole = camt("camt.053", "S1", &bank.today(), None, "");
    let bomb = whole.replacen(
        "<Document",
        "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><Document",
        1,
    );
    let cut = &whole[..whole.len() - 20];
    for (text, words) in [
        ("a letter", "neither pain.002"),
        (cut, "camt.053 cannot be read"),
        (&bomb, "camt.053 cannot be read"),
    ] {
        let refused = bank.taken_by(&bank.world.by("treasurer"), text).await;
        let refused = refused.expect_err("refused").to_string();
        assert!(refused.contains(words), "{refused}");
    }
    bank.put("letter.txt", "a letter");
    for _ in 0..2 {
        let FolderFile::Refused(why) = bank.took("letter.txt").await else {
            panic!("refused")
        };
        assert!(why.contains("neither pain.002"), "{why}");
        bank.put("letter.txt", "a letter");
    }
    assert_eq!(bank.names("refused").len(), 2, "the file and why");
    let mut conn = bank.world.pool.acquire().await.expect("a connection");
    let page = PageRequest::default();
    let listed = list_statements(&mut conn, &bank.world.ctx(), &page).await;
    let [refused] = &listed.expect("listed").items[..] else {
        panic!("one")
    };
    assert_eq!(refused.state, StatementState::Refused);
    assert!(refused.failure.is_some());
}
