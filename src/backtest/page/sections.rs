//! The sections that draw one pack's figures.

use std::collections::HashMap;

use super::chart::{Bar, Row, bars, map};
use super::html::{Cell, escape, percent, rate_words, ratio, section, table, title};
use crate::backtest::comparison::Comparison;
use crate::backtest::report::{DayReport, Overlap, Report, RuleReport};
use crate::backtest::truth::LabelReport;

/// The figures to read first.
pub(super) fn summary(report: &Report, against: Option<&Comparison>) -> String {
    let good = if report.within_budget { "good" } else { "bad" };
    let word = if report.within_budget { "within 预算内" } else { "above 超出" };
    let mut tiles = vec![
        ("events 事件", report.events.to_string()),
        ("scored 评分", report.scored.to_string()),
        ("rejected 拒收", report.rejected.values().sum::<u64>().to_string()),
        ("active accounts 活跃账户", report.accounts_active.to_string()),
        ("alerted accounts 预警账户", report.accounts_alerted.to_string()),
        (
            "alert rate 预警率",
            format!(
                "{} <small class=\"{good}\">{word} {} %</small>",
                rate_words(report.alerted_per_active_account_day),
                report.budget * 100.0
            ),
        ),
    ];
    if let Some(labels) = &report.labels {
        tiles.push(("precision 查准率", ratio(Some(labels.precision))));
        tiles.push(("recall 查全率", ratio(Some(labels.recall))));
        tiles.push(("money not yet moved 尚未转走", percent(labels.median_lead_share)));
    }
    if let Some(against) = against {
        tiles.push(("accounts gained 新增账户", against.accounts_gained.count.to_string()));
        tiles.push(("accounts lost 减少账户", against.accounts_lost.count.to_string()));
    }
    let tiles: String = tiles
        .iter()
        .map(|(name, figure)| format!("<div><dt>{name}</dt><dd>{figure}</dd></div>\n"))
        .collect();
    let words = |map: &std::collections::BTreeMap<&str, u64>| {
        let words: Vec<_> = map.iter().map(|(word, n)| format!("{} {n}", escape(word))).collect();
        if words.is_empty() { "–".to_owned() } else { words.join(", ") }
    };
    format!(
        "<dl class=\"tiles\">\n{tiles}</dl>\n<p>alerts 预警: {}. measures 措施: {}.</p>\n",
        words(&report.alerts),
        words(&report.measures)
    )
}

/// The alert rate, day by day, against the budget.
pub(super) fn rate(report: &Report) -> String {
    let bar = |day: &DayReport| {
        let share = day.alerted_per_active_account;
        Bar {
            name: day.day.clone(),
            value: share.unwrap_or(0.0),
            said: format!(
                "{}: {} of {} active accounts, {}",
                day.day,
                day.accounts_alerted,
                day.accounts_active,
                share.map_or_else(|| "–".to_owned(), rate_words)
            ),
        }
    };
    let days: Vec<Bar> = report.days.iter().map(bar).collect();
    let above = report
        .days
        .iter()
        .filter(|day| day.alerted_per_active_account.is_some_and(|share| share > report.budget));
    let limit = format!("{} %", report.budget * 100.0);
    let chart = bars("accounts alerted per active account, by day", &days, report.budget, &limit);
    let rows: Vec<Vec<Cell>> = report.days.iter().map(day_row).collect();
    let numbers = table(&["day 日期", "active 活跃", "alerted 预警", "rate 预警率"], 1, &rows);
    let body = format!(
        "<p>{} of {} days above the budget 超出预算的天数</p>\n{chart}\
         <details><summary>by day 按日</summary>\n{numbers}</details>\n",
        above.count(),
        report.days.len()
    );
    let note = "Accounts alerted on a day over accounts with a payment on that day. Above the \
                budget nobody works through all alerts.";
    section("rate", "Alert rate", "预警率", note, &body)
}

fn day_row(day: &DayReport) -> Vec<Cell> {
    vec![
        Cell::Text(day.day.clone()),
        Cell::Number(day.accounts_active.to_string()),
        Cell::Number(day.accounts_alerted.to_string()),
        Cell::Number(day.alerted_per_active_account.map_or_else(|| "–".to_owned(), rate_words)),
    ]
}

/// What each rule did.
pub(super) fn rules(report: &Report) -> String {
    let mut header = vec![
        "rule 规则",
        "title 名称",
        "mode 模式",
        "findings 命中",
        "accounts 账户",
        "of it alone 独有",
        "% of account-days",
        "suppressed 抑制",
        "not evaluable 无法判断",
    ];
    if report.labels.is_some() {
        header.extend(["precision 查准率", "recall 查全率", "not yet moved 尚未转走"]);
    }
    let rows: Vec<Vec<Cell>> = report.rules.iter().map(rule_row).collect();
    let note = "Findings that no guard removed. A rule without an account of its own adds weight, \
                never an account. Precision and recall are over accounts; money not yet moved is \
                the median over the patterns that the rule found.";
    section("rules", "Rules", "规则", note, &table(&header, 3, &rows))
}

