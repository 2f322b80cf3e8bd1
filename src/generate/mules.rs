//! Where fraudsters get their accounts: bought ones that lay still, some of them for long, and
//! freshly opened ones.

use std::collections::VecDeque;

use super::dice::Dice;
use super::population::{Account, Population, Role};
use super::queue::{Balance, Planned, Queue, Reference, Spec};
use super::record::minutes_since_epoch;
use crate::model::time::{DAY, HOUR, MINUTE, Millis};

/// Freshly opened accounts waiting for use, at most.
const STOCK_MAX: usize = 256;
/// An account rests this long before it is used again.
const REST: Millis = 8 * DAY;
/// Accounts known to have slept, at most.
const SLEEPERS_MAX: u64 = 512;
/// When a sleeper was used last, before the stream began: within a few days, so that no record of
/// it is too late beside another.
const ASLEEP: Millis = 200 * DAY;

/// The supply.
pub(super) struct Mules {
    /// When each idle account was used last.
    used: Vec<Millis>,
    next_idle: usize,
    stock: VecDeque<(Account, Millis)>,
    /// Idle accounts with one known payment long ago, each good for one awakening.
    sleepers: Vec<Account>,
    opened: u64,
    strangers: u64,
}

impl Mules {
    pub fn new(people: &Population) -> Self {
        let asleep = (people.idle / 4).min(SLEEPERS_MAX);
        let awake = people.idle - asleep;
        let sleeper = |number| Account::new(Role::Idle, number);
        let old_enough = |account: &Account| {
            people.opened_ms(*account).is_some_and(|at| at < people.start_ms() - ASLEEP)
        };
        Self {
            used: vec![Millis::MIN / 2; awake as usize],
            next_idle: 0,
            stock: VecDeque::new(),
            sleepers: (awake..people.idle).map(sleeper).filter(old_enough).collect(),
            opened: 0,
            strangers: 0,
        }
    }

    /// The sleepers' last payments, in order of time.
    pub fn last_payments(&self, people: &Population, dice: &mut Dice) -> Vec<(Millis, Spec)> {
        let mut last: Vec<_> = self
            .sleepers
            .iter()
            .map(|sleeper| {
                let at = people.start_ms() - ASLEEP + dice.between(0, 5 * DAY);
                let shop = Account::new(Role::Merchant, dice.below(people.merchants));
                let minor = dice.between(1_000, 20_000);
                let unknown = Balance::Unknown;
                let spec = Spec::settled(*sleeper, shop, minor);
                (at, Spec { payer_balance: unknown, payee_balance: unknown, ..spec })
            })
            .collect();
        last.sort_by_key(|(at, _)| *at);
        last
    }

    /// An account that nobody has paid from for half a year; none when all are awake.
    pub fn wake(&mut self) -> Option<Account> {
        self.sleepers.pop()
    }

    /// An account for a pattern, which nobody has used for a while.
    pub fn take(&mut self, people: &Population, dice: &mut Dice, now: Millis) -> Account {
        if dice.below(10) < 4 && now - self.used[self.next_idle] >= REST {
            let idle = self.next_idle;
            self.used[idle] = now;
            self.next_idle = (idle + 1) % self.used.len();
            return Account::new(Role::Idle, idle as u64);
        }
        if self.stock.front().is_some_and(|(_, opened)| *opened + HOUR < now)
            && let Some((account, _)) = self.stock.pop_front()
        {
            return account;
        }
        // Opened before the stream began, so that no opening is missing from it.
        let start = people.epoch_ms() + 40 * DAY;
        let opened = start - dice.between(DAY, 25 * DAY);
        self.open(people, opened)
    }

    /// An account at another bank that has never been seen before.
    pub fn stranger(&mut self) -> Account {
        self.strangers += 1;
        Account::new(Role::Outside, self.strangers)
    }

    /// Opens an account for later.
    pub fn restock(
        &mut self,
        people: &Population,
        dice: &mut Dice,
        queue: &mut Queue,
        now: Millis,
    ) {
        if self.stock.len() < STOCK_MAX {
            let at = now + dice.between(1, 90) * MINUTE;
            let account = self.open(people, at);
            self.stock.push_back((account, at));
            queue.push(at, Planned::Refer(Reference::Opened(account)));
        }
    }

    fn open(&mut self, people: &Population, at: Millis) -> Account {
        self.opened += 1;
        Account::fresh(self.opened, minutes_since_epoch(people, at))
    }
}
