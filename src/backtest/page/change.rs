//! The sections that draw what a change gained and lost, and the curve of a parameter.

use super::chart::{Curve, curves};
use super::html::{Cell, escape, percent, rate_words, ratio, section, table};
use crate::backtest::comparison::{
    AccountExample, AccountsChanged, Comparison, PatternExample, PatternsChanged, RuleChange,
};
use crate::backtest::sweep::{Point, Sweep};
use crate::engine::contrast::{EpisodesCompared, MeasurePair};
use crate::model::measure::Action;

/// Two packs: rules before and after, and what only one of them alerts on.
pub(super) fn comparison(against: &Comparison) -> String {
    let labelled = against.patterns_gained.is_some();
    let mut header = vec![
        "rule 规则",
        "findings 命中",
        "accounts 账户",
        "gained 新增",
        "lost 减少",
        "% of account-days",
    ];
    if labelled {
        header.extend(["precision 查准率", "recall 查全率", "not yet moved 尚未转走"]);
    }
    let changes = against.rules.iter().chain([&against.total]);
    let rows: Vec<Vec<Cell>> = changes.map(|change| row(change, labelled)).collect();
    let mut body = table(&header, 1, &rows);
    body.push_str(&format!(
        "<p>{} accounts alerted by both 两者都预警, {} with a stronger measure 措施更强, {} with a \
         weaker one 措施更弱</p>\n",
        against.accounts_both, against.measure_stronger, against.measure_weaker
    ));
    body.push_str(&episodes(&against.episodes));
    body.push_str(&accounts("Accounts gained 新增账户", &against.accounts_gained));
    body.push_str(&accounts("Accounts lost 减少账户", &against.accounts_lost));
    if let Some(gained) = &against.patterns_gained {
        body.push_str(&patterns("Patterns gained 新增模式", gained));
    }
    if let Some(lost) = &against.patterns_lost {
        body.push_str(&patterns("Patterns lost 减少模式", lost));
    }
    let note = "Before → after the change; one figure where both are the same. The total counts \
                alerts and alerted accounts.";
    section("change", "What the change gained and lost", "改动的得失", note, &body)
}

fn row(change: &RuleChange, labelled: bool) -> Vec<Cell> {
    let number = |value: u64| value.to_string();
    let share = |value: f64| ratio(Some(value));
    let mut row = vec![
        Cell::Text(change.id.clone()),
        pair(change.findings_before, change.findings, number),
        pair(change.accounts_before, change.accounts, number),
        Cell::Number(change.accounts_gained.to_string()),
        Cell::Number(change.accounts_lost.to_string()),
        pair(
            change.accounts_per_active_account_day_before,
            change.accounts_per_active_account_day,
            rate_words,
        ),
    ];
    if labelled {
        row.extend([
            pair(change.precision_before, change.precision, share),
            pair(change.recall_before, change.recall, share),
            pair(change.median_lead_share_before, change.median_lead_share, |share| {
                percent(Some(share))
            }),
        ]);
    }
    row
}

fn pair<T: PartialEq>(before: Option<T>, after: Option<T>, show: impl Fn(T) -> String) -> Cell {
    let unchanged = before == after;
    let side = |value: Option<T>| value.map_or_else(|| "–".to_owned(), &show);
    let (before, after) = (side(before), side(after));
    Cell::Number(if unchanged { after } else { format!("{before} → {after}") })
}

/// Episodes by what the two packs ask for.
fn episodes(compared: &EpisodesCompared) -> String {
    let word = |measure: Option<Action>| measure.map_or("–", Action::word).to_owned();
    let row = |pair: &MeasurePair| {
        vec![
            Cell::Text(word(pair.before)),
            Cell::Text(word(pair.after)),
            Cell::Number(pair.episodes.to_string()),
            Cell::Number(format!("{} {}", pair.amount, compared.currency)),
        ]
    };
    let header = ["before 改动前", "after 改动后", "episodes 事项", "amount 金额"];
    let rows: Vec<Vec<Cell>> = compared.by_measure.iter().map(row).collect();
    format!("<h3>Episodes by measure 按措施比较</h3>\n{}", table(&header, 2, &rows))
}

fn accounts(heading: &str, changed: &AccountsChanged) -> String {
    let labelled = changed
        .labelled
        .map_or_else(String::new, |labelled| format!(", {labelled} labelled 有标签"));
    let examples: String = changed.examples.iter().map(account).collect();
    more(
        format!("<h3>{heading}: {}{labelled}</h3>\n{examples}", changed.count),
        changed.count,
        changed.examples.len(),
    )
}

fn account(example: &AccountExample) -> String {
    let labelled = match example.labelled {
        Some(true) => " <span class=\"good\">labelled 有标签</span>",
        Some(false) => " <span class=\"bad\">not labelled 无标签</span>",
        None => "",
    };
    format!(
        "<details><summary>{} · {} · {}{labelled}</summary>\n\
         <p>{} <span class=\"soft\">event 事件 {}, score 分值 {}</span></p>\n\
         <p>{}</p>\n<p lang=\"zh\">{}</p>\n</details>\n",
        escape(&example.account),
        escape(example.action),
        escape(&example.rules.join(" + ")),
        escape(&example.time),
        escape(&example.event_id),
        example.score,
        escape(&example.reason.en),
        escape(&example.reason.zh)
    )
}

