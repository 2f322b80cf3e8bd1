//! `policy.toml`.

use std::ops::Range;

use super::rule::{AllowDoc, Bi, NumberDoc, read_allows, read_bi};
use crate::rules::diagnostics::Sink;
use crate::rules::document::{Fields, Node, Text, Value, as_number, as_text};

/// One of `[[bands]]`.
#[derive(Clone, Debug)]
pub(in crate::rules) struct BandDoc {
    pub(in crate::rules) from: NumberDoc,
    pub(in crate::rules) account: Text,
    pub(in crate::rules) payment: Text,
}

/// `[breaker]`
#[derive(Clone, Debug)]
pub(in crate::rules) struct BreakerDoc {
    pub(in crate::rules) window: Text,
    pub(in crate::rules) strong_max: u32,
    pub(in crate::rules) share_max: Text,
    pub(in crate::rules) share_from: u32,
}

/// `policy.toml`
#[derive(Clone, Debug)]
pub(in crate::rules) struct PolicyDoc {
    pub(in crate::rules) file: usize,
    pub(in crate::rules) pack_id: Text,
    pub(in crate::rules) pack_version: Text,
    pub(in crate::rules) currency: Text,
    pub(in crate::rules) country: Option<Text>,
    pub(in crate::rules) families: Vec<(Text, NumberDoc)>,
    pub(in crate::rules) bands: Vec<BandDoc>,
    pub(in crate::rules) bands_span: Range<usize>,
    pub(in crate::rules) freeze_proposal_from: Option<u32>,
    pub(in crate::rules) cool_down: Text,
    pub(in crate::rules) idle: Text,
    pub(in crate::rules) act_within: Text,
    pub(in crate::rules) stop_duration: Text,
    pub(in crate::rules) stop_extensions_max: u32,
    pub(in crate::rules) delay_duration: Text,
    pub(in crate::rules) breaker: BreakerDoc,
    pub(in crate::rules) customer_reasons: Vec<(Text, Bi)>,
    pub(in crate::rules) external_codes: Vec<(Text, Text)>,
    /// First and last day.
    pub(in crate::rules) festivals: Vec<(Text, Text)>,
    /// Everything that a score, an amount of time or a number is compared with, by name.
    pub(in crate::rules) thresholds: Vec<(String, Node)>,
    pub(in crate::rules) allows: Vec<AllowDoc>,
}

/// The family that is weak by its name: its cap must lie below the alert line.
pub(in crate::rules) const WEAK: &str = "weak";

impl PolicyDoc {
    /// The score of the lowest band: below it there is no alert.
    pub(in crate::rules) fn alert_line(&self) -> Option<i64> {
        self.bands.iter().map(|band| band.from.value).min()
    }

    /// Whether a family cannot reach the alert line: by its name, or by its cap.
    pub(in crate::rules) fn is_weak(&self, family: &str) -> bool {
        let cap = self.families.iter().find(|(name, _)| name.value == family).map(|(_, cap)| cap);
        let is_below = cap.zip(self.alert_line()).is_some_and(|(cap, line)| cap.value < line);
        family == WEAK || is_below
    }
}

const KEYS: &[&str] = &[
    "pack",
    "families",
    "bands",
    "episodes",
    "measures",
    "breaker",
    "customer_reasons",
    "external_codes",
    "festivals",
    "lint",
];

/// Tables whose numbers are thresholds.
const COMPARED: &[&str] = &["families", "bands", "measures", "episodes", "breaker"];

