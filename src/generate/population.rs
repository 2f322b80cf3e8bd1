//! Who there is: accounts as numbers, and everything about them derived by hashing the number, so
//! that ten million accounts cost no more memory than their balances.

use super::calendar;
use super::dice::{fixed_skewed, mix};
use crate::model::event::CustomerType;
use crate::model::time::{DAY, MINUTE, Millis};

/// What an account is. The number is the upper byte of an [`Account`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Role {
    /// A person's main account.
    Person = 1,
    /// A person's savings account; numbered like the person.
    Savings = 2,
    /// A shop.
    Merchant = 3,
    /// An employer and supplier.
    Business = 4,
    /// A person's account that lies still, until somebody buys it.
    Idle = 5,
    /// An account opened while the stream runs, or shortly before.
    Fresh = 6,
    /// An account at a bank that shares nothing with us.
    Outside = 7,
    /// A utility, tax office or hospital.
    Public = 8,
    /// A payment institution.
    Psp = 9,
    /// Cash of a bank's machine.
    Cash = 10,
    /// A developer's escrow account.
    Escrow = 11,
}

/// An account: its role, the day it was opened (fresh ones only), its number within the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Account(u64);

impl Account {
    pub fn new(role: Role, number: u64) -> Self {
        Self((role as u64) << 56 | number & 0xffff_ffff)
    }

    /// A fresh account, opened `minutes` after [`Population::epoch_ms`].
    pub fn fresh(number: u64, minutes: u64) -> Self {
        Self((Role::Fresh as u64) << 56 | (minutes & 0xff_ffff) << 32 | number & 0xffff_ffff)
    }

    /// A second account of a person, opened as for [`Account::fresh`].
    pub fn fresh_of(person: u64, minutes: u64) -> Self {
        Self::fresh(OWNED | person, minutes)
    }

    pub fn role(self) -> Role {
        match self.0 >> 56 {
            1 => Role::Person,
            2 => Role::Savings,
            3 => Role::Merchant,
            4 => Role::Business,
            5 => Role::Idle,
            6 => Role::Fresh,
            8 => Role::Public,
            9 => Role::Psp,
            10 => Role::Cash,
            11 => Role::Escrow,
            _ => Role::Outside,
        }
    }

    pub fn number(self) -> u64 {
        self.0 & 0xffff_ffff
    }

    /// The whole packed number, for hashing.
    pub fn bits(self) -> u64 {
        self.0
    }

    fn opened_minutes(self) -> u64 {
        self.0 >> 32 & 0xff_ffff
    }
}

/// Bit of a fresh account's number: it belongs to the person that the other bits name.
const OWNED: u64 = 1 << 31;

/// A device: a hash, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Device(pub u64);

impl Device {
    pub const NONE: Self = Self(0);
}

/// Sizes, and every attribute that follows from them and the seed.
pub(super) struct Population {
    salt: u64,
    start_ms: Millis,
    pub persons: u64,
    pub savings: u64,
    pub merchants: u64,
    pub businesses: u64,
    pub idle: u64,
    pub publics: u64,
    pub psps: u64,
    pub machines: u64,
}

/// How long before the stream's start the youngest backdated account may have been opened.
const EPOCH_BEFORE_START: Millis = 40 * DAY;

impl Population {
    /// Splits `accounts`: of 64, 46 persons, 11 savings accounts of theirs, 4 shops, 2 businesses,
    /// 1 idle.
    pub fn new(accounts: u64, seed: u64, start_ms: Millis) -> Self {
        let merchants = (accounts / 16).max(4);
        let businesses = (accounts / 32).max(2);
        let idle = (accounts / 64).max(2);
        let people = accounts - merchants - businesses - idle;
        let savings = people / 5;
        Self {
            salt: mix(seed),
            start_ms,
            persons: people - savings,
            savings,
            merchants,
            businesses,
            idle,
            // Scaled with the city, so that none grows hotter than a real one.
            publics: (accounts / 50_000).clamp(8, 10_000),
            psps: (accounts / 50_000).clamp(4, 10_000),
            machines: (accounts / 5_000).clamp(4, 100_000),
        }
    }

    /// Time of the stream's first event.
    pub fn start_ms(&self) -> Millis {
        self.start_ms
    }