fn rule_row(rule: &RuleReport) -> Vec<Cell> {
    let mut row = vec![
        Cell::Text(rule.id.clone()),
        Cell::Words(title(&rule.title)),
        Cell::Text(rule.mode.to_owned()),
        Cell::Number(rule.findings.to_string()),
        Cell::Number(rule.accounts.to_string()),
        Cell::Number(rule.accounts_alone.to_string()),
        Cell::Number(rate_words(rule.accounts_per_active_account_day)),
        Cell::Number(rule.suppressed.to_string()),
        Cell::Number(rule.not_evaluable.to_string()),
    ];
    if let Some(labels) = &rule.labels {
        row.extend([
            Cell::Shaded(ratio(labels.precision), labels.precision.unwrap_or(0.0)),
            Cell::Shaded(ratio(Some(labels.recall)), labels.recall),
            Cell::Shaded(
                percent(labels.median_lead_share),
                labels.median_lead_share.unwrap_or(0.0),
            ),
        ]);
    }
    row
}

/// Findings by rule and day.
pub(super) fn hits(report: &Report) -> String {
    let days: Vec<&str> = report.days.iter().map(|day| day.day.as_str()).collect();
    let firing: Vec<&RuleReport> = report.rules.iter().filter(|rule| rule.findings > 0).collect();
    let rows: Vec<Row<'_>> =
        firing.iter().map(|rule| Row { name: &rule.id, hits: &rule.findings_by_day }).collect();
    let quiet: Vec<String> = report
        .rules
        .iter()
        .filter(|rule| rule.findings == 0)
        .map(|rule| escape(&rule.id))
        .collect();
    let quiet = match quiet.is_empty() {
        true => String::new(),
        false => format!("<p>without a finding 无命中: {}</p>\n", quiet.join(", ")),
    };
    let body = map("findings by rule and day", &days, &rows) + &quiet;
    let note = "The stronger the colour, the more findings on that day.";
    section("hits", "Findings by rule and day", "按规则与日期的命中", note, &body)
}

/// What was found of the labels, and by which rule.
pub(super) fn patterns(report: &Report, labels: &LabelReport) -> String {
    let rows: Vec<Vec<Cell>> = labels
        .patterns
        .iter()
        .map(|pattern| {
            let of = |found: u64, planted: u64| Cell::Number(format!("{found} / {planted}"));
            let lead = pattern.median_lead_share;
            vec![
                Cell::Text(pattern.kind.clone()),
                of(pattern.found, pattern.planted),
                Cell::Shaded(ratio(Some(pattern.recall)), pattern.recall),
                of(pattern.accounts_found, pattern.accounts_planted),
                Cell::Shaded(percent(lead), lead.unwrap_or(0.0)),
            ]
        })
        .collect();
    let header =
        ["pattern 模式", "found 发现", "recall 查全率", "accounts 账户", "not yet moved 尚未转走"];
    let mut body = table(&header, 1, &rows);
    let mut header = vec!["rule 规则"];
    header.extend(labels.patterns.iter().map(|pattern| pattern.kind.as_str()));
    let rows: Vec<Vec<Cell>> = report
        .rules
        .iter()
        .filter_map(|rule| {
            let found = &rule.labels.as_ref()?.patterns;
            let cells = labels.patterns.iter().map(|pattern| {
                let found = found.get(&pattern.kind).copied().unwrap_or(0);
                Cell::Shaded(found.to_string(), found as f64 / pattern.planted.max(1) as f64)
            });
            (!found.is_empty())
                .then(|| std::iter::once(Cell::Text(rule.id.clone())).chain(cells).collect())
        })
        .collect();
    body.push_str("<p>patterns found by each rule 各规则发现的模式</p>\n");
    body.push_str(&table(&header, 1, &rows));
    let note = "A pattern is found when an alert names one of its events. Lead time is told in \
                money: the share of the pattern's money that had not moved yet at the first alert.";
    section("patterns", "Labelled patterns and lead", "标签模式与提前量", note, &body)
}

/// Which rules find the same accounts.
pub(super) fn overlap(report: &Report) -> String {
    let firing: Vec<&RuleReport> = report.rules.iter().filter(|rule| rule.accounts > 0).collect();
    let pairs: HashMap<(&str, &str), &Overlap> = report
        .overlap
        .iter()
        .map(|pair| ((pair.rules[0].as_str(), pair.rules[1].as_str()), pair))
        .collect();
    let mut header = vec![""];
    header.extend(firing.iter().map(|rule| rule.id.as_str()));
    let rows: Vec<Vec<Cell>> = firing
        .iter()
        .map(|row| {
            let cells = firing.iter().map(|column| {
                let (a, b) = (row.id.as_str(), column.id.as_str());
                if a == b {
                    return Cell::Number(row.accounts.to_string());
                }
                match pairs.get(&(a, b)).or_else(|| pairs.get(&(b, a))) {
                    Some(pair) => Cell::Shaded(pair.accounts.to_string(), pair.share),
                    None => Cell::Number("·".to_owned()),
                }
            });
            std::iter::once(Cell::Text(row.id.clone())).chain(cells).collect()
        })
        .collect();
    let note = "Accounts that both rules found; the shade is their share of the accounts of the \
                rule that found fewer. A rule wholly inside another is worth a second look.";
    section("overlap", "Overlap between rules", "规则重叠", note, &table(&header, 1, &rows))
}
