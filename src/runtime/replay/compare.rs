//! Published alerts against reproduced ones: equal byte for byte, or what differs where. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::limits;
use crate::runtime::reconcile::broken::Stretch;

/// An alert as its topic holds it.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its id and revision.
    pub id: (String, u32),
    /// The step that published it, if it says so.
    pub step: Option<u64>,
    /// Where it lies.
    pub at: Stretch,
    /// Its body.
    pub body: Vec<u8>,
}

/// An alert as it is made again.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its id and revision.
    pub id: (String, u32),
    /// The step that makes it.
    pub step: u64,
    /// Its body.
    pub body: Vec<u8>,
}

/// How one alert came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Its id.
    pub alert_id: String,
    /// Its revision.
    pub revision: u32,
    /// The step that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// Where the published one lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Stretch>,
    /// Equal or not.
    pub verdict: Verdict,
    /// What differs, place by place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

/// Whether an alert was reproduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Byte for byte.
    Equal,
    /// Made, but not the same.
    Different,
    /// Published, and not made again.
    NotMade,
    /// Made, and not published.
    NotPublished,
}

impl Verdict {
    /// In words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Different => "different",
            Self::NotMade => "published, not reproduced",
            Self::NotPublished => "reproduced, not published",
        }
    }
}

/// One place at which two bodies differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The place, as a JSON pointer.
    pub place: String,
    /// What the topic holds; `None`: nothing.
    pub published: Option<Value>,
    /// What is made; `None`: nothing.
    pub reproduced: Option<Value>,
}

/// All alerts of a replay.
#[derive(Debug, Default)]
pub struct Comparison {
    held: BTreeMap<(String, u32), Held>,
    done: Vec<Compared>,
}

impl Comparison {
    /// Against these. Of an alert that stands more than once the first counts; that the others are
    /// the same is for `reconcile` to say.
    #[must_use]
    pub fn new(all: Vec<Held>) -> Self {
        let mut held = BTreeMap::new();
        for alert in all {
            held.entry(alert.id.clone()).or_insert(alert);
        }
        Self { held, done: Vec::new() }
    }

    /// Takes an alert that is made again.
    pub fn made(&mut self, made: Made) {
        let Made { id, step, body } = made;
        let held = self.held.remove(&id);
        let (verdict, differences) = match &held {
            None => (Verdict::NotPublished, Vec::new()),
            Some(held) if held.body == body => (Verdict::Equal, Vec::new()),
            Some(held) => (Verdict::Different, differences(&held.body, &body)),
        };
        self.done.push(Compared {
            alert_id: id.0,
            revision: id.1,
            step: Some(step),
            at: held.map(|held| held.at),
            verdict,
            differences,
        });
    }

    /// An alert was made that nobody asked for.
    pub fn pass(&mut self, id: &(String, u32)) {
        self.held.remove(id);
    }

    /// Alert by alert, in the order in which they are made; those that are not made last.
    #[must_use]
    pub fn finish(self) -> Vec<Compared> {
        let not_made = self.held.into_values().map(|held| Compared {
            alert_id: held.id.0,
            revision: held.id.1,
            step: held.step,
            at: Some(held.at),
            verdict: Verdict::NotMade,
            differences: Vec::new(),
        });
        self.done.into_iter().chain(not_made).collect()
    }
}

/// What differs between two bodies, the first of it. Where only the bytes do, the whole is named.
#[must_use]
pub fn differences(published: &[u8], reproduced: &[u8]) -> Vec<Difference> {
    let read = |body: &[u8]| serde_json::from_slice::<Value>(body);
    let text = |body: &[u8]| Value::from(String::from_utf8_lossy(body));
    let mut found = Vec::new();
    match (read(published), read(reproduced)) {
        (Ok(a), Ok(b)) if a != b => walk("", Some(&a), Some(&b), &mut found),
        _ => found.push(Difference {
            place: String::new(),
            published: Some(text(published)),
            reproduced: Some(text(reproduced)),
        }),
    }
    found.truncate(limits::DIFFERENCES_TOLD_MAX);
    found
}

fn walk(place: &str, a: Option<&Value>, b: Option<&Value>, found: &mut Vec<Difference>) {
    match (a, b) {
        _ if a == b || found.len() >= limits::DIFFERENCES_TOLD_MAX => {}
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let below = format!("{place}/{}", key.replace('~', "~0").replace('/', "~1"));
                walk(&below, a.get(key), b.get(key), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for index in 0..a.len().max(b.len()) {
                walk(&format!("{place}/{index}"), a.get(index), b.get(index), found);
            }
        }
        _ => found.push(Difference {
            place: place.to_owned(),
            published: a.cloned(),
            reproduced: b.cloned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(id: &str, body: &str) -> Held {
        let at = Stretch::of("alerts", 0, 7);
        Held { id: (id.to_owned(), 1), step: Some(3), at, body: body.into() }
    }

    fn made(id: &str, body: &str) -> Made {
        Made { id: (id.to_owned(), 1), step: 3, body: body.into() }
    }

    #[test]
    fn each_alert_is_equal_different_or_only_on_one_side() {
        let all = vec![held("a", "{}"), held("b", r#"{"x":1}"#), held("c", "{}"), held("a", "{1}")];
        let mut comparison = Comparison::new(all);
        for (id, body) in [("a", "{}"), ("b", r#"{"x":2}"#), ("d", "{}")] {
            comparison.made(made(id, body));
        }
        let done = comparison.finish();
        let verdicts: Vec<_> = done.iter().map(|c| (c.alert_id.as_str(), c.verdict)).collect();
        let expected = [
            ("a", Verdict::Equal),
            ("b", Verdict::Different),
            ("d", Verdict::NotPublished),
            ("c", Verdict::NotMade),
        ];
        assert_eq!(verdicts, expected);
    }

    #[test]
    fn differences_name_their_places() {
        let a = br#"{"same":1,"list":[1,{"x":"a"}],"gone":true}"#;
        let b = br#"{"same":1,"list":[1,{"x":"b"},3],"a/b":null}"#;
        let places: Vec<_> = differences(a, b).into_iter().map(|d| d.place).collect();
        assert_eq!(places, ["/a~1b", "/gone", "/list/1/x", "/list/2"]);
    }

    #[test]
    fn bytes_that_mean_the_same_still_differ() {
        let found = differences(br#"{"a":1,"b":2}"#, br#"{"b":2,"a":1}"#);
        assert_eq!((found.len(), found[0].place.as_str()), (1, ""));
    }
}
