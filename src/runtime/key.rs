//! The key of the account tokens, from a file or the environment.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::wire::encode::key::{KEY_BYTES, NotAKey, TokenKey};

/// Why there is no key. Never says what a file or variable holds.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file could not be read or made.
    #[error("key file {path}: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The environment variable is not set.
    #[error("environment variable {0} is not set; it should hold the token key")]
    Unset(String),
    /// What was found is not a key.
    #[error("{place}: {cause}")]
    NotAKey {
        /// The file or variable.
        place: String,
        /// What a key looks like.
        cause: NotAKey,
    },
    /// The system gives no random bytes.
    #[error("no random bytes for a new key: {0}")]
    Random(String),
}

/// Reads a key file.
///
/// # Errors
/// When there is none, or it holds something else.
pub fn load_key(path: &Path) -> Result<TokenKey, KeyError> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| KeyError::File { path: path.to_owned(), cause })?;
    TokenKey::parse(&text)
        .map_err(|cause| KeyError::NotAKey { place: path.display().to_string(), cause })
}

/// Reads a key from an environment variable.
///
/// # Errors
/// When it is not set, or holds something else.
pub fn key_from_env(name: &str) -> Result<TokenKey, KeyError> {
    let text = std::env::var(name).map_err(|_| KeyError::Unset(name.to_owned()))?;
    TokenKey::parse(&text).map_err(|cause| KeyError::NotAKey { place: name.to_owned(), cause })
}

/// Reads a key file, or makes one that only its owner can read; `true` when it is new.
///
/// # Errors
/// As [`load_key`], and when the file cannot be made.
pub fn load_or_create_key(path: &Path) -> Result<(TokenKey, bool), KeyError> {
    if path.exists() {
        return load_key(path).map(|key| (key, false));
    }
    let mut bytes = [0u8; KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| KeyError::Random(error.to_string()))?;
    let key = TokenKey::new(bytes);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(key.to_text().as_bytes()));
    written.map_err(|cause| KeyError::File { path: path.to_owned(), cause })?;
    Ok((key, true))
}
