//! Everything a backtest found, as one page: no script, no other file, nothing fetched.
//!
//! - [`html`]: markup and escaping
//! - [`chart`]: inline SVG
//! - [`sections`]: one pack's figures; [`change`]: two packs, and the curve of a parameter

mod change;
mod chart;
mod html;
mod sections;

use super::comparison::Comparison;
use super::report::Report;
use super::sweep::Sweep;
use html::escape;

const STYLE: &str = include_str!("style.css");

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// What was read: the file's name.
    pub name: &'a str,
    /// The pack.
    pub report: &'a Report,
    /// The pack before the change.
    pub against: Option<&'a Comparison>,
    /// The curve of a parameter.
    pub sweep: Option<&'a Sweep>,
}

/// Draws the page.
#[must_use]
pub fn draw(content: &Content<'_>) -> String {
    let Content { name, report, against, sweep } = *content;
    let mut parts = vec![sections::summary(report, against)];
    parts.extend(against.map(change::comparison));
    parts.extend(sweep.map(change::curve));
    parts.push(sections::rate(report));
    parts.push(sections::rules(report));
    parts.push(sections::hits(report));
    if let Some(labels) = &report.labels {
        parts.push(sections::patterns(report, labels));
    }
    parts.push(sections::overlap(report));
    let pack = |report: &Report| {
        let pack = &report.pack;
        format!(
            "{} {} <small class=\"soft\">sha256 {}</small>",
            escape(&pack.id),
            escape(&pack.version),
            escape(&pack.sha256)
        )
    };
    let before = against.map_or_else(String::new, |against| {
        format!("<p>before 改动前: {}</p>\n", pack(&against.report))
    });
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{name}: rule pack judged 规则包评估</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <h1>Rule pack judged<span lang=\"zh\">规则包评估</span></h1>\n\
         <p>{name}</p>\n<p>pack 规则包: {}</p>\n{before}{}</body>\n</html>\n",
        pack(report),
        parts.concat(),
        name = escape(name),
    )
}
