//! Chat templates: the model's own Jinja source, rendered with minijinja.

use std::ops::Range;

use minijinja::{Environment, Error, ErrorKind, context};

use super::CheckpointError;

/// Steps that a template may take: a thousand times what known ones do, and less than a second.
const FUEL: u64 = 1_000_000;

/// A checkpoint's chat template.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatTemplate {
    source: String,
}

/// A prompt as the model reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The whole text.
    pub text: String,
    /// The bytes of `text` that the user wrote; the rest is the template's.
    pub user: Range<usize>,
}

impl Rendered {
    /// A prompt without a template.
    pub fn plain(prompt: &str) -> Self {
        Self { text: prompt.to_owned(), user: 0..prompt.len() }
    }
}

/// Stands for the user's text while the template's own text is found.
const MARK: &str = "\u{F0000}prompt\u{F0001}";

impl ChatTemplate {
    /// Wraps a template's source; it is parsed when first rendered.
    pub fn new(source: String) -> Self {
        Self { source }
    }

    /// The Jinja source.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// One user message, ready for the model to answer.
    pub fn render(&self, prompt: &str, bos: &str, eos: &str) -> Result<Rendered, CheckpointError> {
        let around = self.render_raw(MARK, bos, eos)?;
        let (before, rest) = around
            .split_once(MARK)
            .ok_or_else(|| CheckpointError::Template("it leaves out the user's message".into()))?;
        if rest.contains(MARK) {
            return Err(CheckpointError::Template("it repeats the user's message".into()));
        }
        // Many templates trim the message; rendering it for real tells.
        let text = self.render_raw(prompt, bos, eos)?;
        let user = before.len()..text.len().saturating_sub(rest.len());
        let kept = text.get(user.clone());
        if text.starts_with(before) && text.ends_with(rest) && kept.is_some_and(|k| k == prompt || k == prompt.trim()) {
            Ok(Rendered { text, user })
        } else {
            Err(CheckpointError::Template("it changes the user's message".into()))
        }
    }

    fn render_raw(&self, prompt: &str, bos: &str, eos: &str) -> Result<String, CheckpointError> {
        let mut env = Environment::new();
        env.set_fuel(Some(FUEL));
        env.set_trim_blocks(true);
        env.set_lstrip_blocks(true);
        env.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        env.add_function("raise_exception", |message: String| -> Result<String, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message))
        });
        // A fixed date keeps a prompt, and so its attribution, the same from day to day.
        env.add_function("strftime_now", |_format: String| "26 Jul 2024".to_owned());
        let fail = |e: Error| CheckpointError::Template(e.to_string());
        env.add_template("chat", &self.source).map_err(fail)?;
        let template = env.get_template("chat").map_err(fail)?;
        template
            .render(context! {
                messages => vec![context! { role => "user", content => prompt }],
                add_generation_prompt => true,
                bos_token => bos,
                eos_token => eos,
            })
            .map_err(fail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHATML: &str = "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

    #[test]
    fn the_users_words_are_found_in_the_rendered_text() {
        let r = ChatTemplate::new(CHATML.into()).render("Hi there", "<s>", "</s>").unwrap();
        assert_eq!(r.text, "<|im_start|>user\nHi there<|im_end|>\n<|im_start|>assistant\n");
        assert_eq!(&r.text[r.user], "Hi there");
    }

    #[test]
    fn a_trimming_template_keeps_the_span_true() {
        let t = ChatTemplate::new("[INST] {{ messages[0]['content'].strip() }} [/INST]".into());
        let r = t.render("  two words \n", "", "").unwrap();
        assert_eq!(&r.text[r.user], "two words");
    }

    #[test]
    fn a_prompt_that_looks_like_jinja_stays_text() {
        let r = ChatTemplate::new(CHATML.into()).render("{{ 7 * 7 }} {% raw %}", "", "").unwrap();
        assert_eq!(&r.text[r.user], "{{ 7 * 7 }} {% raw %}");
    }

    #[test]
    fn a_template_without_end_is_stopped() {
        let nested = "{% for a in range(9999) %}{% for b in range(9999) %}{% set c = a * b %}{% endfor %}{% endfor %}";
        for source in [nested.to_owned(), "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}".into()] {
            let refused = ChatTemplate::new(source).render("hi", "", "");
            assert!(matches!(refused, Err(CheckpointError::Template(_))), "{refused:?}");
        }
    }

    #[test]
    fn broken_templates_are_refused() {
        for source in
            ["{% for %}", "no message", "{{ raise_exception('only tools') }}", "{{ messages[0].content|upper }}"]
        {
            let t = ChatTemplate::new(source.into());
            assert!(matches!(t.render("x y", "", ""), Err(CheckpointError::Template(_))), "{source}");
        }
    }
}
