//! Random well-typed expressions, written for both implementations at once.

use goshawk::rules::plan::program::Type;

use super::leaves::Leaf;
use crate::oracle::streams::Random;

/// An expression as we write it, and as the second implementation does.
#[derive(Clone, Debug)]
pub struct Written {
    pub ours: String,
    pub cel: String,
}

impl Written {
    fn both(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { ours: text.clone(), cel: text }
    }
}

/// A parameter's value as the second implementation is told it.
#[derive(Clone, Copy, Debug)]
pub enum Fixed {
    Whole(i64),
    Fraction(f64),
}

impl From<Fixed> for cel::Value {
    fn from(fixed: Fixed) -> Self {
        match fixed {
            Fixed::Whole(value) => value.into(),
            Fixed::Fraction(value) => value.into(),
        }
    }
}

/// Parameters of every rule: name, as written in the file, value.
pub const PARAMS: &[(&str, &str, Fixed)] = &[
    ("many", "{ value = 5, unit = \"count\" }", Fixed::Whole(5)),
    ("share", "{ value = 0.25, unit = \"ratio\" }", Fixed::Fraction(0.25)),
    ("sum", "{ value = \"5000.00\", unit = \"CNY\" }", Fixed::Whole(500_000)),
    ("window", "{ value = \"1h30m\" }", Fixed::Whole(5_400_000)),
];

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wanted {
    Bool,
    Int,
    Money,
    Double,
    Duration,
    Word(&'static [&'static str]),
}

impl Wanted {
    fn matches(self, leaf: &Leaf) -> bool {
        match self {
            Self::Bool => leaf.ty == Type::Bool,
            Self::Int => leaf.ty == Type::Int,
            Self::Money => leaf.ty == Type::Money,
            Self::Double => leaf.ty == Type::Double,
            Self::Duration => leaf.ty == Type::Duration,
            Self::Word(words) => leaf.words == Some(words),
        }
    }
}

/// Writes expressions over the leaves.
pub fn expressions(random: &mut Random, leaves: &[Leaf], count: usize) -> Vec<Written> {
    let mut writer = Writer { random, leaves };
    let fixed = [Wanted::Int, Wanted::Money, Wanted::Double, Wanted::Duration];
    (0..count)
        .map(|number| {
            let wanted = match number % 3 {
                0 => fixed[number / 3 % fixed.len()],
                _ => Wanted::Bool,
            };
            let depth = writer.random.between(1, 4);
            let written = writer.write(wanted, depth);
            // An expression has a bound on its length.
            if written.ours.len() > 3_000 { writer.write(wanted, 1) } else { written }
        })
        .collect()
}

struct Writer<'a> {
    random: &'a mut Random,
    leaves: &'a [Leaf],
}

