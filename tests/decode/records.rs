//! Random records of every format as text: valid ones, ones with a defect or two, and broken ones.

use crate::oracle::streams::Random;

/// A record, and nothing else, unless `wild`: then with defects.
pub fn record(random: &mut Random, wild: bool) -> String {
    let mut writer = Writer { random, wild, out: String::new() };
    writer.record();
    writer.out
}

/// Changes a few bytes.
pub fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    const PIECES: &[&[u8]] = &[
        b"\"",
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b",",
        b" ",
        b"\n",
        b"null",
        b"true",
        b"-",
        b"0",
        b"e9",
        b".5",
        b"\\u00e9",
        b"\\ud83d",
        b"\\ude00",
        b"\x7f",
        b"\x01",
        b"\xc3\xa9",
        b"\xff",
        b"\"x\":1,",
        b",\"x\":[{}]",
        b"{\"a\":",
        b"9999999999",
        b"1e400",
        b"\"schema\":",
    ];
    for _ in 0..random.between(1, 3) {
        let at = random.below(bytes.len() as u64 + 1) as usize;
        let end = (at + random.below(4) as usize).min(bytes.len());
        match random.below(5) {
            0 => drop(bytes.splice(at..end, random.pick(PIECES).iter().copied())),
            1 => drop(bytes.splice(at..at, random.pick(PIECES).iter().copied())),
            2 => drop(bytes.drain(at..end)),
            3 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            4 if random.chance(10) => bytes.truncate(at),
            _ => {
                let from = random.below(bytes.len() as u64 + 1) as usize;
                let piece = bytes[from..(from + 20).min(bytes.len())].to_vec();
                drop(bytes.splice(at..at, piece));
            }
        }
    }
}

/// How a field's values look.
#[derive(Clone, Copy)]
enum Look {
    Id,
    Free,
    Amount,
    Currency,
    Country,
    Time,
    Date,
    Integer,
    Degrees,
    Flags,
    Words(&'static [&'static str]),
    Object(&'static [(&'static str, bool, Look)]),
}

type Fields = &'static [(&'static str, bool, Look)];

