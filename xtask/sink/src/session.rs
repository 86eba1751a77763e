//! One SMTP connection.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use chrono::Utc;
use smtp_proto::request::receiver::{DataReceiver, DummyDataReceiver, RequestReceiver};
use smtp_proto::{
    EXT_8BIT_MIME, EXT_ENHANCED_STATUS_CODES, EXT_PIPELINING, EXT_SIZE, EXT_SMTP_UTF8,
    EhloResponse, Error, Request,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::State;
use crate::faults::{Cut, End};
use crate::mailbox::Mishap;

const HOST: &str = "sink.example";
/// Largest message taken, bytes.
const MESSAGE_MAX_BYTES: usize = 10 * 1024 * 1024;
/// Most recipients of one message; RFC 5321 asks for at least 100.
const RECIPIENTS_MAX: usize = 1000;
/// Bytes read at a time.
const READ_BYTES: usize = 32 * 1024;
/// A client that says nothing for so long is sent away (RFC 5321 asks for at
/// least five minutes).
const IDLE_LIMIT: Duration = Duration::from_secs(300);

/// What the next bytes are.
enum Mode {
    Commands,
    Data {
        receiver: DataReceiver,
        raw: Vec<u8>,
    },
    /// The rest of a message that is too large.
    Excess(DummyDataReceiver),
}

/// Whether the conversation goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Continue,
    /// After what is still to be said.
    Close,
    /// At once, without a word.
    Cut,
}

struct Session<'a> {
    state: &'a State,
    stream: TcpStream,
    mode: Mode,
    from: Option<String>,
    to: Vec<String>,
    /// Answers not sent yet; they go out together, as pipelining allows.
    answers: Vec<u8>,
}

/// Talks to one client until it leaves.
pub(crate) async fn serve(stream: TcpStream, state: &State) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut session = Session {
        state,
        stream,
        mode: Mode::Commands,
        from: None,
        to: Vec::new(),
        answers: format!("220 {HOST} ESMTP\r\n").into_bytes(),
    };
    session.run().await
}

