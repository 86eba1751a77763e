//! The sink as clients see it: lettre for what senders do, raw lines for what
//! lettre never does, reqwest for the API.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may panic, as the tests themselves may"
)]

use std::net::{Ipv4Addr, SocketAddr};

use lettre::message::MultiPart;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use reqwest::Client;
use serde_json::{Value, json};
use sink::{Options, Server};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

type Mailer = AsyncSmtpTransport<Tokio1Executor>;

struct Sink {
    smtp: SocketAddr,
    http: String,
    client: Client,
}

impl Sink {
    async fn start() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::bind(Options {
            smtp: any,
            http: any,
            keep: 10,
        })
        .await
        .unwrap();
        let smtp = server.smtp_address().unwrap();
        let http = format!("http://{}", server.http_address().unwrap());
        tokio::spawn(server.serve());
        Self {
            smtp,
            http,
            client: Client::new(),
        }
    }

    fn mailer(&self) -> Mailer {
        Mailer::builder_dangerous("127.0.0.1")
            .port(self.smtp.port())
            .build()
    }

    async fn get(&self, path: &str) -> String {
        let response = self
            .client
            .get(format!("{}{path}", self.http))
            .send()
            .await
            .unwrap();
        response.error_for_status().unwrap().text().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await).unwrap()
    }

    async fn break_with(&self, rules: Value) {
        let url = format!("{}/api/faults", self.http);
        let request = self.client.put(url).json(&json!({ "rules": rules }));
        request.send().await.unwrap().error_for_status().unwrap();
    }

    /// Says `lines` one after the other, and answers the code of each reply.
    async fn say(&self, lines: &[&str]) -> Vec<String> {
        let mut stream = BufReader::new(TcpStream::connect(self.smtp).await.unwrap());
        let mut codes = vec![reply(&mut stream).await];
        for line in lines {
            stream
                .write_all(format!("{line}\r\n").as_bytes())
                .await
                .unwrap();
            codes.push(reply(&mut stream).await);
        }
        codes
    }
}

/// The code of one reply, or nothing when the connection has ended.
async fn reply(stream: &mut BufReader<TcpStream>) -> String {
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        if line.chars().nth(3) != Some('-') {
            return line.chars().take(3).collect();
        }
    }
}

fn message(id: &str, to: &str) -> Message {
    Message::builder()
        .message_id(Some(format!("<{id}@sender.example>")))
        .from("Sender <sender@a.example>".parse().unwrap())
        .to(to.parse().unwrap())
        .subject("Grüße <b>")
        .multipart(MultiPart::alternative_plain_html(
            ".a line that begins with a dot".to_owned(),
            "<p>hello</p>".to_owned(),
        ))
        .unwrap()
}

#[tokio::test]
async fn what_lettre_sends_is_listed_shown_and_counted() {
    let sink = Sink::start().await;
    let mailer = sink.mailer();
    for id in ["one", "two", "one"] {
        mailer.send(message(id, "ann@b.example")).await.unwrap();
    }

    let summary = sink.json("/api/summary").await;
    assert_eq!(summary["messages"], 3);
    assert_eq!(summary["unique"], 2);
    assert_eq!(summary["duplicates"], 1);

    let list = sink.json("/api/messages?after=1&limit=1").await;
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["messageId"], "two@sender.example");
    assert_eq!(list[0]["from"], "sender@a.example");
    assert_eq!(list[0]["to"], json!(["ann@b.example"]));
    assert_eq!(list[0]["subject"], "Grüße <b>");

    let ids = sink.get("/api/message-ids").await;
    let mut lines: Vec<&str> = ids.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["1 two@sender.example", "2 one@sender.example"]);

    assert!(sink.get("/").await.contains("Grüße &lt;b&gt;"));
    let page = sink.get("/messages/1").await;
    assert!(
        page.contains("<pre>.a line that begins with a dot"),
        "{page}"
    );
    assert!(page.contains("srcdoc=\"&lt;p&gt;hello"), "{page}");
}

#[tokio::test]
async fn deleting_empties_the_mailbox() {
    let sink = Sink::start().await;
    sink.mailer()
        .send(message("one", "ann@b.example"))
        .await
        .unwrap();
    let url = format!("{}/api/messages", sink.http);
    sink.client
        .delete(url)
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    assert_eq!(sink.json("/api/summary").await["messages"], 0);
    assert!(sink.get("/").await.contains("Nothing has arrived yet"));
}

