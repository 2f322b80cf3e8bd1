//! `rules/README.md`: the language reference, printed from the catalogue.

use std::fmt::Write as _;

use super::bounds::{self, Once};
use super::catalogue::{FUNCTIONS, Gives, MEMBERS, Makes, Member, Owner, WordSet, type_word};
use super::compile::signature;
use super::examples::forms::{EXPECTED, FORMS, Form, OF_PAYEE, Opt};
use super::keys::files::{FILES, File};
use super::keys::{KEYS, Key};
use super::lint::{LINTS, Lint};
use crate::limits;
use crate::model::time::DAY;

const HEAD: &str = "\
# The rule language

<!-- Printed from src/rules/catalogue/; a test compares. Change it there. -->

A pack is a folder: `policy.toml` (families, caps, bands, measures, episodes, breaker), `guards.toml`, `calendar.toml`
(holidays and make-up working days), `examples.toml` (which alerts come of the whole) and one file for each rule.
`goshawk rules check --rules DIR` reports every defect at once, `goshawk rules test` runs the examples in the files,
`goshawk rules list` lists the rules. What an institution changes, and rules of its own, stand in an overlay beside the
pack (`docs/overlays.md`); `schemas/` has a schema for each file, for editors.

## A rule's file
";

const EXPRESSIONS: &str = "\
## Expressions

CEL 语法：`&& || ! == != < <= > >= + - * / in ? :`，字符串用单引号或双引号。缺值使依赖它的结果也缺值，`false && x` 与 `true || x`
除外；条件缺值的规则计为“无法判断”。金额、比例、整数和时长不能混算：`amount * 0.02`（至多六位小数）仍是金额，
`amount / amount` 与 `duration / duration` 是比例。词只能用 `==`、`!=` 和 `in` 比较。

CEL syntax: `&& || ! == != < <= > >= + - * / in ? :`, strings in single or double quotes. A missing value makes
what rests on it missing, except `false && x` and `true || x`; a rule whose condition is missing is counted as not
evaluable. Amounts, ratios, whole numbers and durations do not mix: `amount * 0.02` (at most six digits) is an
amount, `amount / amount` and `duration / duration` are ratios. Words compare with `==`, `!=` and `in` only.
";

const EXAMPLES: &str = "\
## Examples

一行一个事件，写在 `given` 中；`#` 之后为注释。行首为时间，取自一个虚构日（2026-03-05，东八区）：`10:03`、`10:03:10`、
`10:03:10.500`；其前可写天数：`-400d 10:00`、`+1d 09:00`。选项中的时间写作 `-6d` 或 `0d+10:00`。账户默认为个人
（`type=none` 为未知），账户 `A` 属于客户 `cus-A`；支付默认已结算，渠道为手机银行。

One event a line, under `given`; `#` begins a remark. A line begins with a time of a made-up day (2026-03-05 in UTC+8):
`10:03`, `10:03:10`, `10:03:10.500`; a day may stand before it: `-400d 10:00`, `+1d 09:00`. A time in an option is `-6d`
or `0d+10:00`. Accounts are persons (`type=none`: not known), account `A` belongs to customer `cus-A`; payments are
settled and were ordered on a mobile phone. A line that comes too late after the one before is shown as `rejected`.

一批账户写作 `B1..B200`。规则旁的示例写明应有的结果；`examples.toml` 针对整个规则包，写明策略由此发出的告警。

A crowd of accounts is `B1..B200`. A rule's examples expect findings. Those of `examples.toml` are of the whole pack and
expect the alerts that the policy makes of findings, from the moment `from` on: `\"10:04 raise A review score=40\"`, after
the measure `freeze` where one is proposed, `instead_of=MEASURE` where the breaker lowered it, and, where that matters,
`score=N`, `within=30m`, `for=48h`, `extensions=N`. Beside an overlay the pack's `examples.toml` is left out; the overlay
may bring its own.
";

const EXPECT: &str = "\
### Expected findings

`expect` 列出应有的结果，如 `\"10:04 M02 A\"`（时间、规则、账户）；未列出的结果不得出现（仅限所列规则与本规则）。其后可加：

