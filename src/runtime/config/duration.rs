//! Durations in the configuration: `"2m"`, `"90s"`, `"1h 30m"`; milliseconds in the program.

use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _, de::Unexpected};

use crate::model::time::Millis;

/// The duration as it would be written in the file.
#[must_use]
pub fn text(duration_ms: Millis) -> String {
    format!("{:#}", jiff::SignedDuration::from_millis(duration_ms))
}

/// Writes a duration.
///
/// # Errors
/// As the serializer.
pub fn serialize<S: Serializer>(duration_ms: &Millis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(*duration_ms))
}

/// Reads a duration.
///
/// # Errors
/// If the text is not one.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Millis, D::Error> {
    let written = String::deserialize(deserializer)?;
    let parsed: jiff::SignedDuration = written.parse().map_err(|_| {
        D::Error::invalid_value(Unexpected::Str(&written), &"a duration like \"2m\"")
    })?;
    i64::try_from(parsed.as_millis()).map_err(|_| {
        D::Error::invalid_value(
            Unexpected::Str(&written),
            &"a duration of at most 292 million years",
        )
    })
}
