//! Charts as inline SVG: bars by day, a map of hits, curves.

use super::html::escape;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 26.0;

/// Where a chart's plane lies, and how high its values reach.
struct Plane {
    height: f64,
    top: f64,
}

impl Plane {
    fn y(&self, value: f64) -> f64 {
        let plane = self.height - TOP - BOTTOM;
        TOP + plane * (1.0 - value / self.top)
    }

    /// Opens the picture: base line, the greatest value, and what it shows for who cannot see it.
    fn open(&self, label: &str, top_word: &str) -> String {
        let (base, high) = (self.y(0.0), self.y(self.top));
        format!(
            "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\">\n\
             <line class=\"axis\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{base:.1}\" y2=\"{base:.1}\"/>\n\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n\
             <text x=\"{}\" y=\"{base:.1}\" text-anchor=\"end\">0</text>\n",
            self.height,
            escape(label),
            WIDTH - RIGHT,
            LEFT - 6.0,
            high + 4.0,
            escape(top_word),
            LEFT - 6.0,
        )
    }

    fn budget(&self, budget: f64, word: &str) -> String {
        let y = self.y(budget);
        format!(
            "<line class=\"budget\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\n\
             <text class=\"budget-word\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
            WIDTH - RIGHT,
            WIDTH - RIGHT,
            y - 3.0,
            escape(word)
        )
    }

    /// The first and the last word below the base line.
    fn ends(&self, first: &str, last: &str) -> String {
        let y = self.height - 8.0;
        format!(
            "<text x=\"{LEFT}\" y=\"{y}\">{}</text>\n\
             <text x=\"{}\" y=\"{y}\" text-anchor=\"end\">{}</text>\n",
            escape(first),
            WIDTH - RIGHT,
            escape(last)
        )
    }
}

/// A bar.
pub(super) struct Bar {
    /// Below it.
    pub name: String,
    /// Its height.
    pub value: f64,
    /// Said when it is pointed at.
    pub said: String,
}

/// Bars side by side against a line they should stay below.
pub(super) fn bars(label: &str, bars: &[Bar], limit: f64, limit_word: &str) -> String {
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else { return String::new() };
    let top = bars.iter().map(|bar| bar.value).fold(limit * 1.2, f64::max);
    let plane = Plane { height: 220.0, top };
    let step = (WIDTH - LEFT - RIGHT) / bars.len() as f64;
    let mut svg = plane.open(label, &format!("{:.1} %", top * 100.0));
    for (index, bar) in bars.iter().enumerate() {
        let (x, y) = (LEFT + step * index as f64, plane.y(bar.value));
        let class = if bar.value > limit { "above" } else { "one" };
        svg.push_str(&format!(
            "<rect class=\"{class}\" x=\"{x:.2}\" y=\"{y:.2}\" width=\"{:.2}\" \
             height=\"{:.2}\"><title>{}</title></rect>\n",
            step * 0.85,
            plane.y(0.0) - y,
            escape(&bar.said)
        ));
    }
    svg + &plane.budget(limit, limit_word) + &plane.ends(&first.name, &last.name) + "</svg>\n"
}

/// A row of a map of hits.
pub(super) struct Row<'a> {
    /// Before it.
    pub name: &'a str,
    /// By column.
    pub hits: &'a [u64],
}

/// Rows of hits by column: the more hits, the stronger the colour.
pub(super) fn map(label: &str, columns: &[&str], rows: &[Row<'_>]) -> String {
    const ROW: f64 = 18.0;
    let (Some(first), Some(last)) = (columns.first(), columns.last()) else {
        return String::new();
    };
    let height = TOP + ROW * rows.len() as f64 + BOTTOM;
    let step = (WIDTH - LEFT - RIGHT) / columns.len() as f64;
    let most = rows.iter().flat_map(|row| row.hits).copied().max().unwrap_or(0).max(1);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">\n",
        escape(label)
    );
    for (index, row) in rows.iter().enumerate() {
        let y = TOP + ROW * index as f64;
        let name = escape(row.name);
        svg.push_str(&format!(
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>\n\
             <line class=\"axis\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{:.1}\" y2=\"{:.1}\"/>\n",
            LEFT - 6.0,
            y + ROW * 0.7,
            WIDTH - RIGHT,
            y + ROW - 1.0,
            y + ROW - 1.0
        ));
        for (at, hits) in row.hits.iter().enumerate().filter(|(_, hits)| **hits > 0) {
            // By its logarithm: one rule must not make all others invisible.
            let strength = 0.25 + 0.75 * (1.0 + *hits as f64).ln() / (1.0 + most as f64).ln();
            svg.push_str(&format!(
                "<rect class=\"one\" x=\"{:.2}\" y=\"{:.1}\" width=\"{:.2}\" height=\"{}\" \
                 opacity=\"{strength:.2}\"><title>{name} {}: {hits}</title></rect>\n",
                LEFT + step * at as f64,
                y + 1.0,
                (step * 0.92).max(1.0),
                ROW - 3.0,
                escape(columns[at])
            ));
        }
    }
    let plane = Plane { height, top: 1.0 };
    svg + &plane.ends(first, last) + "</svg>\n"
}

/// A curve: places between 0 and 1, and values where there are any.
pub(super) struct Curve<'a> {
    /// `one` or `two`: its colour.
    pub class: &'a str,
    /// What it is.
    pub name: &'a str,
    /// Place, value, what is said of it.
    pub points: Vec<(f64, f64, String)>,
}

/// Curves over one axis, with an optional line they should stay below.
pub(super) fn curves(
    label: &str,
    ends: (&str, &str),
    curves: &[Curve<'_>],
    limit: Option<(f64, &str)>,
    top_word: impl Fn(f64) -> String,
) -> String {
    let values = curves.iter().flat_map(|curve| &curve.points).map(|(_, value, _)| *value);
    let top = values.fold(limit.map_or(0.0, |(limit, _)| limit * 1.2), f64::max);
    let top = if top > 0.0 { top } else { 1.0 };
    let plane = Plane { height: 240.0, top };
    let x = |place: f64| LEFT + (WIDTH - LEFT - RIGHT) * place;
    let mut svg = plane.open(label, &top_word(top));
    if let Some((limit, word)) = limit {
        svg.push_str(&plane.budget(limit, word));
    }
    for curve in curves {
        let places: Vec<String> = curve
            .points
            .iter()
            .map(|(place, value, _)| format!("{:.1},{:.1}", x(*place), plane.y(*value)))
            .collect();
        let class = curve.class;
        svg.push_str(&format!("<polyline class=\"{class}\" points=\"{}\"/>\n", places.join(" ")));
        for (place, value, said) in &curve.points {
            svg.push_str(&format!(
                "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"><title>{}</title>\
                 </circle>\n",
                x(*place),
                plane.y(*value),
                escape(said)
            ));
        }
    }
    svg.push_str(&plane.ends(ends.0, ends.1));
    let keys: Vec<String> = curves
        .iter()
        .map(|curve| format!("<span class=\"key {}\">{}</span>", curve.class, escape(curve.name)))
        .collect();
    format!("<p>{}</p>\n{svg}</svg>\n", keys.join(" "))
}
