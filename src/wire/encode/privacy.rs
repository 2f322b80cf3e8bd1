//! Who may be recognised in a message: tokens, display masks, and the scrubbing of free texts.
//!
//! A token is the prefix of its kind and the first 32 hex digits (128 bits) of HMAC-SHA-256 under
//! the tenant's key. For an account the message is the account number exactly as the engine knows
//! it; for a customer or a device it is the prefix and the name, so that the same text in two roles
//! never gets the same digits. 128 bits keep collisions out of reach for any number of accounts and
//! fit every control system's id field.
//!
//! A name that already is a token of the bank's own (`tok:` … that is more than digits) passes as
//! it is: hashing it again would leave the control system nothing to match.

use std::borrow::Cow;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::model::entity::HashKey;

/// Hex digits of a token.
const TOKEN_DIGITS: usize = 32;
/// From this many digits on, a number is shown like a card: first 6 and last 4.
const CARD_DIGITS: usize = 13;
/// Shorter clear names are not looked for in free texts: they would be found inside ordinary words.
const SCRUB_LEN_MIN: usize = 8;

/// What recipients of alerts may see. There is no default: a tenant must choose.
#[derive(Clone, PartialEq, Eq)]
pub enum Privacy {
    /// Tokens and display masks.
    Masked {
        /// Key of the tokens.
        key: Vec<u8>,
        /// Name of the key, told to recipients so that keys can be changed.
        key_id: String,
    },
    /// Numbers and names as they came.
    Clear,
}

impl Privacy {
    /// The key of the hash that places entities: derived from the tokens' key, so that nobody
    /// outside knows it; public where there is none.
    #[must_use]
    pub fn hash_key(&self) -> HashKey {
        let Self::Masked { key, .. } = self else { return HashKey::default() };
        let digest = Sha256::new().chain_update(b"goshawk hash key\0").chain_update(key).finalize();
        let half =
            |from: usize| digest[from..from + 8].iter().fold(0, |n, b| n << 8 | u64::from(*b));
        HashKey(half(0), half(8))
    }
}

impl std::fmt::Debug for Privacy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Masked { key_id, .. } => write!(f, "Masked {{ key_id: {key_id:?} }}"),
            Self::Clear => f.write_str("Clear"),
        }
    }
}

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// `tok:`
    Account,
    /// `cus:`
    Customer,
    /// `dev:`
    Device,
    /// `ref:`, for anything else
    Other,
}

impl TokenKind {
    /// The kind that a related entity's word names.
    #[must_use]
    pub fn of(word: &str) -> Self {
        match word {
            "account" => Self::Account,
            "customer" => Self::Customer,
            "device" => Self::Device,
            _ => Self::Other,
        }
    }

    /// What a token of this kind begins with.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Account => "tok:",
            Self::Customer => "cus:",
            Self::Device => "dev:",
            Self::Other => "ref:",
        }
    }
}

/// Applies one privacy profile.
#[derive(Clone)]
pub struct Mask {
    keyed: Option<Keyed>,
}

#[derive(Clone)]
struct Keyed {
    mac: Hmac<Sha256>,
    key_id: String,
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mask").field("profile", &self.profile()).finish_non_exhaustive()
    }
}

impl Mask {
    /// Prepares a profile.
    #[must_use]
    pub fn new(privacy: &Privacy) -> Self {
        let keyed = match privacy {
            Privacy::Clear => None,
            Privacy::Masked { key, key_id } => Some(Keyed {
                mac: Hmac::new_from_slice(key).expect("HMAC takes a key of any length"),
                key_id: key_id.clone(),
            }),
        };
        Self { keyed }
    }

    /// The profile's word.
    #[must_use]
    pub fn profile(&self) -> &'static str {
        if self.keyed.is_some() { "masked" } else { "clear" }
    }

    /// The key's name, if there is one.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.keyed.as_ref().map(|keyed| keyed.key_id.as_str())
    }

    /// The token of a name, or in the clear profile the name itself.
    #[must_use]
    pub fn token<'a>(&self, kind: TokenKind, name: &'a str) -> Cow<'a, str> {
        let Some(keyed) = &self.keyed else { return Cow::Borrowed(name) };
        if is_token(kind, name) {
            return Cow::Borrowed(name);
        }
        let mut mac = keyed.mac.clone();
        if kind != TokenKind::Account {
            mac.update(kind.prefix().as_bytes());
        }
        mac.update(name.as_bytes());
        let mut token = String::with_capacity(kind.prefix().len() + TOKEN_DIGITS);
        token.push_str(kind.prefix());
        push_hex(&mut token, &mac.finalize().into_bytes()[..TOKEN_DIGITS / 2]);
        Cow::Owned(token)
    }

    /// How an account is shown to people beside its token; `None` where the account is in clear, or
    /// came as a token and its number is unknown.
    #[must_use]
    pub fn display(&self, account: &str) -> Option<String> {
        (self.keyed.is_some() && !is_token(TokenKind::Account, account))
            .then(|| mask_account(account))
    }

    /// How a holder's name is shown.
    #[must_use]
    pub fn name<'a>(&self, name: &'a str) -> Cow<'a, str> {
        if self.keyed.is_some() { Cow::Owned(mask_name(name)) } else { Cow::Borrowed(name) }
    }

    /// A free text or foreign id with every one of `clear` (kind and name) replaced by its token:
    /// some systems build their ids from account numbers.
    #[must_use]
    pub fn scrub<'a>(&self, text: &'a str, clear: &[(TokenKind, &str)]) -> Cow<'a, str> {
        let mut scrubbed = Cow::Borrowed(text);
        if self.keyed.is_none() {
            return scrubbed;
        }
        for &(kind, name) in clear {
            if name.len() >= SCRUB_LEN_MIN && !is_token(kind, name) && scrubbed.contains(name) {
                scrubbed = Cow::Owned(scrubbed.replace(name, &self.token(kind, name)));
            }
        }
        scrubbed
    }
}