const GEO: Fields = &[
    ("lat", true, Look::Degrees),
    ("lon", true, Look::Degrees),
    ("accuracy_km", false, Look::Degrees),
];
const PARTY: Fields = &[
    ("account", true, Look::Id),
    ("bank", false, Look::Id),
    ("name", false, Look::Free),
    ("customer", false, Look::Id),
    ("customer_type", false, Look::Words(&["person", "business", "merchant", "psp", "ship"])),
    ("account_class", false, Look::Words(&["I", "II", "III", "IV"])),
    ("opened_at", false, Look::Date),
    ("balance_after", false, Look::Amount),
    ("available_after", false, Look::Amount),
    ("risk_grade", false, Look::Words(&["low", "high", "case", "?"])),
    ("age_years", false, Look::Integer),
    ("occupation_class", false, Look::Id),
    ("income_monthly", false, Look::Amount),
    ("id_token", false, Look::Id),
    ("acct_scheme", false, Look::Id),
];
const PAYMENT: Fields = &[
    ("event_id", true, Look::Id),
    ("payment_id", true, Look::Id),
    ("status", true, Look::Words(&["initiated", "settled", "rejected", "lost"])),
    ("event_time", true, Look::Time),
    ("amount", true, Look::Amount),
    ("currency", true, Look::Currency),
    ("payer", true, Look::Object(PARTY)),
    ("payee", true, Look::Object(PARTY)),
    ("payment_type", true, Look::Words(&["transfer", "cash_out", "fee", "gift"])),
    ("channel", true, Look::Words(&["mobile", "qr", "auto_debit", "pigeon"])),
    (
        "device",
        false,
        Look::Object(&[
            ("id", false, Look::Id),
            ("ip", false, Look::Id),
            ("bssid", false, Look::Id),
            ("geo", false, Look::Object(GEO)),
            ("country", false, Look::Country),
        ]),
    ),
    ("session", false, Look::Object(&[("id", false, Look::Id), ("flags", false, Look::Flags)])),
    (
        "payee_check",
        false,
        Look::Object(&[("result", false, Look::Words(&["match", "no_match", "maybe"]))]),
    ),
    ("category", false, Look::Words(&["salary", "loan_repayment", "alms"])),
    ("mcc", false, Look::Id),
    ("purpose", false, Look::Free),
    ("terminal_id", false, Look::Id),
    ("terminal_geo", false, Look::Object(GEO)),
    ("terminal_country", false, Look::Country),
    ("memo", false, Look::Free),
    ("hold_deadline", false, Look::Time),
    ("end_to_end_id", false, Look::Id),
    ("instruction_id", false, Look::Id),
    ("uetr", false, Look::Id),
    (
        "source",
        false,
        Look::Object(&[
            ("system", false, Look::Id),
            ("topic", false, Look::Id),
            ("ts", false, Look::Time),
        ]),
    ),
];
const ACCOUNT: Fields = &[
    ("event_id", false, Look::Id),
    ("kind", true, Look::Words(&["opened", "grade_changed", "painted"])),
    ("account", true, Look::Id),
    ("time", true, Look::Time),
    ("customer", false, Look::Id),
    ("branch", false, Look::Id),
    ("opening_device", false, Look::Id),
    ("phone_token", false, Look::Id),
    ("agent_token", false, Look::Id),
    ("employer_token", false, Look::Id),
    ("reason", false, Look::Words(&["replacement", "guardian", "whim"])),
    ("geo", false, Look::Object(GEO)),
    ("customer_type", false, Look::Words(&["person", "internal"])),
    ("account_class", false, Look::Words(&["I", "II"])),
    ("risk_grade", false, Look::Words(&["low", "medium"])),
    ("event_time", false, Look::Time),
    ("limit_before", false, Look::Amount),
    ("limit_after", false, Look::Amount),
    ("currency", true, Look::Currency),
];
const REGISTRY: Fields = &[
    ("enterprise", true, Look::Id),
    ("status", true, Look::Words(&["cancelled", "active", "lost"])),
    ("as_of", false, Look::Date),
    ("source", false, Look::Id),
    ("event_time", true, Look::Time),
    ("time", false, Look::Time),
];
const FEEDBACK: Fields = &[
    ("feedback_id", false, Look::Id),
    ("alert_id", false, Look::Id),
    ("stage", true, Look::Words(&["executed", "verdict", "lost"])),
    (
        "executed",
        false,
        Look::Object(&[("action", false, Look::Words(&["delay", "freeze", "shrug"]))]),
    ),
    ("verdict", false, Look::Words(&["victim_confirmed", "false_positive", "unsure"])),
    ("payer", false, Look::Id),
    ("payee", false, Look::Id),
    ("payment_id", false, Look::Id),
    ("event_time", true, Look::Time),
    ("time", false, Look::Time),
];
const SUBJECT: Fields =
    &[("kind", true, Look::Words(&["account", "device", "ip"])), ("id", true, Look::Id)];
const LIST: Fields = &[
    ("entry_id", false, Look::Id),
    ("op", true, Look::Words(&["upsert", "expire"])),
    ("subject", true, Look::Object(SUBJECT)),
    ("subject_kind", false, Look::Words(&["account", "customer"])),
    ("counterparty", false, Look::Id),
    ("category", true, Look::Words(&["case_account", "allow", "fleet"])),
    ("level", false, Look::Words(&["confirmed_case", "merchant", "vague"])),
    ("valid_from", false, Look::Date),
    ("valid_to", false, Look::Date),
    ("source", false, Look::Id),
    ("legal_basis", false, Look::Free),
    ("purpose", false, Look::Id),
    ("author", false, Look::Id),
    ("approver", false, Look::Id),
    ("event_time", true, Look::Time),
    ("time", false, Look::Time),
];
const CONTROL: Fields = &[
    ("control_id", true, Look::Id),
    ("account", true, Look::Id),
    ("kind", true, Look::Words(&["credit_only", "freeze"])),
    ("mode", false, Look::Words(&["limited", "full"])),
    ("amount", false, Look::Amount),
    ("currency", true, Look::Currency),
    ("from", true, Look::Date),
    ("to", false, Look::Date),
    ("extension_no", false, Look::Integer),
    ("authority", false, Look::Id),
    ("released_at", false, Look::Date),
    ("event_time", false, Look::Time),
    ("time", false, Look::Time),
];

