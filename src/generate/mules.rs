//! Where fraudsters get their accounts: bought ones that lay still, and freshly opened ones.

use std::collections::VecDeque;

use super::dice::Dice;
use super::population::{Account, Population, Role};
use super::queue::{Planned, Queue, Reference};
use super::record::minutes_since_epoch;
use crate::model::time::{DAY, HOUR, MINUTE, Millis};

/// Freshly opened accounts waiting for use, at most.
const STOCK_MAX: usize = 256;
/// An account rests this long before it is used again.
const REST: Millis = 8 * DAY;

/// The supply.
pub(super) struct Mules {
    /// When each idle account was used last.
    used: Vec<Millis>,
    next_idle: usize,
    stock: VecDeque<(Account, Millis)>,
    opened: u64,
    strangers: u64,
}

impl Mules {
    pub fn new(people: &Population) -> Self {
        let used = vec![Millis::MIN / 2; people.idle as usize];
        Self { used, next_idle: 0, stock: VecDeque::new(), opened: 0, strangers: 0 }
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