`expect` lists the findings that must come, as `\"10:04 M02 A\"` (time, rule, account); others of this rule and of the
rules it names must not. After one may stand:
";

/// The reference as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    let _ = writeln!(text, "\n{KEY_COLUMNS}");
    KEYS.iter().for_each(|key| text += &row(key));
    for File { heading, zh, en, keys } in FILES {
        let _ = writeln!(text, "\n## {heading}\n\n{zh}\n\n{en}\n\n{KEY_COLUMNS}");
        keys.iter().for_each(|key| text += &row(key));
    }
    let _ = write!(text, "\n{EXPRESSIONS}");
    text += &bounds_of_expressions();
    let _ = writeln!(text, "\n## Functions\n");
    let _ = writeln!(text, "| function | 含义 | meaning |\n|---|---|---|");
    for (_, signature, zh, en) in FUNCTIONS {
        let _ = writeln!(text, "| `{signature}` | {zh} | {en} |");
    }
    for (owner, heading) in Owner::ALL {
        let _ = writeln!(text, "\n## {heading}\n\n| | gives | 含义 | meaning |\n|---|---|---|---|");
        for member in MEMBERS.iter().filter(|member| member.owner == *owner) {
            let gives = match member.gives {
                Gives::Value(ty) => type_word(ty).to_owned(),
                Gives::Word(set) => format!("a word ({})", set.title()),
                Gives::Record(owner) => owner.word().to_owned(),
            };
            let (signature, zh, en) = (signature(member), member.zh, member.en);
            let _ = writeln!(text, "| `{signature}` | {gives} | {zh} | {en} |");
        }
        text += &notes(*owner);
    }
    let _ = writeln!(text, "\n## Words\n\n| set | words |\n|---|---|");
    for set in WordSet::ALL {
        let words: Vec<String> = set.words().iter().map(|word| format!("`{word}`")).collect();
        let _ = writeln!(text, "| {} | {} |", set.title(), words.join(" "));
    }
    text += &examples();
    let _ =
        writeln!(text, "\n## Remarks of `rules lint`\n\n| code | 含义 | meaning |\n|---|---|---|");
    for Lint { code, zh, en } in LINTS {
        let _ = writeln!(text, "| `{code}` | {zh} | {en} |");
    }
    text
}

/// How long and deep an expression may be, and what its numbers may be.
fn bounds_of_expressions() -> String {
    let (bytes, depth) = (limits::EXPRESSION_BYTES_MAX, limits::EXPRESSION_DEPTH_MAX);
    let (working, longest) = (limits::WORKING_DAYS_MAX, limits::WORKING_WINDOW_MAX / DAY);
    let mut text = format!(
        "\n一个表达式至多 {bytes} 字节、嵌套至多 {depth} 层：更长的请拆成 `[features]` 中的若干个。没有：对值取负（`-x`）、`%`、反斜线、\
         注释、金额除以数（`amount / 2` 写作 `amount * 0.5`）、金额乘以不固定的数。\n\n\
         An expression has at most {bytes} bytes and {depth} levels of brackets: name parts of a longer one under `[features]`. \
         There is no minus before a value (`-x`), no `%`, no backslash and no comment; an amount is not divided by a \
         number (write `amount * 0.5` for `amount / 2`) and is multiplied only by a number that is fixed.\n\n\
         窗口写作时长，或工作日（`5wd`，1 至 {working}）：自往前第五个工作日的零点起，依 `calendar.toml`；遇长假照样包含，至多 {longest} 天。\n\n\
         A window is given as a duration, or in working days (`5wd`, 1 to {working}): from the midnight of the fifth working \
         day back, by `calendar.toml`, over holidays too, {longest} days at most.\n\n\
         | argument | 范围 | bounds |\n|---|---|---|\n"
    );
    for (word, arg) in bounds::TOLD {
        let (zh, en) = bounds::told(*arg);
        let _ = writeln!(text, "| `{word}` | {zh} | {en} |");
    }
    text
}

