//! One folder a run, under `.local/run` of the repository.
//!
//! Its owner holds a lock on the file `lock` inside for as long as it lives;
//! the system lets go of it however the owner ends. A folder whose lock is
//! free is therefore a leftover, and the next run clears it away.

use std::fs::{self, File, Permissions, TryLockError};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

use super::identity::ServerUser;
use super::leftovers;
use super::secret::secret_hex;

/// Parent of all run folders, from the root of the repository.
const RUNS: &str = ".local/run";
const LOCK_FILE: &str = "lock";
/// Names the data folder when it is not inside the run folder.
const DATA_LOCATION_FILE: &str = "data-location";
const DATA_PREFIX: &str = "creatorcrm-";

/// The files of one run; cheap to clone, removed when the last clone goes.
///
/// Servers hold a clone, so the folder outlives them all.
#[derive(Debug, Clone)]
pub struct RunFolder {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    data: PathBuf,
    user: ServerUser,
    next: AtomicU32,
    _lock: File,
}

impl RunFolder {
    /// Makes a fresh folder under `.local/run` of the repository, after
    /// stopping and removing what runs that were killed have left there.
    ///
    /// # Errors
    /// When the folder cannot be written, or a leftover cannot be stopped.
    pub fn create() -> Result<Self> {
        Self::create_under(&repository_root().join(RUNS))
    }

    /// [`RunFolder::create`] under another parent folder.
    ///
    /// # Errors
    /// As [`RunFolder::create`].
    pub fn create_under(parent: &Path) -> Result<Self> {
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot create {}", parent.display()))?;
        let _gate = close_gate(parent)?;
        sweep(parent)?;

        let path = parent.join(secret_hex(4)?);
        fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        // Others may pass through but not look around: Postgres demands 0700
        // of its own folder, one level below.
        fs::set_permissions(&path, Permissions::from_mode(0o711))?;
        let lock = open_lock(&path.join(LOCK_FILE))?;
        lock.try_lock()
            .context("a fresh run folder is locked by somebody else")?;
        fs::create_dir(leftovers::records(&path))?;

        let user = ServerUser::current()?;
        let data = create_data_folder(&path, user)?;
        Ok(Self {
            inner: Arc::new(Inner {
                path,
                data,
                user,
                next: AtomicU32::new(0),
                _lock: lock,
            }),
        })
    }

    /// The folders of runs whose owners are alive, of this repository.
    #[must_use]
    pub fn living() -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(repository_root().join(RUNS)) else {
            return Vec::new();
        };
        entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|run| is_locked(run))
            .collect()
    }

    /// Where this run keeps its own files.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The user as which servers of this run are started.
    #[must_use]
    pub fn user(&self) -> ServerUser {
        self.inner.user
    }

    /// A new folder for a server's data, owned by the server user, mode 0700.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn data_folder(&self, name: &str) -> Result<PathBuf> {
        let number = self.inner.next.fetch_add(1, Ordering::Relaxed);
        let folder = self.inner.data.join(format!("{name}-{number}"));
        fs::create_dir(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        self.inner.user.own(&folder)?;
        Ok(folder)
    }
}

impl Inner {
    fn clear(&self) -> Result<()> {
        let _gate = self.path.parent().map(close_gate).transpose()?;
        remove(&self.path)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Err(error) = self.clear() {
            eprintln!("xtask: {error:#}");
        }
    }
}

/// The root of the repository this program was built from.
#[must_use]
pub fn repository_root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Folders are made, swept and removed one at a time, so that no sweeper meets
/// one that is half made or half removed. Open again when the file is dropped.
fn close_gate(parent: &Path) -> Result<File> {
    let gate = open_lock(&parent.join(LOCK_FILE))?;
    gate.lock().context("cannot lock the list of runs")?;
    Ok(gate)
}

fn is_locked(run: &Path) -> bool {
    File::open(run.join(LOCK_FILE))
        .is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

fn open_lock(path: &Path) -> Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))
}

/// Inside the run folder where the server user can reach it, else a private
/// folder of the system's temporary directory.
fn create_data_folder(run: &Path, user: ServerUser) -> Result<PathBuf> {
    let inside = run.join("data");
    let data = if user.can_enter(run)? {
        inside
    } else {
        let outside = std::env::temp_dir().join(format!("{DATA_PREFIX}{}", secret_hex(8)?));
        // Written first: a run killed between the two lines leaves a name
        // without a folder rather than a folder nobody knows of.
        fs::write(
            run.join(DATA_LOCATION_FILE),
            outside.as_os_str().as_encoded_bytes(),
        )?;
        outside
    };
    fs::create_dir(&data).with_context(|| format!("cannot create {}", data.display()))?;
    fs::set_permissions(&data, Permissions::from_mode(0o700))?;
    user.own(&data)?;
    Ok(data)
}

/// Stops and removes every run whose owner is gone.
fn sweep(parent: &Path) -> Result<()> {
    for entry in fs::read_dir(parent)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        let lock = open_lock(&path.join(LOCK_FILE))?;
        match lock.try_lock() {
            Ok(()) => {
                leftovers::stop_recorded(&path)?;
                remove(&path)?;
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
    }
    Ok(())
}

fn remove(run: &Path) -> Result<()> {
    if let Ok(location) = fs::read_to_string(run.join(DATA_LOCATION_FILE)) {
        let outside = PathBuf::from(location);
        let ours = outside
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(DATA_PREFIX));
        if ours && outside.exists() {
            fs::remove_dir_all(&outside)
                .with_context(|| format!("cannot remove {}", outside.display()))?;
        }
    }
    fs::remove_dir_all(run).with_context(|| format!("cannot remove {}", run.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parent() -> PathBuf {
        let parent = std::env::temp_dir().join(format!("{DATA_PREFIX}{}", secret_hex(8).unwrap()));
        fs::create_dir(&parent).unwrap();
        parent
    }

    #[test]
    fn a_run_folder_goes_with_its_owner() {
        let parent = parent();
        let folder = RunFolder::create_under(&parent).unwrap();
        let (run, data) = (
            folder.path().to_path_buf(),
            folder.data_folder("x").unwrap(),
        );
        assert!(run.is_dir() && data.is_dir());
        drop(folder);
        assert!(!run.exists() && !data.exists());
        fs::remove_dir_all(parent).unwrap();
    }

    #[test]
    fn the_server_user_reaches_its_data_even_where_it_cannot_enter_the_clone() {
        let parent = parent();
        fs::set_permissions(&parent, Permissions::from_mode(0o700)).unwrap();
        let folder = RunFolder::create_under(&parent).unwrap();
        let data = folder.data_folder("x").unwrap();
        assert!(folder.user().can_enter(&data).unwrap());
        drop(folder);
        assert!(!data.exists());
        fs::remove_dir_all(parent).unwrap();
    }

    #[test]
    fn a_sweep_takes_the_dead_and_spares_the_living() {
        let parent = parent();
        let living = RunFolder::create_under(&parent).unwrap();
        let dead = parent.join("dead");
        fs::create_dir_all(leftovers::records(&dead)).unwrap();
        fs::write(dead.join(LOCK_FILE), "").unwrap();

        sweep(&parent).unwrap();
        assert!(living.path().is_dir());
        assert!(!dead.exists());
        drop(living);
        fs::remove_dir_all(parent).unwrap();
    }
}
