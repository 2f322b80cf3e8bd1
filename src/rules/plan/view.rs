//! Whose ledger a value is read from, and which of its entries: roles, directions, flags, windows.

use crate::model::time::Millis;

/// In which role a payment touches an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Role {
    /// The paying account.
    Payer = 0,
    /// The paid account.
    Payee = 1,
    /// The payer's customer.
    PayerCustomer = 2,
    /// The payee's customer.
    PayeeCustomer = 3,
    /// The device that ordered the payment.
    Device = 4,
    /// The network it was ordered from: the wireless network, else the internet address.
    Network = 5,
    /// The telephone bound to an account when it is opened.
    Phone = 6,
    /// Who opened an account for somebody else.
    Agent = 7,
}

impl Role {
    /// Number of roles.
    pub const COUNT: usize = 8;
    /// Every role, in order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Payer,
        Self::Payee,
        Self::PayerCustomer,
        Self::PayeeCustomer,
        Self::Device,
        Self::Network,
        Self::Phone,
        Self::Agent,
    ];

    /// Whether a payment can touch an entity in this role.
    #[must_use]
    pub fn of_payments(self) -> bool {
        !matches!(self, Self::Phone | Self::Agent)
    }

    /// Whether an opening can: there the payer is the account and its customer.
    #[must_use]
    pub fn of_openings(self) -> bool {
        !matches!(self, Self::Payee | Self::PayeeCustomer | Self::Network)
    }
}

/// Direction of an entry, seen from the entity that keeps the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Direction {
    /// Money in.
    Credit = 0,
    /// Money out. Uses of a device or a network count as debits.
    Debit = 1,
}

/// Flags of a ledger entry that `without(…)` filters on.
pub mod flag {
    /// Both sides belong to one customer.
    pub const OWN: u16 = 1;
    /// Salary under a payroll agreement, or from a payer on the payroll list.
    pub const PAYROLL: u16 = 2;
    /// Benign inflow: insurer, pension, social security, tax refund …
    pub const BENIGN: u16 = 4;
    /// The counterparty is a registered merchant or acquirer, or this is settlement.
    pub const MERCHANT: u16 = 8;
    /// The counterparty is a public or essential payee.
    pub const PUBLIC: u16 = 16;
    /// Money in from a redemption, or brought together from the holder's own accounts elsewhere.
    pub const REDEMPTION: u16 = 32;
    /// Money in from a loan.
    pub const LOAN: u16 = 64;
    /// Money out for what is as good as money: gold, top-ups, gift, game and fuel cards.
    pub const GOODS: u16 = 128;
    /// Of these, gold and jewellery.
    pub const GOLD: u16 = 256;
    /// The counterparty is a person.
    pub const PERSON: u16 = 512;
    /// Money out at a terminal abroad.
    pub const ABROAD: u16 = 1_024;
    /// All of them.
    pub const ALL: u16 = 2_047;
    /// Every flag with its word.
    pub const WORDS: &[(&str, u16)] = &[
        ("own", OWN),
        ("payroll", PAYROLL),
        ("benign", BENIGN),
        ("merchant", MERCHANT),
        ("public", PUBLIC),
        ("redemption", REDEMPTION),
        ("loan", LOAN),
        ("goods", GOODS),
        ("gold", GOLD),
        ("person", PERSON),
        ("abroad", ABROAD),
    ];
}

/// Entries of one direction in `(t − window, t]`, less those with a flag in `without`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct View {
    /// Money in or out.
    pub direction: Direction,
    /// Length of the window.
    pub window_ms: Millis,
    /// Flags of [`flag`] that exclude an entry.
    pub without: u16,
}

/// Entries of both directions in `(t − window, t]`, less those with a flag in `without`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowView {
    /// Length of the window.
    pub window_ms: Millis,
    /// Flags of [`flag`] that exclude an entry.
    pub without: u16,
}
