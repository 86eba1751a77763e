//! Handing files over through a folder that the bank's software empties: once each, by name and content.
//!
//! `staging/` is ours; `outbox/` is where the other side takes files from, and removes them; `handed-over/` keeps one of
//! each for ever, which is how a file is known to have been handed over; `inbox/` is where the other side puts its answers,
//! `taken/` where they go once they were read, and `refused/` where those go that cannot be, with the reason beside each.
//! All are on one file system, so that moving is one step.
//!
//! Object storage and SFTP come later, behind the same trait.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Duration, Utc};
use futures_util::future::BoxFuture;
use sha2::{Digest, Sha256};

use super::{
    Asked, Callback, CallbackError, Instruction, InstructionId, OnUnknown, Order, PaymentFile,
    PayoutProvider, PayoutStatus, Refusal, Report, Submission,
};

/// Characters of a file's name at the most.
const NAME_MAX_CHARS: usize = 100;
/// Size of a file from the other side at the most, in bytes.
pub const INCOMING_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Files from the other side that are told of at once.
const INCOMING_MAX: usize = 1_000;
/// A file that was written to within this time may not be whole yet.
const SETTLED_AFTER: Duration = Duration::seconds(60);

const STAGING: &str = "staging";
const OUTBOX: &str = "outbox";
const HANDED_OVER: &str = "handed-over";
const INBOX: &str = "inbox";
const TAKEN: &str = "taken";
const REFUSED: &str = "refused";
const LOCK: &str = ".lock";

/// A folder that both sides reach.
#[derive(Debug, Clone)]
pub struct DropFolder {
    root: PathBuf,
}

/// A file from the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Its name.
    pub name: String,
    /// SHA-256 of its content: with the name, what it is known by.
    pub sha256: [u8; 32],
    /// Its size, in bytes.
    pub size: u64,
    /// Whether it is larger than [`INCOMING_MAX_BYTES`].
    pub is_too_large: bool,
    /// Its content; nothing of one that is too large.
    pub content: Vec<u8>,
}

