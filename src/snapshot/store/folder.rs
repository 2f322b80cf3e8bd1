//! A folder: temporary name, fsync, rename, fsync of the folder.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::{Listed, Store, StoreError};

/// What a file is called until it is whole.
const UNFINISHED: &str = ".unfinished";

/// A folder on a disk.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder, made if it is not there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let folder = Self(path.to_owned());
        fs::create_dir_all(path).map_err(|cause| folder.failed("cannot make", "", &cause))?;
        Ok(folder)
    }

    /// The folder as it is: for reading.
    #[must_use]
    pub fn existing(path: &Path) -> Self {
        Self(path.to_owned())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn failed(&self, verb: &'static str, name: &str, cause: &io::Error) -> StoreError {
        StoreError::File {
            verb,
            file: self.path(name).display().to_string(),
            cause: cause.to_string(),
            is_full: matches!(
                cause.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            ),
        }
    }
}

impl Store for Folder {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let failed = |cause: io::Error| self.failed("cannot write", name, &cause);
        let path = self.path(name);
        let parent = path.parent().unwrap_or(&self.0);
        let is_new = !parent.exists();
        fs::create_dir_all(parent).map_err(failed)?;
        let unfinished = path.with_extension(UNFINISHED.trim_start_matches('.'));
        let written = (|| {
            let mut file = File::create(&unfinished)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            sync_folder(parent)?;
            if is_new { sync_folder(&self.0) } else { Ok(()) }
        })();
        written.map_err(|cause| {
            // What is left of it must not keep the room that is missing.
            let _ = fs::remove_file(&unfinished);
            failed(cause)
        })
    }

    fn get(&self, name: &str, most: u64) -> Result<Vec<u8>, StoreError> {
        let failed = |cause: io::Error| self.failed("cannot read", name, &cause);
        let file = File::open(self.path(name)).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        if bytes > most {
            let file = self.path(name).display().to_string();
            return Err(StoreError::TooLarge { file, bytes, most });
        }
        let mut content = Vec::with_capacity(bytes as usize);
        file.take(most).read_to_end(&mut content).map_err(failed)?;
        Ok(content)
    }

    fn list(&self) -> Result<Vec<Listed>, StoreError> {
        let mut found = Vec::new();
        let failed = |name: &str, cause: io::Error| self.failed("cannot list", name, &cause);
        let entries = |path: &Path| match fs::read_dir(path) {
            Ok(entries) => entries.collect::<io::Result<Vec<_>>>(),
            // Removed meanwhile, or never made.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        };
        for set in entries(&self.0).map_err(|cause| failed("", cause))? {
            let set_name = set.file_name().to_string_lossy().into_owned();
            if !set.path().is_dir() {
                continue;
            }
            for file in entries(&set.path()).map_err(|cause| failed(&set_name, cause))? {
                let Ok(metadata) = file.metadata() else { continue };
                let name = format!("{set_name}/{}", file.file_name().to_string_lossy());
                found.push(Listed { name, bytes: metadata.len() });
            }
        }
        found.sort();
        Ok(found)
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(|cause| self.failed("cannot remove", name, &cause))?,
        }
        // The folder of a set goes with its last file; until then it is not empty.
        path.parent().into_iter().for_each(|set| drop(fs::remove_dir(set)));
        Ok(())
    }

    fn place(&self) -> String {
        self.0.display().to_string()
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
