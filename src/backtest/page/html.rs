//! Markup: everything that is not markup of ours is escaped here.

use crate::model::alert::Bilingual;

/// A text as it may stand between tags and inside quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A section with a title in both languages and a sentence on how to read it.
pub(super) fn section(id: &str, en: &str, zh: &str, note: &str, body: &str) -> String {
    format!(
        "<section id=\"{id}\">\n<h2>{en}<span lang=\"zh\">{zh}</span></h2>\n\
         <p class=\"note\">{}</p>\n{body}</section>\n",
        escape(note)
    )
}

/// A title in both languages.
pub(super) fn title(title: &Bilingual) -> String {
    let (zh, en) = (escape(&title.zh), escape(&title.en));
    format!("{en}<br><small lang=\"zh\">{zh}</small>")
}

/// A cell of a table.
pub(super) enum Cell {
    /// A figure.
    Number(String),
    /// A word that is not broken.
    Text(String),
    /// Markup, as words that may be broken.
    Words(String),
    /// Markup, as a figure, with a shade from 0 to 1 behind it.
    Shaded(String, f64),
}

impl Cell {
    fn html(&self) -> String {
        match self {
            Self::Number(text) => format!("<td>{}</td>", escape(text)),
            Self::Text(text) => format!("<td class=\"text\">{}</td>", escape(text)),
            Self::Words(markup) => format!("<td class=\"words\">{markup}</td>"),
            Self::Shaded(text, shade) => {
                let percent = (shade.clamp(0.0, 1.0) * 60.0).round();
                format!(
                    "<td style=\"background: color-mix(in srgb, var(--one) {percent}%, \
                     transparent)\">{}</td>",
                    escape(text)
                )
            }
        }
    }
}

/// A table; the first columns, as many as said, hold words.
pub(super) fn table(header: &[&str], worded: usize, rows: &[Vec<Cell>]) -> String {
    let mut html = String::from("<div class=\"wide\"><table>\n<tr>");
    for (index, name) in header.iter().enumerate() {
        let class = if index < worded { " class=\"text\"" } else { "" };
        html.push_str(&format!("<th{class}>{}</th>", escape(name)));
    }
    html.push_str("</tr>\n");
    for row in rows {
        let cells: String = row.iter().map(Cell::html).collect();
        html.push_str(&format!("<tr>{cells}</tr>\n"));
    }
    html.push_str("</table></div>\n");
    html
}

/// A share with three places.
pub(super) fn ratio(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{share:.3}"))
}

/// A share in percent.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

/// An alert rate in percent.
pub(super) fn rate_words(rate: f64) -> String {
    format!("{:.4} %", rate * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_becomes_markup() {
        let escaped = escape("<img src='x' onerror=\"y\"> & co");
        assert_eq!(escaped, "&lt;img src=&#39;x&#39; onerror=&quot;y&quot;&gt; &amp; co");
        let cells = vec![vec![Cell::Text("<b>".into()), Cell::Number("1<2".into())]];
        let table = table(&["a<b", "n"], 1, &cells);
        assert!(!table.contains("<b>") && !table.contains("1<2") && !table.contains("a<b"));
    }
}