pub(super) fn read(file: usize, root: &Node, sink: &mut Sink<'_>) -> Option<PolicyDoc> {
    let fields = Fields::open(root, "the policy", KEYS, sink)?;
    let pack = fields.require("pack", sink).and_then(|node| {
        let pack = Fields::open(node, "[pack]", &["id", "version", "currency", "country"], sink)?;
        let id = pack.require_text("id", sink);
        let version = pack.require_text("version", sink);
        let currency = pack.require_text("currency", sink);
        let country = pack.text("country", sink);
        Some((id?, version?, currency?, country))
    });
    fields.require("families", sink);
    let families: Vec<(Text, NumberDoc)> = fields
        .pairs("families", sink)
        .iter()
        .filter_map(|(name, node)| {
            let value = as_number(node, 1..=100, sink)?;
            let file = node.file;
            Some((name.clone(), NumberDoc { value, file, span: node.span.clone() }))
        })
        .collect();
    let bands_span = fields.require("bands", sink).map_or(0..0, |node| node.span.clone());
    let bands = read_bands(&fields, sink);
    let episodes = fields.require("episodes", sink).and_then(|node| {
        let episodes = Fields::open(node, "[episodes]", &["cool_down", "idle"], sink)?;
        let cool_down = episodes.require_text("cool_down", sink);
        let idle = episodes.require_text("idle", sink);
        Some((cool_down?, idle?))
    });
    let measures = fields.require("measures", sink).and_then(|n| read_measures(n, sink));
    let breaker = fields.require("breaker", sink).and_then(|n| read_breaker(n, sink));
    let customer_reasons: Vec<(Text, Bi)> = fields
        .pairs("customer_reasons", sink)
        .iter()
        .filter_map(|(measure, node)| Some((measure.clone(), read_bi(node, sink)?)))
        .collect();
    let external_codes: Vec<(Text, Text)> = fields
        .pairs("external_codes", sink)
        .iter()
        .filter_map(|(code, node)| Some((code.clone(), as_text(node, sink)?)))
        .collect();
    let festivals: Vec<(Text, Text)> = fields
        .items("festivals", sink)
        .iter()
        .filter_map(|node| {
            let known = &["name", "from", "to"];
            let festival = Fields::open(node, "a festival", known, sink)?;
            festival.require_text("name", sink);
            let (from, to) =
                (festival.require_text("from", sink), festival.require_text("to", sink));
            Some((from?, to?))
        })
        .collect();
    let allows = read_allows(&fields, sink);
    let mut thresholds = Vec::new();
    for key in COMPARED {
        fields.get(key).into_iter().for_each(|node| numbers(node, key, &mut thresholds));
    }
    let (pack_id, pack_version, currency, country) = pack?;
    let (cool_down, idle) = episodes?;
    let measures = measures?;
    Some(PolicyDoc {
        file,
        pack_id,
        pack_version,
        currency,
        country,
        families,
        bands,
        bands_span,
        freeze_proposal_from: measures.freeze_proposal_from,
        cool_down,
        idle,
        act_within: measures.act_within,
        stop_duration: measures.stop_duration,
        stop_extensions_max: measures.stop_extensions_max,
        delay_duration: measures.delay_duration,
        breaker: breaker?,
        customer_reasons,
        external_codes,
        festivals,
        thresholds,
        allows,
    })
}

/// Whole numbers, and texts that begin with a digit: durations and shares.
fn numbers(node: &Node, name: &str, found: &mut Vec<(String, Node)>) {
    match &node.value {
        Value::Integer(_) => found.push((name.to_owned(), node.clone())),
        Value::Text(text) if text.value.starts_with(|c: char| c.is_ascii_digit()) => {
            found.push((name.to_owned(), node.clone()));
        }
        Value::Array(items) => items.iter().for_each(|item| numbers(item, name, found)),
        Value::Table(fields) => {
            fields.iter().for_each(|(key, inner)| {
                numbers(inner, &format!("{name}.{}", key.value), found);
            });
        }
        _ => {}
    }
}

fn read_bands(fields: &Fields<'_>, sink: &mut Sink<'_>) -> Vec<BandDoc> {
    let mut bands = Vec::new();
    for node in fields.items("bands", sink) {
        let known = &["from", "account", "payment"];
        let Some(item) = Fields::open(node, "a band", known, sink) else { continue };
        let from = item.require("from", sink).and_then(|from| {
            let value = as_number(from, 1..=100, sink)?;
            let file = from.file;
            Some(NumberDoc { value, file, span: from.span.clone() })
        });
        let account = item.require_text("account", sink);
        let payment = item.require_text("payment", sink);
        if let (Some(from), Some(account), Some(payment)) = (from, account, payment) {
            bands.push(BandDoc { from, account, payment });
        }
    }
    bands
}

struct MeasuresDoc {
    freeze_proposal_from: Option<u32>,
    act_within: Text,
    stop_duration: Text,
    stop_extensions_max: u32,
    delay_duration: Text,
}

fn read_measures(node: &Node, sink: &mut Sink<'_>) -> Option<MeasuresDoc> {
    let known = &[
        "freeze_proposal_from",
        "act_within",
        "stop_duration",
        "stop_extensions_max",
        "delay_duration",
    ];
    let fields = Fields::open(node, "[measures]", known, sink)?;
    let freeze_proposal_from = fields.number("freeze_proposal_from", 1..=100, sink);
    let act_within = fields.require_text("act_within", sink);
    let stop_duration = fields.require_text("stop_duration", sink);
    fields.require("stop_extensions_max", sink);
    let stop_extensions_max = fields.number("stop_extensions_max", 0..=10, sink);
    let delay_duration = fields.require_text("delay_duration", sink);
    Some(MeasuresDoc {
        freeze_proposal_from: freeze_proposal_from.map(|n| n as u32),
        act_within: act_within?,
        stop_duration: stop_duration?,
        stop_extensions_max: stop_extensions_max? as u32,
        delay_duration: delay_duration?,
    })
}

fn read_breaker(node: &Node, sink: &mut Sink<'_>) -> Option<BreakerDoc> {
    let known = &["window", "strong_max", "share_max", "share_from"];
    let fields = Fields::open(node, "[breaker]", known, sink)?;
    let window = fields.require_text("window", sink);
    fields.require("strong_max", sink);
    let strong_max = fields.number("strong_max", 1..=1_000_000_000, sink);
    let share_max = fields.require_text("share_max", sink);
    fields.require("share_from", sink);
    let share_from = fields.number("share_from", 0..=1_000_000_000, sink);
    Some(BreakerDoc {
        window: window?,
        strong_max: strong_max? as u32,
        share_max: share_max?,
        share_from: share_from? as u32,
    })
}
