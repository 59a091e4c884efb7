//! Chat templates: the model's own Jinja source, rendered with minijinja as Python's jinja2 does it for `transformers`.

mod date;
mod dialect;
mod json;
mod methods;
mod spans;
mod text;

use std::cell::Cell;
use std::ops::Range;

use minijinja::value::Value;
use minijinja::{Template, context};

use super::CheckpointError;
use super::conversation::{BETWEEN, Message};

/// Steps that a template may take in one rendering: a thousand times what known ones do, and less than a second.
const FUEL: u64 = 1_000_000;
/// Steps of all the renderings in which a conversation's texts are looked for.
const FUEL_TO_FIND: u64 = 8 * FUEL;

/// A checkpoint's chat template.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatTemplate {
    source: String,
}

/// A text of the user's within a rendered prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// Its bytes of the rendered text.
    pub at: Range<usize>,
    /// Where it begins in the text that is explained.
    pub from: usize,
}

/// A prompt as the model reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The whole text.
    pub text: String,
    /// What is explained of it, in its order, each byte once; the rest is the template's, or of turns that are not explained.
    /// A turn can have several parts, and a template can place a later turn before an earlier one.
    pub own: Vec<Own>,
}

impl Rendered {
    /// A conversation without a template: its turns, with an empty line between.
    pub fn plain(messages: &[Message]) -> Self {
        let (mut text, mut own) = (String::new(), Vec::new());
        for (i, message) in messages.iter().enumerate() {
            if i > 0 {
                text.push_str(BETWEEN);
            }
            let start = text.len();
            text.push_str(message.text);
            own.extend(message.explained.map(|from| Own { at: start..text.len(), from }));
        }
        Self { text, own }
    }
}

impl ChatTemplate {
    /// Wraps a template's source; it is parsed when first rendered.
    pub fn new(source: String) -> Self {
        Self { source }
    }

    /// The Jinja source.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// A conversation, ready for the model to answer: byte for byte what `apply_chat_template(messages,
    /// add_generation_prompt=True)` of Python's `transformers` gives, but for today's date. A template that asks for it
    /// (`strftime_now`) always gets 26 July 2024, in the form that it asks for, so that a prompt, and a picture of it,
    /// is the same on every day; it is the date that Llama 3.2's template takes when it is given none.
    ///
    /// The explained texts are found in what the template makes of them. It may trim them or leave parts of them out, as of
    /// earlier thinking.
    ///
    /// Fails with [`CheckpointError::TemplateRefuses`] and the template's own words if it does not take such a conversation,
    /// and with [`CheckpointError::Template`] if it is broken, takes too long, or leaves out, repeats or changes an explained
    /// text.
    pub fn render(&self, messages: &[Message], bos: &str, eos: &str) -> Result<Rendered, CheckpointError> {
        let env = dialect::environment(FUEL);
        let source = dialect::normal(&self.source);
        let template = env.template_from_named_str("chat", &source).map_err(dialect::refusal)?;
        let rendering = Rendering { template, messages, bos, eos, fuel: Cell::new(FUEL_TO_FIND) };
        let text = rendering.render(&[])?;
        let own = match messages.iter().any(|m| m.explained.is_some()) {
            true => spans::find(messages, &text, &source, |changes| rendering.render(changes)),
            false => Ok(Vec::new()),
        };
        match rendering.fuel.get() {
            0 => Err(CheckpointError::Template("it takes too long".into())),
            _ => Ok(Rendered { text, own: own? }),
        }
    }
}

/// A template with a conversation, which is rendered several times.
struct Rendering<'a> {
    template: Template<'a, 'a>,
    messages: &'a [Message<'a>],
    bos: &'a str,
    eos: &'a str,
    /// Steps that are left.
    fuel: Cell<u64>,
}

impl Rendering<'_> {
    /// The conversation rendered, with other texts in some turns. Fails, too, where no steps are left.
    fn render(&self, changes: &[spans::Change]) -> Result<String, CheckpointError> {
        let message = |(turn, m): (usize, &Message)| {
            let changed = changes.iter().find(|(other, _)| *other == turn).map(|(_, text)| text.as_str());
            context! { role => m.speaker.name(), content => changed.unwrap_or(m.text) }
        };
        let context = context! {
            messages => self.messages.iter().enumerate().map(message).collect::<Vec<Value>>(),
            tools => (),
            documents => (),
            add_generation_prompt => true,
            bos_token => self.bos,
            eos_token => self.eos,
        };
        if self.fuel.get() == 0 {
            return Err(CheckpointError::Template("no steps are left".into()));
        }
        let rendered = self.template.render_captured(context).map_err(dialect::refusal)?;
        let taken = rendered.state().fuel_levels().map_or(0, |(taken, _)| taken);
        self.fuel.set(self.fuel.get().saturating_sub(taken));
        Ok(rendered.into_output())
    }
}

#[cfg(test)]
mod tests;
