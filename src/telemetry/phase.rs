//! What the process is doing.

/// A phase of the process, in the usual order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// Reading configuration, compiling rules, connecting.
    Starting,
    /// Rebuilding state by muted replay.
    Recovering,
    /// Another process leads; this one follows it and may take over.
    Standby,
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
        Self::Recovering,
        Self::Standby,
        Self::Running,
        Self::Stopping,
        Self::Failed,
    ];

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        ["starting", "recovering", "standby", "running", "stopping", "failed"][self as usize]
    }

    /// Whether the process does its part: it scores, or it follows and may take over.
    #[must_use]
    pub fn is_ready(self) -> bool {
        matches!(self, Self::Running | Self::Standby)
    }
}