struct Writer<'r> {
    random: &'r mut Random,
    wild: bool,
    out: String,
}

impl Writer<'_> {
    /// A defect, now and then.
    fn strange(&mut self) -> bool {
        self.wild && self.random.below(60) == 0
    }

    fn record(&mut self) {
        let (schema, fields) = match self.random.below(10) {
            8 => ("registry.v1", REGISTRY),
            9 => ("feedback.v1", FEEDBACK),
            0 => ("account.v1", ACCOUNT),
            1 => ("list.v1", LIST),
            2 => ("control.v1", CONTROL),
            _ => ("payment.v1", PAYMENT),
        };
        let schema = if self.strange() { "payment.v2" } else { schema };
        self.space();
        self.object(fields, Some(schema));
        self.space();
    }

    fn space(&mut self) {
        if self.random.below(12) == 0 {
            let space = self.random.pick(&[" ", "\n", "\t", "\r\n", "  "]);
            self.out.push_str(space);
        }
    }

    fn object(&mut self, fields: Fields, schema: Option<&str>) {
        let mut chosen: Vec<Option<(&str, Look)>> = Vec::new();
        for (name, required, look) in fields {
            let there = *required != self.strange();
            if there || (!required && self.random.chance(40)) {
                chosen.push(Some((name, *look)));
            }
        }
        if schema.is_some() && !self.strange() {
            chosen.push(None);
        }
        for _ in 0..self.random.below(3) {
            chosen.push(Some(("unknown", Look::Free)));
        }
        if self.strange() {
            let again = self.random.below(chosen.len() as u64 + 1) as usize;
            chosen.extend(chosen.get(again).copied());
        }
        // Most senders keep to an order.
        if self.random.chance(60) {
            for at in (1..chosen.len()).rev() {
                chosen.swap(at, self.random.below(at as u64 + 1) as usize);
            }
        }
        self.out.push('{');
        for (at, field) in chosen.into_iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            self.space();
            match field {
                None => {
                    self.key("schema");
                    self.string(schema.unwrap_or_default());
                }
                Some(("unknown", _)) => {
                    let name = self.random.pick(&["x", "comment", "", "event_id_", "payer_", "é"]);
                    self.key(name);
                    self.anything(0);
                }
                Some((name, look)) => {
                    self.key(name);
                    self.value(look);
                }
            }
            self.space();
        }
        self.out.push('}');
    }

    fn key(&mut self, name: &str) {
        self.string(name);
        self.space();
        self.out.push(':');
        self.space();
    }

    /// A string, now and then with escapes that mean the same.
    fn string(&mut self, text: &str) {
        let escape = self.random.below(15) == 0;
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => self.out.extend(['\\', c]),
                '\n' => self.out.push_str("\\n"),
                '\0'..' ' => self.out.push_str(&format!("\\u{:04x}", u32::from(c))),
                _ if escape && self.random.chance(20) => {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        self.out.push_str(&format!("\\u{unit:04X}"));
                    }
                }
                _ => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    /// Any value that is valid JSON.
    fn anything(&mut self, depth: u64) {
        let number =
            self.random.pick(&["0", "-1", "1.50", "1e3", "-0.0E-2", "12345678901234567890"]);
        match self.random.below(8) {
            0 => self.out.push_str("null"),
            1 => self.out.push_str("true"),
            2 => self.out.push_str("false"),
            3 => self.out.push_str(number),
            4 if depth < 4 => {
                self.out.push('[');
                for at in 0..self.random.below(4) {
                    if at > 0 {
                        self.out.push(',');
                    }
                    self.space();
                    self.anything(depth + 1);
                    self.space();
                }
                self.out.push(']');
            }
            5 if depth < 4 => {
                self.out.push('{');
                for at in 0..self.random.below(4) {
                    if at > 0 {
                        self.out.push(',');
                    }
                    self.key("schema");
                    self.anything(depth + 1);
                }
                self.out.push('}');
            }
            _ if self.strange() => {
                let deep = self.random.between(20, 40) as usize;
                self.out.push_str(&format!("{}{}", "[".repeat(deep), "]".repeat(deep)));
            }
            _ => self.string("any [text] {with} \"brackets\" \\"),
        }
    }

    fn value(&mut self, look: Look) {
        if self.strange() {
            return self.anything(0);
        }
        let random = &mut *self.random;
        let wild = self.wild && random.below(20) == 0;
        match look {
            Look::Object(fields) => self.object(fields, None),
            Look::Id => {
                let long = "i".repeat(random.between(127, 129) as usize);
                let text = match random.below(12) {
                    0 if wild => long.as_str(),
                    1 if wild => "",
                    2 => "tok:雷",
                    3 => "a \"b\" \\ c/d",
                    4 => "6222000000000001",
                    _ => random.pick(&["A", "tok:9f3c55e0b2017a1c", "x-1", "tab\there", "e😀"]),
                };
                self.string(text);
            }
            Look::Free => {
                let long = "雷😀x".repeat(random.between(60, 70) as usize);
                let text = if random.chance(10) { &long } else { "二月 rent\n\"quoted\"" };
                self.string(text);
            }
            Look::Amount => {
                let odd =
                    ["0", "-5.00", "1.234", "1e3", "", "1.", ".5", "99999999999999999999", "+1"];
                let fine = ["1", "5.00", "49700.00", "0.01", "2814749767106", "112.5", "7.000"];
                let text = if wild { random.pick(&odd) } else { random.pick(&fine) };
                if !wild && random.chance(30) {
                    self.out.push_str(text);
                } else {
                    self.string(text);
                }
            }
            Look::Currency => {
                let text = if wild {
                    random.pick(&["cny", "CN", ""])
                } else {
                    random.pick(&["CNY", "CNY", "CNY", "USD", "EUR", "XYZ"])
                };
                self.string(text);
            }
            Look::Country => {
                let odd = ["cn", "CHN", "", "C1", "é"];
                let text = random.pick(if wild { &odd } else { &["CN", "HK", "TH", "CN", "CN"] });
                self.string(text);
            }
            Look::Time | Look::Date => {
                let odd = [
                    "2026-03-05",
                    "yesterday",
                    "2026-02-29T00:00:00Z",
                    "2026-03-05T10:03:10",
                    "2026-03-05T24:00:00Z",
                    "20260230100310",
                    "2026-03-05T10:03:60Z",
                    "1969-12-31T23:59:59Z",
                    "2026-03-05T10:03:10+24:00",
                ];
                let times = [
                    "2026-03-05T10:03:10+08:00",
                    "2026-03-05T02:03:10.5Z",
                    "2026-03-05t02:03:10.123456Z",
                    "2026-03-05 10:03:10+08",
                    "20260305100310",
                    "2026-03-05T10:03:10-11:30",
                    "2024-02-29T23:59:59.999+08:00",
                ];
                let dates = ["2026-02-28", "2024-02-29", "1999-12-31"];
                let text = match look {
                    _ if wild => random.pick(&odd),
                    Look::Date if random.chance(60) => random.pick(&dates),
                    _ => random.pick(&times),
                };
                self.string(text);
            }
            Look::Integer => {
                let number =
                    if wild { random.pick(&["-1", "151", "1.5", "1e2", "99999"]) } else { "71" };
                if random.chance(30) {
                    self.string(number);
                } else {
                    self.out.push_str(number);
                }
            }
            Look::Degrees => {
                let number = if wild {
                    random.pick(&["91", "181", "-0", "1e1", "-91.5", "36.0671x"])
                } else {
                    random.pick(&["36.0671", "0", "12.34567891", "0.05", "90"])
                };
                if wild || random.chance(30) {
                    self.string(number);
                } else {
                    self.out.push_str(number);
                }
            }
            Look::Flags => {
                self.out.push('[');
                let flags = ["screen_share", "remote_control", "in_call", "emulator", "levitating"];
                for at in 0..self.random.below(4) {
                    if at > 0 {
                        self.out.push(',');
                    }
                    self.space();
                    let flag = self.random.pick(&flags);
                    self.string(flag);
                    self.space();
                }
                self.out.push(']');
            }
            Look::Words(words) => {
                let word = random.pick(words);
                self.string(word);
            }
        }
    }
}