#[tokio::test]
async fn refusals_reach_the_sender_with_their_code_and_store_nothing() {
    let sink = Sink::start().await;
    sink.break_with(json!([
        { "recipient": "*@full.example", "effect": { "reply": { "at": "rcpt", "code": 452 } } },
        { "recipient": "*@gone.example", "effect": { "reply": { "at": "data", "code": 550 } } },
    ]))
    .await;
    let mailer = sink.mailer();
    let full = mailer
        .send(message("one", "ann@full.example"))
        .await
        .unwrap_err();
    assert!(full.is_transient(), "{full}");
    let gone = mailer
        .send(message("two", "ann@gone.example"))
        .await
        .unwrap_err();
    assert!(gone.is_permanent(), "{gone}");
    mailer
        .send(message("three", "ann@fine.example"))
        .await
        .unwrap();

    let summary = sink.json("/api/summary").await;
    assert_eq!(summary["messages"], 1);
    assert_eq!(summary["refusedRecipients"], 1);
    assert_eq!(summary["refusedMessages"], 1);
}

#[tokio::test]
async fn a_cut_after_data_leaves_the_sender_in_the_dark_either_way() {
    let sink = Sink::start().await;
    sink.break_with(json!([
        { "recipient": "*@stored.example", "effect": { "cut": "afterStoring" } },
        { "recipient": "*@lost.example", "effect": { "cut": "beforeStoring" } },
    ]))
    .await;
    for to in ["ann@stored.example", "ann@lost.example"] {
        let error = sink.mailer().send(message(to, to)).await.unwrap_err();
        assert!(!error.is_permanent() && !error.is_transient(), "{error}");
    }
    let summary = sink.json("/api/summary").await;
    assert_eq!(summary["messages"], 1);
    assert_eq!(summary["cutAfterStoring"], 1);
    assert_eq!(summary["cutBeforeStoring"], 1);
}

#[tokio::test]
async fn a_plan_that_makes_no_sense_changes_nothing() {
    let sink = Sink::start().await;
    sink.break_with(json!([{ "effect": { "delay": { "ms": 1 } } }]))
        .await;
    let url = format!("{}/api/faults", sink.http);
    let plan = json!({ "rules": [{ "percent": 200, "effect": { "cut": "afterStoring" } }] });
    let response = sink.client.put(url).json(&plan).send().await.unwrap();
    assert_eq!(response.status(), 422);
    assert_eq!(
        sink.json("/api/faults").await["rules"][0]["effect"]["delay"]["ms"],
        1
    );
}

#[tokio::test]
async fn commands_out_of_order_are_refused_and_the_talk_goes_on() {
    let sink = Sink::start().await;
    let codes = sink
        .say(&[
            "RCPT TO:<a@b.example>",
            "DATA",
            "NONSENSE",
            "MAIL FROM:<>",
            "MAIL FROM:<again@b.example>",
            "RSET",
            "HELO client.example",
            "MAIL FROM:<s@b.example> SIZE=99999999",
            "MAIL FROM:<s@b.example> BODY=8BITMIME SMTPUTF8",
            "RCPT TO:<grüße@b.example>",
            "NOOP",
            "DATA",
            "Subject: x\r\n\r\n..\r\n.",
            "QUIT",
        ])
        .await;
    let expected = [
        "220", "503", "503", "500", "250", "503", "250", "250", "552", "250", "250", "250", "354",
        "250", "221",
    ];
    assert_eq!(codes, expected);
    assert!(sink.get("/messages/1").await.contains("<pre>."));
}

#[tokio::test]
async fn pipelined_commands_and_an_empty_message_are_taken() {
    let sink = Sink::start().await;
    let mut stream = TcpStream::connect(sink.smtp).await.unwrap();
    let talk = "EHLO c.example\r\nMAIL FROM:<s@b.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n.\r\n\
                MAIL FROM:<s@b.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\nSubject: two\r\n\r\n.\r\nQUIT\r\n";
    // Byte by byte first, so that every command is met in pieces.
    let (pieces, rest) = talk.split_at(40);
    for byte in pieces.bytes() {
        stream.write_all(&[byte]).await.unwrap();
        stream.flush().await.unwrap();
    }
    stream.write_all(rest.as_bytes()).await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    assert!(
        answers.contains("PIPELINING") && answers.contains("SMTPUTF8"),
        "{answers}"
    );
    assert!(answers.ends_with("221 2.0.0 goodbye\r\n"), "{answers}");
    assert_eq!(sink.json("/api/summary").await["messages"], 2);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_and_the_talk_goes_on() {
    let sink = Sink::start().await;
    let large = format!("Subject: x\r\n\r\n{}.", "words\r\n".repeat(1_600_000));
    let codes = sink
        .say(&[
            "MAIL FROM:<s@b.example>",
            "RCPT TO:<a@b.example>",
            "DATA",
            &large,
            "NOOP",
        ])
        .await;
    assert_eq!(codes, ["220", "250", "250", "354", "552", "250"]);
    assert_eq!(sink.json("/api/summary").await["messages"], 0);
}

#[tokio::test]
async fn an_endless_line_ends_the_talk() {
    let sink = Sink::start().await;
    let codes = sink.say(&[&"x".repeat(100_000)]).await;
    assert_eq!(codes, ["220", "500"]);
}
