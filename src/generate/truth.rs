//! What the generator knows about its own events: labels of planted patterns, and counts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::label::Label;

/// Kinds of planted pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Many transfers out within minutes, to several payees.
    Burst,
    /// Money comes in and leaves within minutes; nothing stays.
    PassThrough,
    /// Many pay one account, which pays it all on to one.
    ScatterInGatherOut,
    /// One pays a large sum, which leaves in pieces to many.
    GatherInScatterOut,
    /// A victim's money runs through three levels of accounts.
    MultiLevelChain,
    /// Money comes back to where it started.
    Cycle,
    /// An old person's account is emptied in a few payments to a stranger.
    DrainedElderly,
    /// A payment to an account that is already listed as a case account.
    ListedPayee,
    /// An account that lay still for half a year takes money in and loses it within hours.
    DormantAwakening,
    /// A payment out of an account that is under control.
    ControlViolation,
    /// A victim pays while somebody else sees the screen and steers.
    RemoteSession,
}

impl Kind {
    /// Every kind, in order.
    pub const ALL: [Self; 11] = [
        Self::Burst,
        Self::PassThrough,
        Self::ScatterInGatherOut,
        Self::GatherInScatterOut,
        Self::MultiLevelChain,
        Self::Cycle,
        Self::DrainedElderly,
        Self::ListedPayee,
        Self::DormantAwakening,
        Self::ControlViolation,
        Self::RemoteSession,
    ];

    /// The word used in labels and reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Burst => "burst",
            Self::PassThrough => "pass_through",
            Self::ScatterInGatherOut => "scatter_in_gather_out",
            Self::GatherInScatterOut => "gather_in_scatter_out",
            Self::MultiLevelChain => "multi_level_chain",
            Self::Cycle => "cycle",
            Self::DrainedElderly => "drained_elderly",
            Self::ListedPayee => "listed_payee",
            Self::DormantAwakening => "dormant_awakening",
            Self::ControlViolation => "control_violation",
            Self::RemoteSession => "remote_session",
        }
    }
}

/// Kinds of hard negative: honest payments that look like fraud. They carry no label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HardNegative {
    /// A client pays, and a registered employer pays all its wages from it.
    Payroll,
    /// A canteen collects by QR code over lunch.
    Canteen,
    /// A group-buy organiser collects from neighbours and pays the supplier.
    GroupBuy,
    /// All tenants pay on the same day, and the mortgage follows.
    Landlord,
    /// Relatives lend for a down-payment, which goes to the developer's escrow.
    HousePurchase,
    /// Salary or savings are swept between a person's own accounts.
    OwnSweep,
    /// Red packets to a whole family within minutes.
    RedPackets,
    /// A new account receives its owner's savings, and keeps them.
    NewSaver,
    /// Many customers use a branch's kiosk.
    Kiosk,
}

impl HardNegative {
    /// The word used in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Payroll => "payroll",
            Self::Canteen => "canteen",
            Self::GroupBuy => "group_buy",
            Self::Landlord => "landlord",
            Self::HousePurchase => "house_purchase",
            Self::OwnSweep => "own_sweep",
            Self::RedPackets => "red_packets",
            Self::NewSaver => "new_saver",
            Self::Kiosk => "kiosk",
        }
    }
}

/// Labels kept until somebody takes them, at most; above it the newest are counted and dropped.
pub const LABELS_WAITING_MAX: usize = 1 << 20;

/// What the generator has planted so far. Clones share one content, so that a reader keeps one
/// while the generator is away on another thread.
#[derive(Clone, Debug, Default)]
pub struct Truth(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    labels: Vec<Label>,
    dropped: u64,
    planted: BTreeMap<Kind, u64>,
    hard_negatives: BTreeMap<HardNegative, u64>,
}

impl Truth {
    /// Takes the labels of the events handed out since the last call.
    #[must_use]
    pub fn take_labels(&self) -> Vec<Label> {
        std::mem::take(&mut self.known().labels)
    }

    /// Labels that were dropped because nobody took them.
    #[must_use]
    pub fn labels_dropped(&self) -> u64 {
        self.known().dropped
    }

    /// Patterns begun, by kind.
    #[must_use]
    pub fn planted(&self) -> BTreeMap<Kind, u64> {
        self.known().planted.clone()
    }

    /// Hard negatives begun, by kind.
    #[must_use]
    pub fn hard_negatives(&self) -> BTreeMap<HardNegative, u64> {
        self.known().hard_negatives.clone()
    }

    pub(super) fn label(&self, label: Label) {
        let mut known = self.known();
        if known.labels.len() < LABELS_WAITING_MAX {
            known.labels.push(label);
        } else {
            known.dropped += 1;
        }
    }

    pub(super) fn count_planted(&self, kind: Kind) {
        *self.known().planted.entry(kind).or_default() += 1;
    }

    pub(super) fn count_hard_negative(&self, kind: HardNegative) {
        *self.known().hard_negatives.entry(kind).or_default() += 1;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Counts stay true even if a reader panicked while it held them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