impl DropFolder {
    /// Uses a folder, and makes what is missing in it.
    ///
    /// # Errors
    /// If it cannot be used.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        for folder in [STAGING, OUTBOX, HANDED_OVER, INBOX, TAKEN, REFUSED] {
            fs::create_dir_all(root.join(folder))?;
        }
        Ok(Self { root })
    }

    /// The files that wait in the inbox, by name, without those that are still being written: whose names begin with a
    /// point or end in `.part`, or that were written to within the last minute.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn incoming(&self, now: DateTime<Utc>) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.root.join(INBOX))? {
            let entry = entry?;
            let name = entry.file_name().into_string().unwrap_or_default();
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                // somebody else took it
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let settled = DateTime::<Utc>::from(metadata.modified()?) + SETTLED_AFTER <= now;
            if is_name(&name) && !name.ends_with(".part") && metadata.is_file() && settled {
                names.push(name);
            }
        }
        names.sort_unstable();
        names.truncate(INCOMING_MAX);
        Ok(names)
    }

    /// Reads a file of the inbox, bounded. Of one that is too large only size and hash are told.
    ///
    /// # Errors
    /// If there is none, its name is none, or it was written to meanwhile ([`ErrorKind::ResourceBusy`]).
    pub fn read(&self, name: &str) -> io::Result<Incoming> {
        let path = self.root.join(INBOX).join(checked(name)?);
        let mut file = File::open(&path)?;
        let before = file.metadata()?;
        let is_too_large = before.len() > INCOMING_MAX_BYTES;
        let mut content = Vec::new();
        let sha256 = if is_too_large {
            hash(&path)?
        } else {
            let mut bounded = Read::by_ref(&mut file).take(INCOMING_MAX_BYTES + 1);
            bounded.read_to_end(&mut content)?;
            Sha256::digest(&content).into()
        };
        let after = file.metadata()?;
        let size = if is_too_large {
            before.len()
        } else {
            content.len() as u64
        };
        if (after.len(), after.modified()?) != (size, before.modified()?) {
            let why = "it was written to while it was read";
            return Err(io::Error::new(ErrorKind::ResourceBusy, why));
        }
        Ok(Incoming {
            name: name.to_owned(),
            sha256,
            size,
            is_too_large,
            content,
        })
    }

    /// Puts a file of the inbox away, once what it says is recorded. One that is away already stays so.
    ///
    /// # Errors
    /// If it cannot be moved.
    pub fn put_away(&self, incoming: &Incoming) -> io::Result<()> {
        self.leave_inbox(incoming, TAKEN)
    }

    /// Puts a file of the inbox aside that cannot be read; beside it stands why, for whoever looks.
    ///
    /// # Errors
    /// If it cannot be moved, or the reason cannot be written.
    pub fn put_aside(&self, incoming: &Incoming, why: &str) -> io::Result<()> {
        let beside = format!("{}.why.txt", kept_name(incoming)?);
        fs::write(self.root.join(REFUSED).join(beside), why)?;
        self.leave_inbox(incoming, REFUSED)
    }

    fn leave_inbox(&self, incoming: &Incoming, to: &str) -> io::Result<()> {
        let kept = self.root.join(to).join(kept_name(incoming)?);
        match fs::rename(self.root.join(INBOX).join(&incoming.name), kept) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => sync(&self.root.join(to)),
        }
    }

    /// Hands a file over, once. Every step can be repeated after a crash at any moment: a file is in `outbox/` at most
    /// once, because the one step that puts it there takes it out of `staging/`, and it is staged only while nothing is
    /// kept of it in `handed-over/`.
    fn hand_over(&self, file: &PaymentFile) -> io::Result<Submission> {
        let name = checked(&file.name)?;
        // two processes that hand over one file come one after the other
        let lock = File::create(self.root.join(LOCK))?;
        lock.lock()?;
        let (staged, kept) = (
            self.root.join(STAGING).join(name),
            self.root.join(HANDED_OVER).join(name),
        );
        if kept.try_exists()? {
            if hash(&kept)? != file.sha256() {
                return Ok(another());
            }
        } else {
            let outside = self.root.join(OUTBOX).join(name);
            if outside.try_exists()? {
                return Ok(another());
            }
            self.stage(file, &staged)?;
            // a second name of the same file, so that both exist whole or not at all
            fs::hard_link(&staged, &kept)?;
            sync(&self.root.join(HANDED_OVER))?;
        }
        match fs::rename(&staged, self.root.join(OUTBOX).join(name)) {
            Ok(()) => {
                sync(&self.root.join(OUTBOX))?;
                sync(&self.root.join(STAGING))?;
            }
            // it is out already, and maybe taken
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(Submission::Accepted {
            reference: name.to_owned(),
        })
    }

    /// Writes a file that nobody sees yet.
    fn stage(&self, file: &PaymentFile, staged: &Path) -> io::Result<()> {
        let part = staged.with_extension("part");
        let mut writing = File::create(&part)?;
        writing.write_all(&file.content)?;
        writing.sync_all()?;
        fs::rename(&part, staged)?;
        sync(&self.root.join(STAGING))
    }

    fn look_up(&self, name: &str, id: &InstructionId) -> io::Result<Asked> {
        let name = checked(name)?;
        let out = self.root.join(HANDED_OVER).join(name).try_exists()?
            && !self.root.join(STAGING).join(name).try_exists()?;
        if !out {
            return Ok(Asked::NeverSeen);
        }
        Ok(Asked::Known(Report {
            event_id: format!("{id}:handed-over"),
            id: id.clone(),
            reference: Some(name.to_owned()),
            // what became of the payments in it, only the bank's statements tell
            status: PayoutStatus::Pending,
            amount: None,
            refusal: None,
            at: None,
        }))
    }
}

fn another() -> Submission {
    Submission::Refused {
        refusal: Refusal::new("name-reused", "another file of this name was handed over"),
        is_final: true,
    }
}

fn is_name(name: &str) -> bool {
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    plain && (1..=NAME_MAX_CHARS).contains(&name.len()) && !name.starts_with('.')
}

fn checked(name: &str) -> io::Result<&str> {
    let refusal = || {
        io::Error::new(
            ErrorKind::InvalidInput,
            "a name of letters, digits, hyphens, underscores and points",
        )
    };
    is_name(name).then_some(name).ok_or_else(refusal)
}

/// What a file of the inbox is called later: the content belongs to the name, as the other side may use a name again.
fn kept_name(incoming: &Incoming) -> io::Result<String> {
    let name = checked(&incoming.name)?;
    Ok(format!("{}-{name}", &hex::encode(incoming.sha256)[..16]))
}

fn hash(path: &Path) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut HashWriter(&mut hasher))?;
    Ok(hasher.finalize().into())
}

/// Lets a file be hashed without being held in memory.
struct HashWriter<'a>(&'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What was moved stays moved after a power cut.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