    /// The time fresh accounts count their opening from.
    pub fn epoch_ms(&self) -> Millis {
        calendar::midnight(self.start_ms) - EPOCH_BEFORE_START
    }

    /// Index of the account's balance; `None` when it keeps none here.
    pub fn balance_index(&self, account: Account) -> Option<usize> {
        let base = match account.role() {
            Role::Person => 0,
            Role::Savings => self.persons,
            Role::Merchant => self.persons + self.savings,
            Role::Business => self.persons + self.savings + self.merchants,
            _ => return None,
        };
        Some((base + account.number()) as usize)
    }

    /// Number of accounts with a balance.
    pub fn balances(&self) -> usize {
        (self.persons + self.savings + self.merchants + self.businesses) as usize
    }

    /// What the account at a balance index holds at the start, minor units.
    pub fn first_balance(&self, index: usize) -> i64 {
        let hash = self.hash(Trait::Balance, index as u64);
        let index = index as u64;
        if index < self.persons {
            fixed_skewed(hash, 80_000, 12_000_000)
        } else if index < self.persons + self.savings {
            fixed_skewed(hash, 2_000_000, 60_000_000)
        } else if index < self.persons + self.savings + self.merchants {
            fixed_skewed(hash, 3_000_000, 40_000_000)
        } else {
            fixed_skewed(hash, 60_000_000, 2_000_000_000)
        }
    }

    /// The customer's token as a number: persons share it with their savings. `None` for strangers.
    pub fn customer(&self, account: Account) -> Option<u64> {
        let (role, number) = match (account.role(), account.number()) {
            (Role::Outside, _) => return None,
            (Role::Savings, person) => (Role::Person, person),
            (Role::Fresh, number) if number & OWNED != 0 => (Role::Person, number & !OWNED),
            other => other,
        };
        Some(mix(self.salt ^ Account::new(role, number).0))
    }

    pub fn customer_type(&self, account: Account) -> CustomerType {
        match account.role() {
            Role::Merchant => CustomerType::Merchant,
            Role::Business | Role::Public | Role::Escrow => CustomerType::Business,
            Role::Psp => CustomerType::Psp,
            Role::Cash => CustomerType::InternalAccount,
            _ => CustomerType::Person,
        }
    }

    /// When the account was opened; `None` when the bank does not say.
    pub fn opened_ms(&self, account: Account) -> Option<Millis> {
        match account.role() {
            Role::Outside | Role::Cash | Role::Psp | Role::Public | Role::Escrow => None,
            Role::Fresh => Some(self.epoch_ms() + account.opened_minutes() as i64 * MINUTE),
            _ => {
                let days = 40 + self.hash(Trait::Opened, account.0) % 4_000;
                Some(self.epoch_ms() - days as i64 * DAY)
            }
        }
    }

    /// A person's age in years.
    pub fn age_years(&self, person: u64) -> u8 {
        (18 + self.hash(Trait::Age, person) % 66) as u8
    }

    /// A person's monthly salary, minor units; unequal to the cent.
    pub fn salary_minor(&self, person: u64) -> i64 {
        fixed_skewed(self.hash(Trait::Salary, person), 320_000, 3_600_000)
    }

    /// The device a person pays with; one couple in ten shares a tablet.
    pub fn device(&self, account: Account) -> Device {
        match account.role() {
            Role::Person | Role::Savings => {
                let couple = self.hash(Trait::Couple, account.number() >> 1);
                if couple.is_multiple_of(10) {
                    Device(couple | 1)
                } else {
                    Device(self.hash(Trait::Device, account.number()) | 1)
                }
            }
            Role::Idle | Role::Fresh => Device(self.hash(Trait::Device, account.0) | 1),
            _ => Device::NONE,
        }
    }

    /// The `k`th friend of a person. Friendship is mutual: near ones live in the same block of
    /// sixteen, far ones mirror each other across the town. (The few persons of the last, broken
    /// block only have far friends, and somebody who mirrors himself takes his neighbour.)
    pub fn friend(&self, person: u64, k: u64) -> u64 {
        if k < 6 && person | 15 < self.persons {
            return person ^ (1 + (k * 5) % 15);
        }
        let axis = self.hash(Trait::Friend, k) % self.persons;
        let far = (axis + self.persons - person) % self.persons;
        if far == person { (person + 1) % self.persons } else { far }
    }

