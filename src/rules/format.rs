//! One way to write a rule file: keys of a group aligned, one space where one belongs, one blank
//! line where there are several, comments where they stand. What the file says stays the same.

use toml_edit::{Array, Decor, DocumentMut, InlineTable, Item, KeyMut, Table, Value};

use super::SourceFile;
use super::diagnostics::Diagnostic;

/// The file in the usual form.
///
/// # Errors
/// What keeps it from being TOML.
pub fn format(file: &SourceFile) -> Result<String, Box<Diagnostic>> {
    let read = |text: &str| text.parse::<DocumentMut>();
    let mut document = read(&file.text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let message = format!("not TOML: {}", error.message());
        Box::new(Diagnostic::at(file, span, message, "here", None))
    })?;
    if file.text.contains('\r')
        && let Ok(unix) = read(&file.text.replace("\r\n", "\n"))
    {
        document = unix;
    }
    let is_first = true;
    table(document.as_table_mut(), is_first);
    let trailing = comments(document.trailing().as_str().unwrap_or_default());
    document.set_trailing(trailing);
    let mut text = document.to_string();
    text.truncate(text.trim_end().len());
    text.push('\n');
    Ok(text)
}

/// Whether the next key or header is the first thing of the file: nothing is put before it.
type IsFirst = bool;

fn table(table: &mut Table, mut is_first: IsFirst) {
    align(table, is_first);
    is_first &= !table.iter().any(|(_, item)| item.is_value());
    for (_, item) in table.iter_mut() {
        match item {
            Item::Table(inner) if !inner.is_dotted() => {
                if !inner.is_implicit() {
                    header(inner.decor_mut(), is_first);
                }
                self::table(inner, false);
                is_first = false;
            }
            Item::ArrayOfTables(array) => {
                for inner in array.iter_mut() {
                    header(inner.decor_mut(), is_first);
                    self::table(inner, false);
                    is_first = false;
                }
            }
            _ => {}
        }
    }
}

/// One blank line and its comments before a header, nothing after it but a remark.
fn header(decor: &mut Decor, is_first: IsFirst) {
    let before = comments(decor.prefix().and_then(|raw| raw.as_str()).unwrap_or_default());
    let before = before.trim_start_matches('\n');
    decor.set_prefix(if is_first { before.to_owned() } else { format!("\n{before}") });
    let after = remark(decor.suffix().and_then(|raw| raw.as_str()).unwrap_or_default());
    decor.set_suffix(after);
}

/// Aligns the keys of each group: keys without a blank line or comment between them.
fn align(table: &mut Table, is_first: IsFirst) {
    let mut widths = Vec::new();
    let mut group = 0;
    for (index, (key, item)) in table.iter().enumerate() {
        if !item.is_value() {
            continue;
        }
        let prefix = table.key(key).and_then(|k| k.leaf_decor().prefix()).and_then(|p| p.as_str());
        if index > 0 && prefix.is_some_and(|prefix| prefix.contains('\n')) {
            group += 1;
        }
        let shown = table.key(key).map_or(0, |key| key.display_repr().chars().count());
        widths.push((group, shown));
    }
    let widest = |group: usize| {
        widths.iter().filter(|(g, _)| *g == group).map(|(_, width)| *width).max().unwrap_or(0)
    };
    let values = table.iter_mut().filter(|(_, item)| item.is_value());
    for (number, (mut key, item)) in values.enumerate() {
        let (group, width) = widths[number];
        let pad = widest(group) - width + 1;
        set_key(&mut key, is_first && number == 0, " ".repeat(pad));
        if let Item::Value(value) = item {
            let after = remark(value.decor().suffix().and_then(|s| s.as_str()).unwrap_or_default());
            *value.decor_mut() = Decor::new(" ", after);
            inside(value);
        }
    }
}

fn set_key(key: &mut KeyMut<'_>, is_first: IsFirst, pad: String) {
    let decor = key.leaf_decor_mut();
    let before = comments(decor.prefix().and_then(|raw| raw.as_str()).unwrap_or_default());
    let before = if is_first { before.trim_start_matches('\n').to_owned() } else { before };
    decor.set_prefix(before);
    decor.set_suffix(pad);
}

