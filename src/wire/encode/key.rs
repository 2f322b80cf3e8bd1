//! The key of the tokens, as text: 64 hex digits. Reading the file or the environment is the
//! caller's.

use sha2::{Digest as _, Sha256};

use super::privacy::{Privacy, push_hex};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// A key and its public name.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenKey {
    bytes: [u8; KEY_BYTES],
    id: String,
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenKey {{ id: {:?} }}", self.id)
    }
}

/// Why a text is not a key. Never says what the text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token key is 64 hex digits ({KEY_BYTES} random bytes), this text is not")]
pub struct NotAKey;

impl TokenKey {
    /// Takes random bytes as a key, named `k-` and 8 hex digits of a hash that tells nothing of it.
    #[must_use]
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"goshawk token key id\0");
        hash.update(bytes);
        let mut id = String::from("k-");
        push_hex(&mut id, &hash.finalize()[..4]);
        Self { bytes, id }
    }

    /// Reads a key; white space around it is ignored.
    ///
    /// # Errors
    /// [`NotAKey`], if the text is anything but 64 hex digits.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let digits = text.trim().as_bytes();
        if digits.len() != 2 * KEY_BYTES {
            return Err(NotAKey);
        }
        let mut bytes = [0u8; KEY_BYTES];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let nibble = |digit: u8| char::from(digit).to_digit(16).ok_or(NotAKey);
            *byte = (nibble(pair[0])? * 16 + nibble(pair[1])?) as u8;
        }
        Ok(Self::new(bytes))
    }

    /// The key as it stands in a file, with a final newline.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(2 * KEY_BYTES + 1);
        push_hex(&mut text, &self.bytes);
        text.push('\n');
        text
    }

    /// Its public name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The masked profile under this key; `id` overrides the key's own name.
    #[must_use]
    pub fn masked(&self, id: Option<&str>) -> Privacy {
        Privacy::Masked { key: self.bytes.to_vec(), key_id: id.unwrap_or(&self.id).to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        let key = TokenKey::new([0xa5; KEY_BYTES]);
        assert_eq!(TokenKey::parse(&key.to_text()), Ok(key.clone()));
        assert_eq!(TokenKey::parse(&key.to_text().to_uppercase()), Ok(key.clone()));
        assert!(key.id().starts_with("k-") && key.id().len() == 10);
        assert!(!format!("{key:?} {:?}", key.masked(None)).contains("a5a5"));
        for bad in ["", "a5", &"g".repeat(64), &"a".repeat(63), &"é".repeat(32)] {
            assert_eq!(TokenKey::parse(bad), Err(NotAKey));
        }
    }
}