    /// The `k`th shop a person goes to regularly.
    pub fn regular_shop(&self, person: u64, k: u64) -> Account {
        let u = u128::from(self.hash(Trait::Shop, person << 4 | k) >> 33);
        Account::new(Role::Merchant, ((u * u * u128::from(self.merchants)) >> 62) as u64)
    }

    /// Who employs a person; `employees` is its inverse.
    pub fn employees(&self, business: u64) -> impl Iterator<Item = u64> + use<> {
        (business..self.persons).step_by(self.businesses as usize)
    }

    /// Day of the month on which a business pays salaries.
    pub fn payday(&self, business: u64) -> u32 {
        1 + (self.hash(Trait::Payday, business) % 28) as u32
    }

    /// Number of landlords; the first persons are.
    pub fn landlords(&self) -> u64 {
        (self.persons / 64).max(1)
    }

    /// Day of the month on which a landlord's tenants pay.
    pub fn rent_day(&self, landlord: u64) -> u32 {
        1 + (self.hash(Trait::RentDay, landlord) % 28) as u32
    }

    /// A landlord's tenants, with their monthly rents in minor units.
    pub fn tenants(&self, landlord: u64) -> impl Iterator<Item = (u64, i64)> + '_ {
        let landlords = self.landlords();
        let count = 6 + self.hash(Trait::Tenants, landlord) % 10;
        (1..=count)
            .map(move |k| landlord + k * landlords)
            .filter(|&p| p < self.persons)
            .map(move |p| (p, 120_000 + (self.hash(Trait::Rent, p) % 36) as i64 * 10_000))
    }

    /// The `k`th supplier of a business, and what an order there usually costs, minor units.
    pub fn supplier(&self, business: u64, k: u64) -> (Account, i64) {
        let hash = self.hash(Trait::Supplier, business << 4 | k);
        let number = (business + 1 + hash % (self.businesses - 1).max(1)) % self.businesses;
        (Account::new(Role::Business, number), fixed_skewed(hash, 150_000, 3_600_000))
    }

    /// The utility or office that serves a person in one matter.
    pub fn public(&self, person: u64, matter: u64) -> Account {
        let offices = (self.publics / 4).max(1);
        let office = self.hash(Trait::Office, person) % offices;
        Account::new(Role::Public, (office * 4 + matter) % self.publics)
    }

    /// Any pinned pseudo-random value of a subject.
    pub fn hash(&self, what: Trait, subject: u64) -> u64 {
        mix(mix(self.salt ^ what as u64) ^ subject)
    }
}

/// What a hash is drawn for; keeps the draws independent.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(super) enum Trait {
    Balance = 1,
    Opened,
    Age,
    Salary,
    Couple,
    Device,
    Friend,
    Shop,
    Payday,
    RentDay,
    Tenants,
    Rent,
    Supplier,
    Office,
    Bank,
    Address,
    Class,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn friendship_is_mutual_and_never_with_oneself() {
        let people = Population::new(5_000, 1, 0);
        let mut one_sided = 0;
        for person in 0..people.persons {
            for k in 0..10 {
                let friend = people.friend(person, k);
                assert!(friend < people.persons && friend != person);
                one_sided += usize::from(!(0..10).any(|k| people.friend(friend, k) == person));
            }
        }
        assert!(one_sided <= 10 * 16 + 10, "{one_sided}");
    }

    #[test]
    fn savings_belong_to_their_person_and_nobody_else() {
        let people = Population::new(1_000, 1, 0);
        let of = |role, n| people.customer(Account::new(role, n));
        assert_eq!(of(Role::Person, 7), of(Role::Savings, 7));
        assert_ne!(of(Role::Person, 7), of(Role::Merchant, 7));
        assert_eq!(of(Role::Outside, 7), None);
    }

    #[test]
    fn the_parts_add_up() {
        for accounts in [100, 1_000, 123_457] {
            let p = Population::new(accounts, 1, 0);
            assert_eq!(p.balances() as u64 + p.idle, accounts);
        }
    }
}