/// Spaces inside a value. What spans lines keeps its lines: the author has arranged it.
fn inside(value: &mut Value) {
    if value.to_string().trim().contains('\n') && !matches!(value, Value::String(_)) {
        return;
    }
    match value {
        Value::Array(array) => array_inside(array),
        Value::InlineTable(table) => table_inside(table),
        _ => {}
    }
}

fn array_inside(array: &mut Array) {
    for (number, item) in array.iter_mut().enumerate() {
        *item.decor_mut() = Decor::new(if number == 0 { "" } else { " " }, "");
        inside(item);
    }
    array.set_trailing_comma(false);
    array.set_trailing("");
}

fn table_inside(table: &mut InlineTable) {
    let last = table.len();
    for (number, (mut key, value)) in table.iter_mut().enumerate() {
        *key.leaf_decor_mut() = Decor::new(" ", " ");
        *value.decor_mut() = Decor::new(" ", if number + 1 == last { " " } else { "" });
        inside(value);
    }
    table.set_trailing("");
}

/// Comments and blank lines before something: no spaces at line ends, never two blank lines.
fn comments(before: &str) -> String {
    let mut text = String::new();
    let mut blank = 0;
    let lines: Vec<&str> = before.split('\n').collect();
    for (number, line) in lines.iter().enumerate() {
        let line = line.trim();
        // After the last line break stands what the key is indented by, or a last comment.
        if number + 1 == lines.len() && line.is_empty() {
            break;
        }
        blank = if line.is_empty() { blank + 1 } else { 0 };
        if blank <= 1 {
            text += line;
            text.push('\n');
        }
    }
    text
}

/// A remark after a value: as far from it as the author put it, without spaces at its end.
fn remark(after: &str) -> String {
    let after = after.trim_end();
    match after.trim_start() {
        "" => String::new(),
        comment if after.starts_with([' ', '\t']) => {
            let gap = after.len() - comment.len();
            format!("{}{comment}", " ".repeat(gap))
        }
        comment => format!("  {comment}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(text: &str) -> String {
        format(&SourceFile { path: "m.toml".to_owned(), text: text.to_owned() }).expect("TOML")
    }

    #[test]
    fn spaces_blank_lines_and_comments_fall_into_place() {
        let text = "\n\n# Head.\nid=\"M01\"   # the id\nname   =\"x\"  \n\n\n# About weight.\nweight=3\n\
                    list=[ \"a\",\"b\" ,]\n[params]\nw={value=\"10m\",doc=\"d\"}\nlonger = {value=1}\n\
                    \n\n\n[[examples]]\nname=\"n\"\ngiven='''\n  10:00 A -> B 1\n'''\nexpect=[]\n# end";
        let expected = "# Head.\nid   = \"M01\"   # the id\nname = \"x\"\n\n# About weight.\n\
                        weight = 3\nlist   = [\"a\", \"b\"]\n\n[params]\nw      = { value = \"10m\", \
                        doc = \"d\" }\nlonger = { value = 1 }\n\n[[examples]]\nname   = \"n\"\ngiven  \
                        = '''\n  10:00 A -> B 1\n'''\nexpect = []\n# end\n";
        assert_eq!(formatted(text), expected);
    }

    #[test]
    fn lines_end_as_elsewhere() {
        let text = "id = 'M01'\r\n\r\n# About.\r\ngiven = '''\r\n  10:00\r\n'''\r\n";
        assert_eq!(formatted(text), "id = 'M01'\n\n# About.\ngiven = '''\n  10:00\n'''\n");
    }

    #[test]
    fn what_a_file_says_stays_the_same_and_twice_is_once() {
        for file in crate::rules::shipped::files() {
            let once = formatted(&file.text);
            assert_eq!(formatted(&once), once, "{}", file.path);
            assert!(!once.starts_with('\n') && once.ends_with('\n'), "{}", file.path);
            let parse = |text: &str| text.parse::<toml::Table>().expect("TOML");
            assert_eq!(parse(&once), parse(&file.text), "{}", file.path);
            let comments = |text: &str| text.matches('#').count();
            assert_eq!(comments(&once), comments(&file.text), "{}", file.path);
        }
    }

    #[test]
    fn what_is_not_toml_is_said_with_its_place() {
        let file = SourceFile { path: "m.toml".to_owned(), text: "id = \n".to_owned() };
        let defect = format(&file).expect_err("not TOML");
        assert_eq!((defect.line, defect.message.starts_with("not TOML")), (1, true));
    }
}
