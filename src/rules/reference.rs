//! `rules/README.md`: the language reference, printed from the catalogue.

use std::fmt::Write as _;

use super::catalogue::{FUNCTIONS, Gives, MEMBERS, Owner, WordSet, type_word};
use super::compile::signature;
use super::lint::{LINTS, Lint};
use crate::limits;
use crate::model::time::DAY;

const HEAD: &str = "\
# The rule language

<!-- Printed from src/rules/catalogue.rs; a test compares. Change it there. -->

A pack is a folder: `policy.toml` (families, caps, bands, measures, episodes, breaker), `guards.toml`, `calendar.toml`
(holidays and make-up working days) and one file for each rule. `goshawk rules check --rules DIR` reports every defect at once, `goshawk rules test` runs
the examples in the files, `goshawk rules list` lists the rules.

## A rule's file

| key | 含义 | meaning |
|---|---|---|
| `id`, `name`, `version`, `code`, `title` | 编号、英文名、版本、原因代码、中英文标题 | `M02`, `burst_out`, `1.0.0`, `BURST_OUT` (reason code), `{ zh, en }` |
| `family`, `weight` | 规则族（见策略文件）与权重 1–100 | family of the policy, 1 to 100 |
| `mode` | `live`（默认）、`shadow`（只试运行）、`signal`（只留信号，供其他规则查询）、`off` | `live` (default), `shadow`, `signal` (leaves a signal for other rules and never alerts), `off` |
| `phases` | `pre`：支付的首个事件；`post`：结算时；`opening`：开户时 | `pre`: at the payment's first event; `post`: when it settles; `opening`: when an account is opened |
| `subject` | 由谁的状态判断：`payer`、`payee`、`device`、`network`；开户规则为 `account`、`customer`、`device`、`phone`、`agent` | whose state decides: `payer`, `payee`, `device`, `network`; of openings `account`, `customer`, `device`, `phone`, `agent` |
| `about` | 结果与信号针对谁的账户：`payer` 或 `payee`；不写则为 subject 一方 | whose account finding and signal are about: `payer` or `payee`; absent: the subject's |
| `target` | 针对谁：`payment`、`payer` 或 `payee`，分别对应仍可拦截与已结算；开户规则两者均为 `opening` | `{ held, settled }`: `payment`, `payer` or `payee`, while it can be held and once settled; of openings `opening` for both |
| `guards` | 逐一求值并展示的防误拦规则；`scope = \"all\"` 的防误拦规则适用于 `list` 族以外的所有规则 | ids of guards that are evaluated and shown; guards with `scope = \"all\"` are, in every rule outside the family `list` |
| `floor` | 单独触发时的措施；不写则由得分决定 | measure when only this rule fires; absent: the score alone decides |
| `[card]` | 说明卡（中英文）：识别什么、不应误伤什么、需要哪些数据、如何调整、有何取舍；生成 `docs/rules/` | `catches`, `spares`, `needs`, `tune` and, where the typology leaves a choice, `choices`, each `{ zh, en }`; `docs/rules/` is printed from it |
| `[params]` | 参数：整数、小数、时长、带 `unit = \"CNY\"` 的金额、词表；`by_grade = { high = \"3000.00\" }` 为某风险等级另设值 | `name = { value, unit, doc, by_grade }`: whole number, fraction, `\"10m\"`, amount with `unit = \"CNY\"`, list of words; `by_grade = { high = \"3000.00\" }` takes another value for accounts of a grade |
| `[features]` | 命名表达式；可引用其上方的特征 | named expressions; a feature may use those above it |
| `[when]` | `alert`：触发条件；`balance_unknown`：标记缺少余额的结果 | `alert`: the condition; `balance_unknown`: marks the finding |
| `[[escalate]]` | 满足进一步条件时的更强措施或权重 | `when`, `floor`, `weight`: a stronger floor under a further condition |
| `[[support]]` | 同一事件链中另有这些规则或规则族时的更强措施 | `rules`, `families`, `floor`: a stronger floor when these fire in the same episode |
| `[text]` | 中英文原因文字，用花括号引用特征、参数或表达式；禁止直接写数字 | `zh`, `en`: words with `{feature}`, `{param}` or `{expression}`; digits are refused |
| `[[examples]]` | 示例：至少两个触发、两个不触发；可注明 `removed`、`floor=review`、`weight=35` | `name`, `given`, `expect`: at least two that fire and two that do not; `\"10:04 M02 A\"`, after it `removed`, `floor=review`, `weight=35` where that matters |
| `[[lint.allow]]` | 有意为之的检查提示 | `code`, `about`, `reason`: a remark of `rules lint` that is meant to be so |

## Expressions

CEL syntax: `&& || ! == != < <= > >= + - * / in ? :`, strings in single or double quotes. A missing value makes
what rests on it missing, except `false && x` and `true || x`; a rule whose condition is missing is counted as not
evaluable. Amounts, ratios, whole numbers and durations do not mix: `amount * 0.02` (at most six digits) is an
amount, `amount / amount` and `duration / duration` are ratios. Words compare with `==`, `!=` and `in` only.
";

/// The reference as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    let days = limits::WINDOW_MAX / DAY;
    let _ = writeln!(
        text,
        "A window is at most {days} days. It is given as a duration, or in working days (`5wd`): from the midnight of \
         the fifth working day back, by `calendar.toml`.\n\n## Functions\n"
    );
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
    }
    let _ = writeln!(text, "\n## Words\n\n| set | words |\n|---|---|");
    for set in WordSet::ALL {
        let words: Vec<String> = set.words().iter().map(|word| format!("`{word}`")).collect();
        let _ = writeln!(text, "| {} | {} |", set.title(), words.join(" "));
    }
    let _ =
        writeln!(text, "\n## Remarks of `rules lint`\n\n| code | 含义 | meaning |\n|---|---|---|");
    for Lint { code, zh, en } in LINTS {
        let _ = writeln!(text, "| `{code}` | {zh} | {en} |");
    }
    text
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
