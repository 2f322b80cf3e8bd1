//! Durations, hours and lists of words as authors write them in expressions.

use crate::model::time::{DAY, HOUR, MINUTE, Millis, SECOND};
use crate::rules::plan::query::Hours;
use crate::rules::plan::view::flag;

/// A duration as rules write it: `1h30m`.
#[must_use]
pub fn duration(ms: Millis) -> String {
    let mut rest = ms;
    let mut text = String::new();
    for (size, unit) in [(DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"), (1, "ms")] {
        if rest >= size {
            text += &format!("{}{unit}", rest / size);
            rest %= size;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Hours of the day.
#[must_use]
pub fn between(hours: Hours) -> String {
    let clock = |minutes: u16| format!("'{:02}:{:02}'", minutes / 60, minutes % 60);
    format!("between({}, {})", clock(hours.from_min), clock(hours.to_min))
}

/// The filter that leaves out entries with some flags, if there is one.
#[must_use]
pub fn without(mask: u16) -> String {
    words(".without", &flags(mask))
}

/// The words of the flags in a mask.
#[must_use]
pub fn flags(mask: u16) -> Vec<&'static str> {
    flag::WORDS.iter().filter(|(_, bit)| mask & bit != 0).map(|(word, _)| *word).collect()
}

/// A call with words; nothing without words.
#[must_use]
pub fn words(call: &str, words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    if words.is_empty() { String::new() } else { format!("{call}({})", words.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_they_are_read() {
        for text in ["1ms", "10m", "1h30m", "7d", "0s", "1d2h3m4s5ms"] {
            let ms = crate::rules::compile::duration(text).expect("a duration");
            assert_eq!(duration(ms), text);
        }
    }
}
