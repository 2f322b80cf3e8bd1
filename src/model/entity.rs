//! Entities: what state is kept for, and the pinned hash that places them.
//!
//! A [`Reference`] is 48 bits and unique: the upper 48 bits of a keyed SipHash-1-3 of kind and
//! name, moved on by one while another entity of the same shard holds it. Its top 10 bits are the
//! shard, so a reference means the same to every shard without knowing another's numbering. Two
//! different names never share one, and what decides is the order of first appearance, never the
//! memory layout.

use std::hash::Hasher as _;

use siphasher::sip::SipHasher13;

use crate::limits;

/// What kind of thing an entity is. The number is hashed with the name and is pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum EntityKind {
    /// A bank account or wallet.
    Account = 1,
    /// A customer token.
    Customer = 2,
    /// A device that starts payments.
    Device = 3,
    /// A telephone number's token.
    Phone = 4,
    /// A network that payments are ordered from: a wireless network's or an internet address.
    Address = 5,
    /// A payment id.
    Payment = 6,
    /// Somebody who opens accounts for others.
    Agent = 7,
}

impl EntityKind {
    /// The kind with a number.
    #[must_use]
    pub fn of_number(number: u8) -> Option<Self> {
        use EntityKind::{Account, Address, Agent, Customer, Device, Payment, Phone};
        let all = [Account, Customer, Device, Phone, Address, Payment, Agent];
        all.into_iter().find(|kind| *kind as u8 == number)
    }
}

/// Number of a shard, `0..SHARDS`.
pub type Shard = u16;

/// A 48-bit name of an entity; see the module's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Reference(u64);

const REFERENCE_BITS: u32 = 48;
/// Bits of a reference that differ inside a shard.
pub const IN_SHARD_BITS: u32 = REFERENCE_BITS - limits::SHARD_BITS;

impl Reference {
    /// "Nobody": used where an event names no counterparty. No name hashes to it: see
    /// [`KeyHash::first`].
    pub const NONE: Self = Self(0);

    /// Takes the low 48 bits as a reference.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        Self(bits & ((1 << REFERENCE_BITS) - 1))
    }

    /// The 48 bits.
    #[must_use]
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The shard that holds the entity.
    #[must_use]
    pub fn shard(self) -> Shard {
        (self.0 >> IN_SHARD_BITS) as Shard
    }

    /// The next reference of the same shard, for when this one is taken by another name.
    #[must_use]
    pub fn next(self) -> Self {
        let mask = (1u64 << IN_SHARD_BITS) - 1;
        let next = (self.0 & !mask) | ((self.0 + 1) & mask);
        if next == 0 { Self(1) } else { Self(next) }
    }
}

/// The tenant's hash key. The default is a public constant; where there is a secret, the runtime
/// derives one from it, so that nobody outside can choose names that collide. No outcome depends on
/// it: it decides where an entity lies, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashKey(pub u64, pub u64);

impl Default for HashKey {
    fn default() -> Self {
        Self(0x676f_7368_6177_6b01, 0xe88b_8de9_b9b0_0001)
    }
}

/// 64-bit hash of one entity's kind and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHash(pub u64);

impl KeyHash {
    /// Hashes `kind` and `name` under the tenant's key: SipHash-1-3 over the kind's byte, then the
    /// name.
    #[must_use]
    pub fn of(key: HashKey, kind: EntityKind, name: &[u8]) -> Self {
        let mut hasher = SipHasher13::new_with_keys(key.0, key.1);
        hasher.write_u8(kind as u8);
        hasher.write(name);
        Self(hasher.finish())
    }

    /// The reference to try first.
    #[must_use]
    pub fn first(self) -> Reference {
        let reference = Reference(self.0 >> (64 - REFERENCE_BITS));
        if reference == Reference::NONE { reference.next() } else { reference }
    }

    /// The shard that holds the entity.
    #[must_use]
    pub fn shard(self) -> Shard {
        (self.0 >> (64 - limits::SHARD_BITS)) as Shard
    }

    /// 32 bits that a ledger entry keeps of a payment id: the shard's bits first, so that the entry
    /// leads back to the payment's shard.
    #[must_use]
    pub fn fingerprint(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_and_references_are_pinned() {
        let hash = |kind, name: &str| KeyHash::of(HashKey::default(), kind, name.as_bytes());
        let account = hash(EntityKind::Account, "6222000000000001");
        assert_eq!(account.shard(), account.first().shard());
        assert_ne!(account, hash(EntityKind::Customer, "6222000000000001"));
        insta::assert_debug_snapshot!(
            [EntityKind::Account, EntityKind::Customer, EntityKind::Device, EntityKind::Payment]
                .map(|kind| (kind, hash(kind, "tok:9f3c").shard(), hash(kind, "tok:9f3c").first()))
        );
    }

    #[test]
    fn the_next_reference_stays_in_the_shard_and_is_never_nobody() {
        let last = Reference::from_bits((3 << IN_SHARD_BITS) | ((1 << IN_SHARD_BITS) - 1));
        assert_eq!(last.next().shard(), 3);
        assert_eq!(last.next().bits() & ((1 << IN_SHARD_BITS) - 1), 0);
        let in_first = Reference::from_bits((1 << IN_SHARD_BITS) - 1);
        assert_eq!(in_first.next(), Reference::from_bits(1));
    }
}
