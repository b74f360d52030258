//! The directory that outlives the process: secrets, checkpoint, clock, mail and database.
//!
//! Every write has left the process when its method returns, so `kill -9` between two requests
//! loses nothing. A file that is replaced is written beside itself and renamed, so it is never
//! seen half done.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why the directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error("the data directory {0} is in use by another process")]
    InUse(PathBuf),
    /// The operating system refused.
    #[error("the data directory {0} can't be read or written")]
    Io(PathBuf, #[source] io::Error),
}

/// An open data directory. It is held alone: a second process is refused until this one ends.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Opens the directory, making it where it is missing.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let io = |error| DataDirError::Io(path.to_owned(), error);
        fs::create_dir_all(path).map_err(io)?;
        let lock = private().open(path.join("lock")).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DataDirError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Where a file of this directory is.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The text of a file, if there is one.
    pub fn read(&self, name: &str) -> Result<Option<String>, DataDirError> {
        match fs::read_to_string(self.file(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(DataDirError::Io(self.file(name), error)),
        }
    }

    /// Replaces a file. Only its owner may read it.
    pub fn replace(&self, name: &str, text: &str) -> Result<(), DataDirError> {
        let target = self.file(name);
        let fresh = self.file(&format!("{name}.new"));
        let write = || {
            let mut file = private().truncate(true).open(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_data()?;
            fs::rename(&fresh, &target)
        };
        write().map_err(|error| DataDirError::Io(target.clone(), error))
    }

    /// The whole lines of a file of JSON lines. What a killed process left of a last one is cut
    /// off, so that the next line does not join it.
    pub fn lines(&self, name: &str) -> Result<Vec<String>, DataDirError> {
        let Some(text) = self.read(name)? else {
            return Ok(Vec::new());
        };
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        if whole.len() < text.len() {
            self.replace(name, whole)?;
        }
        Ok(whole.lines().map(ToOwned::to_owned).collect())
    }

    /// Adds a line to a file of JSON lines.
    pub fn append(&self, name: &str, line: &str) -> Result<(), DataDirError> {
        let write = || {
            let mut file = private().append(true).open(self.file(name))?;
            // One call, so that a line is there or is not.
            file.write_all(format!("{line}\n").as_bytes())
        };
        write().map_err(|error| DataDirError::Io(self.file(name), error))
    }
}

/// Makes files that only their owner may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_held_alone() {
        let path = tempfile::tempdir().unwrap();
        let first = DataDir::open(path.path()).unwrap();
        assert!(matches!(
            DataDir::open(path.path()),
            Err(DataDirError::InUse(_))
        ));
        drop(first);
        DataDir::open(path.path()).unwrap();
    }

    #[test]
    fn half_a_line_does_not_spoil_the_next() {
        let path = tempfile::tempdir().unwrap();
        let data = DataDir::open(path.path()).unwrap();
        data.append("a", "one").unwrap();
        fs::write(data.file("a"), "one\ntw").unwrap();
        assert_eq!(data.lines("a").unwrap(), ["one"]);
        data.append("a", "three").unwrap();
        assert_eq!(data.lines("a").unwrap(), ["one", "three"]);
    }
}