impl Writer<'_> {
    fn write(&mut self, wanted: Wanted, depth: i64) -> Written {
        if depth <= 0 {
            return self.leaf(wanted);
        }
        if self.random.chance(8) {
            let c = self.write(Wanted::Bool, depth - 1);
            let (a, b) = (self.write(wanted, depth - 1), self.write(wanted, depth - 1));
            return joined("(", &[&c, &a, &b], &[" ? ", " : "], ")");
        }
        match wanted {
            Wanted::Bool => self.boolean(depth),
            Wanted::Int => self.arithmetic(wanted, &["+", "-", "*", "/"], depth),
            Wanted::Money => self.money(depth),
            Wanted::Duration => self.duration(depth),
            Wanted::Double => self.double(depth),
            Wanted::Word(_) => self.leaf(wanted),
        }
    }

    /// A value of the row, or a constant.
    fn leaf(&mut self, wanted: Wanted) -> Written {
        let fitting: Vec<usize> =
            (0..self.leaves.len()).filter(|i| wanted.matches(&self.leaves[*i])).collect();
        if !fitting.is_empty() && (self.random.chance(70) || matches!(wanted, Wanted::Word(_))) {
            let index = self.random.pick(&fitting);
            return Written::both(match self.random.chance(50) {
                true => format!("x{index}"),
                false => self.leaves[index].text.clone(),
            });
        }
        let random = &mut *self.random;
        let of_param = random.chance(30);
        Written::both(match wanted {
            Wanted::Bool => random.pick(&["true", "false"]).to_owned(),
            Wanted::Int if of_param => "params.many".to_owned(),
            Wanted::Int => random.between(-4, 12).to_string(),
            Wanted::Money if of_param => "params.sum".to_owned(),
            Wanted::Money => format!("money('{}.{:02}')", random.below(9_000), random.below(100)),
            Wanted::Double if of_param => "params.share".to_owned(),
            Wanted::Double => random.pick(&["0.0", "0.25", "0.9", "1.0", "-2.5", "7.125"]).into(),
            Wanted::Duration if of_param => "params.window".to_owned(),
            Wanted::Duration => {
                format!("duration('{}')", random.pick(&["0s", "90s", "10m", "24h", "7d", "1ms"]))
            }
            Wanted::Word(_) => unreachable!("a set of words is only asked for where one is"),
        })
    }

    fn boolean(&mut self, depth: i64) -> Written {
        match self.random.below(12) {
            0 => {
                let a = self.write(Wanted::Bool, depth - 1);
                joined("!(", &[&a], &[], ")")
            }
            1 | 2 => self.operation(Wanted::Bool, &["&&"], depth),
            3 | 4 => self.operation(Wanted::Bool, &["||"], depth),
            5 => self.has(),
            6 => {
                let (a, b) = (self.write(Wanted::Bool, depth - 1), self.leaf(Wanted::Bool));
                let op = self.random.pick(&[" == ", " != "]);
                joined("((", &[&a, &b], &[&format!("){op}")], ")")
            }
            7 => self.words(),
            8 => {
                let a = self.write(Wanted::Int, depth - 1);
                let items: Vec<String> = (0..self.random.between(1, 4))
                    .map(|_| self.random.between(-2, 8).to_string())
                    .collect();
                joined("((", &[&a], &[], &format!(") in [{}])", items.join(", ")))
            }
            _ => {
                let ty = self.random.pick(&[
                    Wanted::Int,
                    Wanted::Money,
                    Wanted::Double,
                    Wanted::Duration,
                ]);
                let (a, b) = (self.write(ty, depth - 1), self.write(ty, depth - 1));
                let op = self.random.pick(&[" == ", " != ", " < ", " <= ", " > ", " >= "]);
                joined("(", &[&a, &b], &[op], ")")
            }
        }
    }

    fn has(&mut self) -> Written {
        let index = self.random.below(self.leaves.len() as u64) as usize;
        let leaf = &self.leaves[index];
        match leaf.field {
            Some(_) => Written::both(format!("has({})", leaf.text)),
            None => Written { ours: format!("has(x{index})"), cel: format!("has(row.x{index})") },
        }
    }

    /// A comparison of words.
    fn words(&mut self) -> Written {
        let sets: Vec<&'static [&'static str]> =
            self.leaves.iter().filter_map(|leaf| leaf.words).collect();
        if sets.is_empty() {
            return self.leaf(Wanted::Bool);
        }
        let set = self.random.pick(&sets);
        let a = self.leaf(Wanted::Word(set));
        match self.random.below(3) {
            0 => {
                let b = self.leaf(Wanted::Word(set));
                joined("(", &[&a, &b], &[" == "], ")")
            }
            1 => {
                let op = self.random.pick(&["==", "!="]);
                joined("(", &[&a], &[], &format!(" {op} '{}')", self.random.pick(set)))
            }
            _ => {
                let (b, c) = (self.random.pick(set), self.random.pick(set));
                joined("(", &[&a], &[], &format!(" in ['{b}', '{c}'])"))
            }
        }
    }

    fn arithmetic(&mut self, wanted: Wanted, ops: &[&str], depth: i64) -> Written {
        if self.random.chance(20) {
            let (a, b) = (self.write(wanted, depth - 1), self.write(wanted, depth - 1));
            let open = self.random.pick(&["max(", "min("]);
            return joined(open, &[&a, &b], &[", "], ")");
        }
        self.operation(wanted, ops, depth)
    }

    /// `a op b`, sometimes without the brackets: then both parsers must bind alike.
    fn operation(&mut self, wanted: Wanted, ops: &[&str], depth: i64) -> Written {
        let (a, b) = (self.write(wanted, depth - 1), self.write(wanted, depth - 1));
        let op = format!(" {} ", self.random.pick(ops));
        match self.random.chance(40) {
            true => joined("", &[&a, &b], &[&op], ""),
            false => joined("(", &[&a, &b], &[&op], ")"),
        }
    }

    fn money(&mut self, depth: i64) -> Written {
        if self.random.chance(75) {
            let written = self.arithmetic(Wanted::Money, &["+", "-"], depth);
            return joined("(", &[&written], &[], ")");
        }
        let a = self.write(Wanted::Money, depth - 1);
        if self.random.chance(50) {
            let by = self.random.between(0, 40);
            return match self.random.chance(50) {
                true => joined("((", &[&a], &[], &format!(") * {by})")),
                false => joined(&format!("({by} * ("), &[&a], &[], "))"),
            };
        }
        let (fraction, millionths) =
            self.random.pick(&[("0.02", 20_000), ("1.5", 1_500_000), ("-0.333333", -333_333)]);
        Written {
            ours: format!("(({}) * {fraction})", a.ours),
            cel: format!("scaled({}, {millionths})", a.cel),
        }
    }

    fn duration(&mut self, depth: i64) -> Written {
        if self.random.chance(80) {
            let written = self.arithmetic(Wanted::Duration, &["+", "-"], depth);
            return joined("(", &[&written], &[], ")");
        }
        let (a, n) = (self.write(Wanted::Duration, depth - 1), self.write(Wanted::Int, depth - 1));
        joined("((", &[&a, &n], &[") * ("], "))")
    }

    fn double(&mut self, depth: i64) -> Written {
        match self.random.below(3) {
            0 => {
                let written = self.arithmetic(Wanted::Double, &["+", "-", "*"], depth);
                joined("(", &[&written], &[], ")")
            }
            1 => {
                let ty = self.random.pick(&[Wanted::Money, Wanted::Duration]);
                let (a, b) = (self.write(ty, depth - 1), self.write(ty, depth - 1));
                Written {
                    ours: format!("(({}) / ({}))", a.ours, b.ours),
                    cel: format!("quotient(double({}), double({}))", a.cel, b.cel),
                }
            }
            _ => {
                let (a, b) =
                    (self.write(Wanted::Double, depth - 1), self.write(Wanted::Double, depth - 1));
                Written {
                    ours: format!("(({}) / ({}))", a.ours, b.ours),
                    cel: format!("quotient({}, {})", a.cel, b.cel),
                }
            }
        }
    }
}

/// Parts with text before, between and after them.
fn joined(before: &str, parts: &[&Written], between: &[&str], after: &str) -> Written {
    let join = |of: fn(&Written) -> &str| {
        let mut text = before.to_owned();
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                text += between[index - 1];
            }
            text += of(part);
        }
        text + after
    };
    Written { ours: join(|w| &w.ours), cel: join(|w| &w.cel) }
}