fn is_token(kind: TokenKind, name: &str) -> bool {
    name.strip_prefix(kind.prefix())
        .is_some_and(|rest| rest.bytes().any(|byte| byte.is_ascii_alphabetic()))
}

/// Shows an account number: first 6 and last 4 characters of one with 13 digits or more, else the
/// last 4; of one with 4 characters or fewer nothing.
#[must_use]
pub fn mask_account(account: &str) -> String {
    let count = account.chars().count();
    let digits = account.chars().filter(char::is_ascii_digit).count();
    let (first, last) = match (digits >= CARD_DIGITS, count > 4) {
        (true, _) => (6, 4),
        (false, true) => (0, 4),
        (false, false) => (0, 0),
    };
    let shown = |(at, c)| if at < first || at >= count - last { c } else { '*' };
    account.chars().enumerate().map(shown).collect()
}

/// Shows a name: its first character, and one `*` for each further one (at least one).
#[must_use]
pub fn mask_name(name: &str) -> String {
    let mut chars = name.chars();
    let mut masked: String = chars.next().into_iter().collect();
    masked.extend(std::iter::repeat_n('*', chars.count().max(1)));
    masked
}

/// Appends bytes as lower-case hex digits.
pub(super) fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).expect("a nibble is a hex digit"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked() -> Mask {
        Mask::new(&Privacy::Masked { key: b"key".to_vec(), key_id: "k1".into() })
    }

    #[test]
    fn tokens_are_the_published_function() {
        // HMAC-SHA-256 test vector of RFC 4231, case 2, cut to 32 digits.
        let mask = Mask::new(&Privacy::Masked { key: b"Jefe".to_vec(), key_id: "k1".into() });
        assert_eq!(
            mask.token(TokenKind::Account, "what do ya want for nothing?"),
            "tok:5bdcc146bf60754e6a042426089575c7"
        );
    }

    #[test]
    fn kinds_do_not_share_digits_and_foreign_tokens_pass() {
        let mask = masked();
        let account = mask.token(TokenKind::Account, "62220001");
        let device = mask.token(TokenKind::Device, "62220001");
        assert_ne!(account[4..], device[4..]);
        assert_eq!(mask.token(TokenKind::Account, "tok:9f3c"), "tok:9f3c");
        assert_eq!(mask.display("tok:9f3c"), None);
        // A number that only pretends to be a token is not let through.
        assert_ne!(mask.token(TokenKind::Account, "tok:622588123456"), "tok:622588123456");
        let clear = Mask::new(&Privacy::Clear);
        assert_eq!(clear.token(TokenKind::Account, "62220001"), "62220001");
        assert_eq!(clear.name("王小明"), "王小明");
    }

    #[test]
    fn numbers_and_names_are_shown_masked() {
        assert_eq!(mask_account("6225881234564325"), "622588******4325");
        assert_eq!(mask_account("1234567890123"), "123456***0123");
        assert_eq!(mask_account("123456789012"), "********9012");
        assert_eq!(mask_account("1234"), "****");
        assert_eq!(mask_account(""), "");
        assert_eq!(mask_name("王小明"), "王**");
        assert_eq!(mask_name("王"), "王*");
        assert_eq!(mask_name(""), "*");
    }

    #[test]
    fn ids_built_from_account_numbers_are_scrubbed() {
        let mask = masked();
        let clear = [(TokenKind::Account, "6225881234564325")];
        let scrubbed = mask.scrub("ep-6225881234564325-7", &clear);
        assert!(scrubbed.starts_with("ep-tok:") && scrubbed.ends_with("-7"), "{scrubbed}");
        assert_eq!(mask.scrub("p-1", &clear), "p-1");
    }
}
