//! What breaks the equality, each with the offsets that break it.

use serde::Serialize;

/// A stretch of one partition: `from <= offset < to`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Stretch {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// First offset.
    pub from: i64,
    /// One past the last.
    pub to: i64,
}

impl Stretch {
    /// One offset.
    #[must_use]
    pub fn of(topic: &str, partition: i32, offset: i64) -> Self {
        Self { topic: topic.to_owned(), partition, from: offset, to: offset + 1 }
    }

    /// Whether it holds an offset.
    #[must_use]
    pub fn holds(&self, topic: &str, partition: i32, offset: i64) -> bool {
        self.topic == topic && self.partition == partition && (self.from..self.to).contains(&offset)
    }
}

impl std::fmt::Display for Stretch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { topic, partition, from, to } = self;
        match to - from {
            1 => write!(f, "{topic}/{partition} offset {from}"),
            _ => write!(f, "{topic}/{partition} offsets {from} to {}", to - 1),
        }
    }
}

/// Something that breaks the equality.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// What sort of thing.
    pub kind: Kind,
    /// The step at which it shows.
    pub step: u64,
    /// Where it lies.
    pub at: Vec<Stretch>,
    /// In words.
    pub text: String,
}

/// Sorts of breakage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Steps are missing from the journal, or stand in it twice.
    Steps,
    /// Offsets that are in no step.
    Gap,
    /// Offsets that are in two steps.
    Overlap,
    /// A step's or run's figures do not add up.
    Unbalanced,
    /// The topic holds another number of records than a run says.
    Records,
    /// The topic's payments add up to another amount than a run says.
    Amounts,
    /// A rejected record without its message, or a message without its rejected record.
    Rejects,
    /// A step published another number of alerts than the topics hold.
    Alerts,
    /// An alert or a reject that stands twice.
    Twice,
    /// An alert whose source is not in the step that published it.
    Source,
    /// Revisions of an alert that are missing between others.
    Revisions,
    /// A reconciliation record says something else than the steps it covers.
    Summary,
}

impl Kind {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::Gap => "gap",
            Self::Overlap => "overlap",
            Self::Unbalanced => "unbalanced",
            Self::Records => "records",
            Self::Amounts => "amounts",
            Self::Rejects => "rejects",
            Self::Alerts => "alerts",
            Self::Twice => "twice",
            Self::Source => "source",
            Self::Revisions => "revisions",
            Self::Summary => "summary",
        }
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at step {}: {}", self.kind.word(), self.step, self.text)?;
        for (number, stretch) in self.at.iter().enumerate() {
            f.write_str(if number == 0 { ": " } else { ", " })?;
            stretch.fmt(f)?;
        }
        Ok(())
    }
}
