//! The two rules of `rules/` over a plain `HashMap` of `VecDeque`s, and payments to try them on.
//! Clear rather than fast, and nothing of it is shared with the engine.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::io::Write;

const MINUTE_MS: i64 = 60_000;
/// 2026-03-05T00:00:00+08:00.
const START_MS: i64 = 1_772_640_000_000;
const DAY_MS: i64 = 86_400_000;

/// A payment as both sides read it.
#[derive(Clone, Debug)]
pub struct Payment {
    /// Number of its event.
    pub number: u64,
    /// Settled then.
    pub time_ms: i64,
    /// Account that paid.
    pub payer: u64,
    /// Account that was paid.
    pub payee: u64,
    /// In fen.
    pub amount: i64,
}

/// One rule that fired: `rule,account,event_id,first,second`. Of R1 number and sum of the
/// payments, of R2 money in and money out, in fen.
pub type Row = (&'static str, String, String, i64, i64);

/// Windows of every account.
#[derive(Debug, Default)]
pub struct Reference {
    accounts: HashMap<u64, VecDeque<Leg>>,
}

#[derive(Debug)]
struct Leg {
    time_ms: i64,
    is_debit: bool,
    amount: i64,
    other: u64,
}

impl Reference {
    /// Takes the next payment; payments come in order of time.
    pub fn take(&mut self, payment: &Payment, rows: &mut Vec<Row>) {
        let Payment { time_ms, payer, payee, amount, .. } = *payment;
        self.push(payer, Leg { time_ms, is_debit: true, amount, other: payee });
        self.judge(payment, rows);
        self.push(payee, Leg { time_ms, is_debit: false, amount, other: payer });
    }

    fn push(&mut self, account: u64, leg: Leg) {
        let legs = self.accounts.entry(account).or_default();
        let oldest = leg.time_ms - 30 * MINUTE_MS;
        legs.push_back(leg);
        while legs.front().is_some_and(|leg| leg.time_ms <= oldest) {
            legs.pop_front();
        }
    }

    fn judge(&self, payment: &Payment, rows: &mut Vec<Row>) {
        let legs = &self.accounts[&payment.payer];
        let row = |rule, first, second| {
            (rule, name(payment.payer), event_id(payment.number), first, second)
        };
        let recent = payment.time_ms - 10 * MINUTE_MS;
        let burst: Vec<&Leg> =
            legs.iter().filter(|leg| leg.is_debit && leg.time_ms > recent).collect();
        let together: i64 = burst.iter().map(|leg| leg.amount).sum();
        let payees: HashSet<u64> = burst.iter().map(|leg| leg.other).collect();
        if burst.len() >= 5 && payees.len() >= 3 && together >= 1_000_000 {
            rows.push(row("R1", burst.len() as i64, together));
        }
        let sum = |is_debit| -> i64 {
            legs.iter().filter(|leg| leg.is_debit == is_debit).map(|leg| leg.amount).sum()
        };
        let (came, gone) = (sum(false), sum(true));
        if came >= 500_000 && gone * 10 >= came * 9 {
            rows.push(row("R2", came, gone));
        }
    }
}

/// Account numbers as the records have them.
pub fn name(account: u64) -> String {
    format!("6222{account:012}")
}

fn event_id(number: u64) -> String {
    format!("e{number:09}")
}

/// Reads the file that `--findings` wrote as rows.
pub fn rows_of(csv: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let row = |record: csv::StringRecord| {
        let observed: HashMap<&str, &str> =
            record[7].split("; ").filter_map(|item| item.split_once('=')).collect();
        let fen = |name: &str| -> i64 {
            observed[name].replace('.', "").parse().expect("an amount with two places")
        };
        let (rule, first, second) = match &record[0] {
            "R1" => ("R1", observed["out_count"].parse().expect("a number"), fen("out_sum")),
            // The rule compares ten times the one with nine times the other.
            _ => ("R2", fen("in_sum"), fen("out_sum * params.out_parts") / 10),
        };
        (rule, record[1].to_owned(), record[2].to_owned(), first, second)
    };
    reader.records().map(|record| row(record.expect("as long as the header"))).collect()
}

/// Numbers that only look random: xorshift, the same for the same seed everywhere.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Every second account is any, the others rather one of the first.
    fn account(&mut self, accounts: u64) -> u64 {
        if self.next() & 1 == 0 {
            self.below(accounts)
        } else {
            (accounts as f64 * self.unit().powi(2)) as u64
        }
    }
}

