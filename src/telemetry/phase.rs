//! What the process is doing.

/// A phase of the process, in the usual order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// Reading configuration, compiling rules, connecting.
    Starting,
    /// Another process leads; this one waits its turn.
    Waiting,
    /// Rebuilding state by muted replay.
    Recovering,
    /// Scoring.
    Running,
    /// Finishing and handing over.
    Stopping,
    /// Stopped by an error.
    Failed,
}

impl Phase {
    /// All phases.
    pub const ALL: [Self; 6] = [
        Self::Starting,
        Self::Waiting,
        Self::Recovering,
        Self::Running,
        Self::Stopping,
        Self::Failed,
    ];

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        ["starting", "waiting", "recovering", "running", "stopping", "failed"][self as usize]
    }

    /// Whether work may be sent here.
    #[must_use]
    pub fn is_ready(self) -> bool {
        self == Self::Running
    }
}