impl Session<'_> {
    async fn run(&mut self) -> io::Result<()> {
        let mut requests = RequestReceiver::default();
        let mut buffer = vec![0; READ_BYTES];
        loop {
            self.flush().await?;
            let Ok(read) = timeout(IDLE_LIMIT, self.stream.read(&mut buffer)).await else {
                self.answer(421, "4.4.2", "idle for too long");
                return self.flush().await;
            };
            let read = read?;
            if read == 0 {
                return Ok(());
            }
            match self.take(&buffer[..read], &mut requests).await? {
                Next::Continue => {}
                Next::Close => return self.flush().await,
                Next::Cut => return Ok(()),
            }
        }
    }

    /// Acts on everything that has arrived.
    async fn take(&mut self, bytes: &[u8], requests: &mut RequestReceiver) -> io::Result<Next> {
        let mut bytes = bytes.iter();
        loop {
            match &mut self.mode {
                Mode::Commands => match requests.ingest(&mut bytes) {
                    Ok(request) => {
                        if self.command(request) == Next::Close {
                            return Ok(Next::Close);
                        }
                    }
                    Err(Error::NeedsMoreData { .. }) => return Ok(Next::Continue),
                    Err(error) => {
                        if self.complain(&error) == Next::Close {
                            return Ok(Next::Close);
                        }
                    }
                },
                Mode::Data { receiver, raw } => {
                    if receiver.ingest(&mut bytes, raw) {
                        let raw = std::mem::take(raw);
                        self.mode = Mode::Commands;
                        if self.message(raw).await? == Next::Cut {
                            return Ok(Next::Cut);
                        }
                    } else if raw.len() > MESSAGE_MAX_BYTES {
                        self.mode = Mode::Excess(DummyDataReceiver::new_data(receiver));
                    } else {
                        return Ok(Next::Continue);
                    }
                }
                Mode::Excess(receiver) => {
                    if !receiver.ingest(&mut bytes) {
                        return Ok(Next::Continue);
                    }
                    self.mode = Mode::Commands;
                    self.reset();
                    self.state.mailbox.count(Mishap::MessageRefused);
                    self.answer(552, "5.3.4", "message too large");
                }
            }
        }
    }

    fn command(&mut self, request: Request<Cow<'_, str>>) -> Next {
        match request {
            Request::Ehlo { .. } => {
                self.reset();
                self.greet();
            }
            Request::Helo { .. } => {
                self.reset();
                self.say(&format!("250 {HOST}"));
            }
            Request::Mail { from } => self.sender(from.address.into_owned(), from.size),
            Request::Rcpt { to } => self.recipient(to.address.into_owned()),
            Request::Data => self.data(),
            Request::Rset => {
                self.reset();
                self.answer(250, "2.0.0", "forgotten");
            }
            Request::Noop { .. } => self.answer(250, "2.0.0", "still here"),
            Request::Quit => {
                self.answer(221, "2.0.0", "goodbye");
                return Next::Close;
            }
            Request::Vrfy { .. } => self.answer(252, "2.5.2", "send it and see"),
            Request::Lhlo { .. }
            | Request::Bdat { .. }
            | Request::Auth { .. }
            | Request::Expn { .. }
            | Request::Help { .. }
            | Request::Etrn { .. }
            | Request::Atrn { .. }
            | Request::Burl { .. }
            | Request::StartTls => self.answer(502, "5.5.1", "not known here"),
        }
        Next::Continue
    }

    fn complain(&mut self, error: &Error) -> Next {
        match error {
            Error::ResponseTooLong => {
                // Where the next command begins is anybody's guess.
                self.answer(500, "5.5.2", "line too long");
                return Next::Close;
            }
            Error::InvalidSenderAddress => self.answer(501, "5.1.7", "no such sender address"),
            Error::InvalidRecipientAddress => self.answer(501, "5.1.3", "no such address"),
            Error::UnsupportedParameter { .. } => self.answer(555, "5.5.4", "unknown parameter"),
            Error::NeedsMoreData { .. }
            | Error::UnknownCommand
            | Error::SyntaxError { .. }
            | Error::InvalidParameter { .. }
            | Error::InvalidResponse { .. } => self.answer(500, "5.5.2", "not understood"),
        }
        Next::Continue
    }

    fn greet(&mut self) {
        let mut greeting = EhloResponse::new(HOST);
        greeting.capabilities =
            EXT_8BIT_MIME | EXT_ENHANCED_STATUS_CODES | EXT_PIPELINING | EXT_SIZE | EXT_SMTP_UTF8;
        greeting.size = MESSAGE_MAX_BYTES;
        // Writing into memory does not fail.
        let _ = greeting.write(&mut self.answers);
    }

    fn sender(&mut self, address: String, size: usize) {
        if self.from.is_some() {
            self.answer(503, "5.5.1", "one sender a message");
        } else if size > MESSAGE_MAX_BYTES {
            self.answer(552, "5.3.4", "message too large");
        } else {
            self.from = Some(address);
            self.answer(250, "2.1.0", "sender taken");
        }
    }

    fn recipient(&mut self, address: String) {
        if self.from.is_none() {
            self.answer(503, "5.5.1", "the sender comes first");
        } else if self.to.len() == RECIPIENTS_MAX {
            self.answer(452, "4.5.3", "too many recipients");
        } else if let Some(refusal) = self.state.faults.at_recipient(&address) {
            self.state.mailbox.count(Mishap::RecipientRefused);
            self.refuse(refusal.code, &refusal.text);
        } else {
            self.to.push(address);
            self.answer(250, "2.1.5", "recipient taken");
        }
    }

    fn data(&mut self) {
        if self.to.is_empty() {
            self.answer(503, "5.5.1", "the recipients come first");
            return;
        }
        let (mut receiver, mut raw) = (DataReceiver::new(), Vec::new());
        // The line of the command ends before the text begins, so a dot may
        // stand at its very beginning; the receiver has not seen that line.
        receiver.ingest(&mut b"\r\n".iter(), &mut raw);
        raw.clear();
        self.mode = Mode::Data { receiver, raw };
        self.say("354 go on, and end with a line of one dot");
    }

    async fn message(&mut self, raw: Vec<u8>) -> io::Result<Next> {
        let (from, to) = (
            self.from.take().unwrap_or_default(),
            std::mem::take(&mut self.to),
        );
        let fate = self.state.faults.after_data(&to);
        if let Some(delay) = fate.delay {
            self.flush().await?;
            tokio::time::sleep(delay).await;
        }
        match fate.end {
            End::Stored => {
                self.store(from, to, raw);
                self.answer(250, "2.0.0", "stored");
                Ok(Next::Continue)
            }
            End::Refused(refusal) => {
                self.state.mailbox.count(Mishap::MessageRefused);
                self.refuse(refusal.code, &refusal.text);
                Ok(Next::Continue)
            }
            End::Cut(Cut::AfterStoring) => {
                self.store(from, to, raw);
                self.state.mailbox.count(Mishap::CutAfterStoring);
                Ok(Next::Cut)
            }
            End::Cut(Cut::BeforeStoring) => {
                self.state.mailbox.count(Mishap::CutBeforeStoring);
                Ok(Next::Cut)
            }
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the sink's own clock: when a message came"
    )]
    fn store(&self, from: String, to: Vec<String>, raw: Vec<u8>) {
        self.state.mailbox.store(from, to, raw, Utc::now());
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }

    fn refuse(&mut self, code: u16, text: &str) {
        self.say(&format!("{code} {}.0.0 {text}", code / 100));
    }

    fn answer(&mut self, code: u16, status: &str, text: &str) {
        self.say(&format!("{code} {status} {text}"));
    }

    fn say(&mut self, line: &str) {
        self.answers.extend_from_slice(line.as_bytes());
        self.answers.extend_from_slice(b"\r\n");
    }

    async fn flush(&mut self) -> io::Result<()> {
        if !self.answers.is_empty() {
            self.stream.write_all(&self.answers).await?;
            self.answers.clear();
        }
        Ok(())
    }
}
