//! Several parties in one word of an example: `B,C,D`, and a crowd of numbered ones, `B1..B200`.

/// Parties of one line, at most: a slip of a digit is not to fill the memory.
const MOST: usize = 100_000;

/// The parties that a word names, in order.
pub(super) fn parties(word: &str) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for part in word.split(',') {
        match part.split_once("..") {
            None => names.push(part.to_owned()),
            Some((first, last)) => names.extend(crowd(first, last)?),
        }
        if names.len() > MOST {
            return Err(format!("at most {MOST} parties in one line"));
        }
    }
    Ok(names)
}

/// `B9` to `B12`: B9, B10, B11, B12.
fn crowd(first: &str, last: &str) -> Result<impl Iterator<Item = String>, String> {
    let wrong = || format!("`{first}..{last}` is not a crowd, as B1..B200");
    let (name, from) = numbered(first).ok_or_else(wrong)?;
    let (again, to) = numbered(last).ok_or_else(wrong)?;
    if name != again || to < from {
        return Err(wrong());
    }
    // One more than allowed is enough to be refused.
    let to = to.min(from.saturating_add(MOST as u32));
    Ok((from..=to).map(move |number| format!("{name}{number}")))
}

fn numbered(word: &str) -> Option<(&str, u32)> {
    let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
    Some((name, word[name.len()..].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_numbered_and_bounded() {
        assert_eq!(parties("A").expect("one"), ["A"]);
        assert_eq!(parties("A,B9..B11,C").expect("five"), ["A", "B9", "B10", "B11", "C"]);
        for wrong in ["B..B9", "B1..C9", "B9..B1", "B1..", "B1..B99999999999"] {
            assert!(parties(wrong).expect_err(wrong).contains("is not a crowd"), "{wrong}");
        }
        assert!(parties("B1..B4000000000").expect_err("too many").contains("at most 100000"));
    }
}
