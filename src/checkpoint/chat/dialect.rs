//! Where minijinja is made to do as Python's jinja2 does in the settings of `transformers`.

use std::borrow::Cow;

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, filters};
use thiserror::Error as ThisError;

use super::{date, json, methods, text};
use crate::checkpoint::CheckpointError;

/// What a template says where it does not take a conversation.
#[derive(Debug, ThisError)]
#[error("{0}")]
struct Raised(String);

/// What a template is rendered in; it stops after `fuel` steps.
pub(super) fn environment<'a>(fuel: u64) -> Environment<'a> {
    let mut env = Environment::new();
    env.set_fuel(Some(fuel));
    env.set_trim_blocks(true);
    env.set_lstrip_blocks(true);
    env.set_unknown_method_callback(methods::call);
    env.set_formatter(|out, _, value| out.write_str(&text::of(value)?).map_err(Error::from));
    env.add_function("raise_exception", raise);
    env.add_function("strftime_now", |format: &str| date::format(format));
    env.add_filter("length", length);
    env.add_filter("count", length);
    env.add_filter("string", |value: &Value| text::of(value).map(Cow::into_owned));
    env.add_filter("tojson", json::filter);
    env.add_filter("trim", trim);
    env.add_test("iterable", |value: &Value| {
        value.kind() == ValueKind::String || (!value.is_none() && value.try_iter().is_ok())
    });
    env.add_test("sequence", |value: &Value| {
        matches!(value.kind(), ValueKind::Undefined | ValueKind::String | ValueKind::Seq | ValueKind::Map)
    });
    env
}

/// A template's source as minijinja can read it: Python reads every line's end as `\n`; and what stands between `generation`
/// tags, with which `transformers` finds the model's own words, has a scope of its own and is otherwise as it is.
pub(super) fn normal(source: &str) -> String {
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    let mut normal = String::with_capacity(source.len());
    let mut rest = source.as_str();
    while let Some((before, tag)) = rest.split_once("{%") {
        normal.push_str(before);
        normal.push_str("{%");
        let (sign, tag) = tag.split_at(usize::from(tag.starts_with(['-', '+'])));
        let name = tag.trim_start();
        normal.push_str(sign);
        normal.push_str(&tag[..tag.len() - name.len()]);
        rest = name;
        for (theirs, ours) in [("generation", "with"), ("endgeneration", "endwith")] {
            if let Some(end) = name.strip_prefix(theirs).filter(|end| end.trim_start().starts_with(['-', '+', '%'])) {
                normal.push_str(ours);
                rest = end;
            }
        }
    }
    normal + rest
}

/// What went wrong, in the template's own words if it has any.
pub(super) fn refusal(e: Error) -> CheckpointError {
    let mut source = std::error::Error::source(&e);
    while let Some(inner) = source {
        if let Some(Raised(words)) = inner.downcast_ref() {
            return CheckpointError::TemplateRefuses(words.clone());
        }
        source = inner.source();
    }
    CheckpointError::Template(e.to_string())
}

fn raise(message: &Value) -> Result<Value, Error> {
    let words = text::of(message)?.into_owned();
    Err(Error::new(ErrorKind::InvalidOperation, words.clone()).with_source(Raised(words)))
}

fn length(value: &Value) -> Result<usize, Error> {
    if value.is_undefined() { Ok(0) } else { filters::length(value) }
}

fn trim(value: &Value, chars: Option<&str>, named: Kwargs) -> Result<String, Error> {
    let chars = chars.map_or_else(|| named.get("chars"), |c| Ok(Some(c)))?;
    named.assert_all_used()?;
    let whole = text::of(value)?;
    Ok(match chars {
        Some(chars) => whole.trim_matches(|c| chars.contains(c)).to_owned(),
        None => text::strip(&whole).to_owned(),
    })
}
