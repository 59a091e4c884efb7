//! Methods of Python's strings that minijinja lacks, or that differ there.

use minijinja::value::{Kwargs, Value, from_args};
use minijinja::{Error, ErrorKind, State};
use minijinja_contrib::pycompat;

use super::text::is_space;

/// A method that minijinja does not know itself.
pub(super) fn call(state: &State, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    let Some(text) = value.as_str() else { return pycompat::unknown_method_callback(state, value, method, args) };
    match method {
        "strip" | "lstrip" | "rstrip" => strip(text, method, args),
        "split" | "rsplit" => split(text, method == "rsplit", args),
        "splitlines" => lines(text, args),
        "partition" | "rpartition" => partition(text, method == "rpartition", args),
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(args)?;
            Ok(text.strip_prefix(prefix).unwrap_or(text).into())
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(args)?;
            Ok(text.strip_suffix(suffix).unwrap_or(text).into())
        }
        _ => pycompat::unknown_method_callback(state, value, method, args),
    }
}

fn strip(text: &str, method: &str, args: &[Value]) -> Result<Value, Error> {
    let (chars,): (Option<&str>,) = from_args(args)?;
    let goes = |c: char| chars.map_or_else(|| is_space(c), |chars| chars.contains(c));
    Ok(match method {
        "lstrip" => text.trim_start_matches(goes),
        "rstrip" => text.trim_end_matches(goes),
        _ => text.trim_matches(goes),
    }
    .into())
}

/// `split(sep=none, maxsplit=-1)`, from the end if `back`.
fn split(text: &str, back: bool, args: &[Value]) -> Result<Value, Error> {
    let (sep, most, named): (Option<&str>, Option<i64>, Kwargs) = from_args(args)?;
    let sep = sep.map_or_else(|| named.get::<Option<&str>>("sep"), |s| Ok(Some(s)))?;
    let most = most.map_or_else(|| named.get::<Option<i64>>("maxsplit"), |m| Ok(Some(m)))?;
    named.assert_all_used()?;
    let most = most.and_then(|m| usize::try_from(m).ok()).unwrap_or(usize::MAX);
    let mut parts: Vec<&str> = match sep {
        Some("") => return Err(Error::new(ErrorKind::InvalidOperation, "empty separator")),
        Some(sep) if back => text.rsplitn(most.saturating_add(1), sep).collect(),
        Some(sep) => text.splitn(most.saturating_add(1), sep).collect(),
        None if back => words_from_the_end(text, most),
        None => words(text, most),
    };
    if back {
        parts.reverse();
    }
    Ok(parts.into_iter().map(Value::from).collect())
}

/// Words between white space; after `most` of them, what is left is one part.
fn words(text: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        let end = if parts.len() < most { rest.find(is_space) } else { None };
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        parts.push(word);
        rest = after.trim_start_matches(is_space);
    }
    parts
}

fn words_from_the_end(text: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim_end_matches(is_space);
    while !rest.is_empty() {
        let space = if parts.len() < most { rest.char_indices().rfind(|(_, c)| is_space(*c)) } else { None };
        let (before, word) = rest.split_at(space.map_or(0, |(at, c)| at + c.len_utf8()));
        parts.push(word);
        rest = before.trim_end_matches(is_space);
    }
    parts
}

fn lines(text: &str, args: &[Value]) -> Result<Value, Error> {
    let (ends,): (Option<bool>,) = from_args(args)?;
    let is_end = |c| matches!(c, '\n'..='\r' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(is_end).unwrap_or(rest.len());
        let width = match rest[end..].starts_with("\r\n") {
            true => 2,
            false => rest[end..].chars().next().map_or(0, char::len_utf8),
        };
        lines.push(Value::from(&rest[..if ends == Some(true) { end + width } else { end }]));
        rest = &rest[end + width..];
    }
    Ok(lines.into())
}

fn partition(text: &str, back: bool, args: &[Value]) -> Result<Value, Error> {
    let (sep,): (&str,) = from_args(args)?;
    let found = if back { text.rsplit_once(sep) } else { text.split_once(sep) };
    let parts = match found {
        Some((before, after)) => [before, sep, after],
        None if back => ["", "", text],
        None => [text, "", ""],
    };
    Ok(parts.into_iter().map(Value::from).collect())
}