fn patterns(heading: &str, changed: &PatternsChanged) -> String {
    let examples: String = changed.examples.iter().map(pattern).collect();
    more(
        format!("<h3>{heading}: {}</h3>\n{examples}", changed.count),
        changed.count,
        changed.examples.len(),
    )
}

fn pattern(example: &PatternExample) -> String {
    format!(
        "<details><summary>{} · {}</summary>\n<p>{}</p>\n\
         <p>money not yet moved at the first alert 首次预警时尚未转走: {}</p>\n</details>\n",
        escape(&example.pattern),
        escape(&example.kind),
        escape(&example.rules.join(" + ")),
        percent(Some(example.lead_share))
    )
}

fn more(html: String, count: u64, shown: usize) -> String {
    match count.saturating_sub(shown as u64) {
        0 => html,
        rest => format!("{html}<p class=\"note\">and {rest} more 另有 {rest} 个</p>\n"),
    }
}

/// The figures over the values of one parameter.
pub(super) fn curve(sweep: &Sweep) -> String {
    let (Some(first), Some(last)) = (sweep.points.first(), sweep.points.last()) else {
        return String::new();
    };
    let width = (last.units as f64 - first.units as f64).max(1.0);
    let place = |point: &Point| (point.units as f64 - first.units as f64) / width;
    let line = |class, name, value: &dyn Fn(&Point) -> Option<f64>, show: fn(f64) -> String| {
        let points = sweep.points.iter().filter_map(|point| {
            let value = value(point)?;
            Some((place(point), value, format!("{}: {}", point.value, show(value))))
        });
        Curve { class, name, points: points.collect() }
    };
    let ends = (first.value.as_str(), last.value.as_str());
    let count: fn(f64) -> String = |value| format!("{value:.0}");
    let share: fn(f64) -> String = |value| format!("{value:.3}");
    let rate: fn(f64) -> String = rate_words;
    let limit = format!("budget 预算 {} %", sweep.budget * 100.0);
    let mut body = curves(
        "alert rate of the pack by value",
        ends,
        &[line(
            "one",
            "alert rate of the pack 预警率",
            &|p| Some(p.alerted_per_active_account_day),
            rate,
        )],
        Some((sweep.budget, &limit)),
        rate_words,
    );
    body.push_str(&curves(
        "findings and accounts of the rule by value",
        ends,
        &[
            line("one", "findings of the rule 命中", &|p| Some(p.findings as f64), count),
            line("two", "accounts of the rule 账户", &|p| Some(p.accounts as f64), count),
        ],
        None,
        count,
    ));
    let labelled = first.recall.is_some();
    if labelled {
        body.push_str(&curves(
            "precision and recall of the rule by value",
            ends,
            &[
                line("one", "precision of the rule 查准率", &|p| p.rule_precision, share),
                line("two", "recall of the rule 查全率", &|p| p.rule_recall, share),
            ],
            None,
            share,
        ));
        body.push_str(&curves(
            "precision and recall of the pack by value",
            ends,
            &[
                line("one", "precision of the pack 规则包查准率", &|p| p.precision, share),
                line("two", "recall of the pack 规则包查全率", &|p| p.recall, share),
            ],
            None,
            share,
        ));
    }
    body.push_str(&points(sweep, labelled));
    let note = format!(
        "{}.{} is {} in the pack. Every value was compiled and run as a pack of its own.",
        sweep.rule,
        sweep.parameter,
        sweep.written_words()
    );
    section("sweep", "One parameter", "参数曲线", &note, &body)
}

fn points(sweep: &Sweep, labelled: bool) -> String {
    let mut header = vec![
        sweep.parameter.as_str(),
        "findings 命中",
        "accounts 账户",
        "% of account-days",
        "alerted (pack) 预警账户",
        "alert rate (pack) 预警率",
    ];
    if labelled {
        header.extend([
            "precision 查准率",
            "recall 查全率",
            "precision (pack)",
            "recall (pack)",
            "patterns (pack) 模式",
        ]);
    }
    let row = |point: &Point| {
        let mut row = vec![
            Cell::Text(point.value.clone()),
            Cell::Number(point.findings.to_string()),
            Cell::Number(point.accounts.to_string()),
            Cell::Number(rate_words(point.accounts_per_active_account_day)),
            Cell::Number(point.accounts_alerted.to_string()),
            Cell::Number(rate_words(point.alerted_per_active_account_day)),
        ];
        if labelled {
            let shares = [point.rule_precision, point.rule_recall, point.precision, point.recall];
            row.extend(shares.map(|share| Cell::Number(ratio(share))));
            row.push(Cell::Number(point.patterns_found.unwrap_or(0).to_string()));
        }
        row
    };
    let rows: Vec<Vec<Cell>> = sweep.points.iter().map(row).collect();
    table(&header, 1, &rows)
}