/// Payments in order of time, three a day and account; every two thousandth begins a burst of six
/// or money that passes through.
pub fn payments(count: u64, accounts: u64, seed: u64) -> Vec<Payment> {
    let mut dice = Dice(seed | 1);
    let gap_ms = DAY_MS as f64 / (accounts as f64 * 3.0);
    let mut planted = BinaryHeap::new();
    let mut made: Vec<Payment> = Vec::new();
    let mut clock = START_MS as f64;
    while (made.len() as u64) < count {
        clock -= gap_ms * (1.0 - dice.unit()).ln();
        let now = clock as i64;
        let ordinary = if dice.below(2_000) > 0 {
            let amount = 10f64.powf(2.0 + 4.0 * dice.unit()) as i64;
            Some((now, dice.account(accounts), dice.account(accounts), amount))
        } else {
            let mule = dice.below(accounts);
            plant(&mut dice, &mut planted, now, mule, accounts);
            None
        };
        let due = std::iter::from_fn(|| {
            let is_due = planted.peek().is_some_and(|Reverse((time_ms, ..))| *time_ms <= now);
            if is_due { planted.pop().map(|Reverse(payment)| payment) } else { None }
        });
        for (time_ms, payer, payee, amount) in due.chain(ordinary) {
            let number = made.len() as u64;
            made.push(Payment { number, time_ms, payer, payee, amount });
        }
    }
    made.truncate(count as usize);
    made
}

fn plant(
    dice: &mut Dice,
    planted: &mut BinaryHeap<Reverse<(i64, u64, u64, i64)>>,
    now: i64,
    mule: u64,
    accounts: u64,
) {
    if dice.next() & 1 == 0 {
        let amount = 500_000 + dice.below(9_500_000) as i64;
        planted.push(Reverse((now, dice.below(accounts), mule, amount)));
        let later = now + MINUTE_MS + dice.below(1_500_000) as i64;
        planted.push(Reverse((later, mule, dice.below(accounts), amount * 95 / 100)));
    } else {
        for nth in 0..6 {
            let amount = 200_000 + dice.below(300_000) as i64;
            planted.push(Reverse((now + nth * 80_000, mule, dice.below(accounts), amount)));
        }
    }
}

/// Writes a payment as a `payment.v1` record of about 335 bytes.
pub fn write_line(out: &mut impl Write, payment: &Payment) -> std::io::Result<()> {
    let Payment { number, time_ms, payer, payee, amount } = payment;
    let time = jiff::Timestamp::from_millisecond(*time_ms).expect("a time of this century");
    let time = time.to_zoned_datetime(jiff::tz::TimeZone::fixed(jiff::tz::offset(8)));
    writeln!(
        out,
        concat!(
            r#"{{"schema":"payment.v1","event_id":"{}","payment_id":"p{:09}","status":"settled","#,
            r#""event_time":"{}","amount":"{}.{:02}","currency":"CNY","#,
            r#""payer":{{"account":"{}","bank":"102452000017"}},"#,
            r#""payee":{{"account":"{}","bank":"313452060150"}},"#,
            r#""payment_type":"transfer","channel":"mobile"}}"#
        ),
        event_id(*number),
        number,
        time.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z"),
        amount / 100,
        amount % 100,
        name(*payer),
        name(*payee),
    )
}
