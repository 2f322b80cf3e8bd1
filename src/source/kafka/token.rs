//! The OAUTHBEARER token: a file that something else renews, read again before its token expires.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::client::OAuthToken;
use serde::Deserialize;

/// How long a token is taken to hold at most: the file is read again well before.
const LIFE_MOST: Duration = Duration::from_secs(60);

/// What of a token's claims is read.
#[derive(Deserialize)]
struct Claims {
    /// Seconds since 1970; some issuers write fractions.
    exp: f64,
}

/// The token a file holds now.
///
/// # Errors
/// When it cannot be read, or is empty.
pub fn read_token(path: &Path) -> std::io::Result<String> {
    let token = std::fs::read_to_string(path)?.trim().to_owned();
    if token.is_empty() { Err(std::io::Error::other("the file is empty")) } else { Ok(token) }
}

/// The token for a client, with the time at which it is to ask again.
pub(super) fn for_client(path: &Path, now: SystemTime) -> std::io::Result<OAuthToken> {
    let token = read_token(path)?;
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let until = match expiry(&token) {
        Some(expiry) if expiry <= now => {
            return Err(std::io::Error::other("the token in the file has expired"));
        }
        Some(expiry) => expiry.min(now + LIFE_MOST),
        None => now + LIFE_MOST,
    };
    // The broker takes the principal from the token itself; this name is only for our side's logs.
    let principal_name = "goshawk".to_owned();
    let lifetime_ms = i64::try_from(until.as_millis()).map_err(std::io::Error::other)?;
    Ok(OAuthToken { token, principal_name, lifetime_ms })
}

/// When a JSON Web Token says that it expires; `None` when it is another kind, or does not say.
fn expiry(token: &str) -> Option<Duration> {
    let claims = from_base64url(token.split('.').nth(1)?)?;
    let Claims { exp } = serde_json::from_slice(&claims).ok()?;
    Duration::try_from_secs_f64(exp).ok()
}

fn from_base64url(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(text: &str, now_s: u64) -> Result<i64, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("writable");
        let now = UNIX_EPOCH + Duration::from_secs(now_s);
        let token = for_client(file.path(), now).map_err(|error| error.to_string())?;
        assert_eq!(token.token, text.trim());
        Ok(token.lifetime_ms)
    }

    #[test]
    fn a_token_is_asked_for_again_before_it_expires_and_once_a_minute() {
        // {"sub":"goshawk","exp":1000}, without and with padding.
        let jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJnb3NoYXdrIiwiZXhwIjoxMDAwfQ.\n";
        assert_eq!(client(jwt, 100), Ok(160_000), "a minute at most");
        assert_eq!(client(jwt, 990), Ok(1_000_000), "its own end");
        assert_eq!(client(&jwt.replace("fQ.", "fQ==."), 990), Ok(1_000_000));
        assert!(client(jwt, 1_000).expect_err("at its end").contains("expired"));
        assert_eq!(client("opaque", 100), Ok(160_000), "another kind says nothing");
        assert_eq!(client("a.b.c", 100), Ok(160_000), "nor does rubbish");
        assert!(client(" \n", 100).expect_err("nothing").contains("empty"));
    }
}