/// What goes with what, below the table of an owner.
fn notes(owner: Owner) -> String {
    let names = |wanted: &dyn Fn(&Member) -> bool| {
        let found = MEMBERS.iter().filter(|member| member.owner == owner && wanted(member));
        found.map(|member| format!("`{}`", signature(member))).collect::<Vec<_>>().join(", ")
    };
    let mut text = String::new();
    let once = names(&|m| bounds::once(m.makes).is_some_and(|sort| sort != Once::Party));
    let party = names(&|m| bounds::once(m.makes) == Some(Once::Party));
    if !once.is_empty() {
        let _ = writeln!(
            text,
            "\n{once} 各只能用一次；{party} 只能用其一。其他筛选可以重复，逐次收窄。\n\n\
             Of {once} each stands once; of {party} one. Other filters may be repeated: each narrows further."
        );
    }
    let bare = names(&|m| bounds::takes_only_without(m.makes));
    if !bare.is_empty() {
        let _ = writeln!(
            text,
            "\n{bare} 之前只能用 `without(…)`。\n\nBefore {bare} stands no filter but `without(…)`."
        );
    }
    if MEMBERS.iter().any(|m| m.owner == owner && matches!(m.makes, Makes::NotFollowedBy)) {
        let _ = writeln!(
            text,
            "\n`not_followed_by(…, T)` 的窗口须长于 T，其后的分录的窗口至少为 T；两者须是同一账户的分录。\n\n\
             The window of `not_followed_by(…, T)` is longer than T, that of what follows at least T; both are entries of one account."
        );
    }
    if owner == Owner::Signals {
        text += "\n查询信号的规则须另有不涉及信号的条件（用 `&&` 连接），说明哪些事件值得查询；防误拦规则不能查询信号。\n\n\
                 A rule that asks about signals has a condition of its own beside them, joined with `&&`: it says at which \
                 events signals are worth looking up. A guard cannot ask about them.\n";
    }
    text
}

const KEY_COLUMNS: &str = "| key | 含义 | meaning |\n|---|---|---|";

fn row(Key { shown, zh, en, .. }: &Key) -> String {
    format!("| {shown} | {zh} | {en} |\n")
}

/// The language of examples.
fn examples() -> String {
    let mut text =
        format!("\n{EXAMPLES}\n| after the time | 含义 | meaning | as |\n|---|---|---|---|\n");
    for Form { written, words, zh, en, example, .. } in FORMS {
        let words = words.iter().map(|(name, words)| format!("; {name}: {}", listed(&words())));
        let words: String = words.collect();
        let _ = writeln!(text, "| `{written}` | {zh} | {en}{words} | `{example}` |");
    }
    for form in FORMS.iter().filter(|form| !form.options.is_empty()) {
        let _ = writeln!(text, "\n### Options of {}\n\n{OPTION_COLUMNS}", form.called);
        form.options.iter().for_each(|opt| text += &option("", opt));
        form.of_parties.iter().for_each(|opt| text += &option(OF_PAYEE, opt));
    }
    let _ = writeln!(text, "\n{EXPECT}\n{OPTION_COLUMNS}");
    let _ = writeln!(text, "| `removed` | 被防误拦规则剔除 | a guard removes it |");
    EXPECTED.iter().for_each(|opt| text += &option("", opt));
    text
}

const OPTION_COLUMNS: &str = "| option | 含义 | meaning |\n|---|---|---|";

/// A row on an option; `other` is what it begins with where it is the other party's.
fn option(other: &str, Opt { name, sample, words, zh, en }: &Opt) -> String {
    let others = match other.is_empty() {
        true => String::new(),
        false => format!(", `{other}{name}={sample}`"),
    };
    let words = words.map_or(String::new(), |words| format!(": {}", listed(&words())));
    format!("| `{name}={sample}`{others} | {zh} | {en}{words} |\n")
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_readme_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/README.md");
        let fresh = super::reference();
        if std::env::var("INSTA_UPDATE").as_deref() == Ok("always") {
            std::fs::write(path, &fresh).expect("writable");
        }
        let there = std::fs::read_to_string(path).unwrap_or_default();
        assert!(there == fresh, "rules/README.md is stale: run this test with INSTA_UPDATE=always");
    }
}