impl PayoutProvider for DropFolder {
    fn name(&self) -> &'static str {
        "drop-folder"
    }

    fn on_unknown(&self) -> OnUnknown {
        OnUnknown::Ask
    }

    fn submit<'a>(
        &'a self,
        instruction: &'a Instruction,
        _: DateTime<Utc>,
    ) -> BoxFuture<'a, Submission> {
        let Order::File(file) = &instruction.order else {
            return Box::pin(std::future::ready(super::signed_api::unfit(
                "a folder takes files only",
            )));
        };
        if !is_name(&file.name) {
            return Box::pin(std::future::ready(super::signed_api::unfit(
                "this is no name of a file",
            )));
        }
        let (folder, file) = (self.clone(), file.clone());
        Box::pin(async move {
            match tokio::task::spawn_blocking(move || folder.hand_over(&file)).await {
                Ok(Ok(submission)) => submission,
                // the file may be out; asking tells
                Ok(Err(error)) => Submission::Unknown {
                    why: error.to_string(),
                },
                Err(error) => Submission::Unknown {
                    why: error.to_string(),
                },
            }
        })
    }

    /// By the name of the file, which is the reference.
    fn ask<'a>(
        &'a self,
        id: &'a InstructionId,
        reference: Option<&'a str>,
        _: DateTime<Utc>,
    ) -> BoxFuture<'a, Asked> {
        let Some(name) = reference.map(str::to_owned) else {
            let why = "a folder is asked by a file's name".to_owned();
            return Box::pin(std::future::ready(Asked::NoAnswer { why }));
        };
        let (folder, id) = (self.clone(), id.clone());
        Box::pin(async move {
            let asked = tokio::task::spawn_blocking(move || folder.look_up(&name, &id)).await;
            match asked.map_err(io::Error::other).and_then(|asked| asked) {
                Ok(asked) => asked,
                Err(error) => Asked::NoAnswer {
                    why: error.to_string(),
                },
            }
        })
    }

    fn read_callback<'a>(
        &'a self,
        _: &'a Callback<'a>,
        _: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Vec<Report>, CallbackError>> {
        Box::pin(std::future::ready(Err(CallbackError::NotOffered)))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    struct Temporary(DropFolder);

    impl Temporary {
        fn new() -> Self {
            let root = std::env::temp_dir().join(format!("drop-{}", Uuid::now_v7().simple()));
            Self(DropFolder::open(root).expect("a folder"))
        }

        fn files(&self, folder: &str) -> Vec<String> {
            let entries = fs::read_dir(self.0.root.join(folder)).expect("a folder");
            let mut names: Vec<String> = entries
                .map(|entry| {
                    entry
                        .expect("an entry")
                        .file_name()
                        .into_string()
                        .expect("a name")
                })
                .collect();
            names.sort_unstable();
            names
        }

        /// The other side takes everything.
        fn empty_outbox(&self) {
            for name in self.files(OUTBOX) {
                fs::remove_file(self.0.root.join(OUTBOX).join(name)).expect("removed");
            }
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0.root).expect("removed");
        }
    }

    fn file(name: &str, content: &str) -> Instruction {
        Instruction {
            id: "batch-1".parse().expect("an id"),
            order: Order::File(PaymentFile {
                name: name.into(),
                content: content.as_bytes().into(),
            }),
        }
    }

    async fn submit(folder: &DropFolder, instruction: &Instruction) -> Submission {
        folder.submit(instruction, DateTime::UNIX_EPOCH).await
    }

    fn is_accepted(submission: &Submission) -> bool {
        matches!(submission, Submission::Accepted { reference } if reference == "a.xml")
    }

    #[tokio::test]
    async fn a_file_is_handed_over_once_also_after_it_was_taken() {
        let here = Temporary::new();
        let one = file("a.xml", "content");
        assert_eq!(
            here.0
                .ask(&one.id, Some("a.xml"), DateTime::UNIX_EPOCH)
                .await,
            Asked::NeverSeen
        );
        for _ in 0..2 {
            assert!(is_accepted(&submit(&here.0, &one).await));
            assert_eq!(here.files(OUTBOX), ["a.xml"]);
        }
        assert_eq!(
            fs::read(here.0.root.join(OUTBOX).join("a.xml")).expect("read"),
            b"content"
        );
        here.empty_outbox();
        assert!(is_accepted(&submit(&here.0, &one).await));
        assert_eq!(
            here.files(OUTBOX),
            [""; 0],
            "it was taken, and is not put there again"
        );
        let asked = here
            .0
            .ask(&one.id, Some("a.xml"), DateTime::UNIX_EPOCH)
            .await;
        assert!(matches!(asked, Asked::Known(_)), "{asked:?}");
        assert_eq!(here.files(STAGING), [""; 0]);
    }

    #[tokio::test]
    async fn another_content_under_the_same_name_is_refused() {
        let here = Temporary::new();
        assert!(is_accepted(
            &submit(&here.0, &file("a.xml", "content")).await
        ));
        let other = submit(&here.0, &file("a.xml", "other")).await;
        assert!(
            matches!(other, Submission::Refused { is_final: true, .. }),
            "{other:?}"
        );
        fs::write(here.0.root.join(OUTBOX).join("b.xml"), "not ours").expect("written");
        let other = submit(&here.0, &file("b.xml", "ours")).await;
        assert!(
            matches!(other, Submission::Refused { is_final: true, .. }),
            "{other:?}"
        );
        assert_eq!(
            fs::read(here.0.root.join(OUTBOX).join("b.xml")).expect("read"),
            b"not ours"
        );
    }

    #[tokio::test]
    async fn a_crash_at_any_step_leaves_it_handed_over_once() {
        let one = file("a.xml", "content");
        // what a process leaves behind that dies: half a file, a staged one, a staged and kept one
        for step in 0..3 {
            let here = Temporary::new();
            let (staged, kept) = (
                here.0.root.join(STAGING).join("a.xml"),
                here.0.root.join(HANDED_OVER).join("a.xml"),
            );
            match step {
                0 => fs::write(staged.with_extension("part"), "cont").expect("written"),
                1 => fs::write(&staged, "content").expect("written"),
                _ => {
                    fs::write(&staged, "content").expect("written");
                    fs::hard_link(&staged, &kept).expect("linked");
                }
            }
            assert_eq!(
                here.0
                    .ask(&one.id, Some("a.xml"), DateTime::UNIX_EPOCH)
                    .await,
                Asked::NeverSeen,
                "{step}"
            );
            assert!(is_accepted(&submit(&here.0, &one).await), "{step}");
            assert_eq!(here.files(OUTBOX), ["a.xml"], "{step}");
            here.empty_outbox();
            assert!(is_accepted(&submit(&here.0, &one).await), "{step}");
            assert_eq!(here.files(OUTBOX), [""; 0], "{step}");
        }
    }

    #[tokio::test]
    async fn many_at_a_time_hand_it_over_once() {
        let here = Temporary::new();
        let one = file("a.xml", "content");
        let all = futures_util::future::join_all((0..8).map(|_| submit(&here.0, &one))).await;
        assert!(all.iter().all(is_accepted), "{all:?}");
        assert_eq!(here.files(OUTBOX), ["a.xml"]);
    }

    #[tokio::test]
    async fn no_name_leads_out_of_the_folder() {
        let here = Temporary::new();
        for name in [
            "../a.xml",
            "/etc/passwd",
            "a/b",
            "",
            ".hidden",
            "a\0b",
            "ä.xml",
            &"x".repeat(101),
        ] {
            let ended = submit(&here.0, &file(name, "x")).await;
            assert!(
                matches!(ended, Submission::Refused { is_final: true, .. }),
                "{name}: {ended:?}"
            );
            assert!(here.0.read(name).is_err(), "{name}");
        }
    }

    #[test]
    fn what_comes_in_is_read_and_put_away_once() {
        let here = Temporary::new();
        let inbox = here.0.root.join(INBOX);
        for (name, content) in [
            ("b.xml", "two"),
            ("a.xml", "one"),
            ("c.xml.part", "half"),
            (".d", "hidden"),
        ] {
            fs::write(inbox.join(name), content).expect("written");
        }
        let written = fs::metadata(inbox.join("b.xml")).and_then(|file| file.modified());
        let written = DateTime::<Utc>::from(written.expect("a time"));
        let listed = |at: DateTime<Utc>| here.0.incoming(at).expect("listed");
        assert_eq!(listed(written), [""; 0], "they may not be whole yet");
        let later = written + SETTLED_AFTER + SETTLED_AFTER;
        assert_eq!(listed(later), ["a.xml", "b.xml"]);
        let one = here.0.read("a.xml").expect("read");
        assert_eq!(one.content, b"one");
        here.0.put_away(&one).expect("away");
        here.0.put_away(&one).expect("away already");
        assert_eq!(listed(later), ["b.xml"]);
        // the other side uses the name again
        fs::write(inbox.join("a.xml"), "three").expect("written");
        let again = here.0.read("a.xml").expect("read");
        assert_ne!(again.sha256, one.sha256);
        here.0.put_away(&again).expect("away");
        assert_eq!(here.files(TAKEN).len(), 2);
        let bad = here.0.read("b.xml").expect("read");
        here.0.put_aside(&bad, "no statement").expect("aside");
        here.0
            .put_aside(&bad, "no statement")
            .expect("aside already");
        assert_eq!(listed(later + SETTLED_AFTER), [""; 0]);
        let [file, why] = &here.files(REFUSED)[..] else {
            panic!("the file and why")
        };
        assert_eq!(*why, format!("{file}.why.txt"));
    }
}
