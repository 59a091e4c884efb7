//! Tokens as people read them, and the colours of levels.

/// Ground and ink of a level from 0 to 10, each pair of them with a contrast of 4.5 or more.
pub fn level_style(level: u32) -> String {
    match level {
        0 => String::new(),
        l @ 1..=6 => format!("background:var(--l{l})"),
        7 => "background:var(--l7);color:var(--on-l7)".into(),
        l => format!("background:var(--l{l});color:var(--on-strong)"),
    }
}

/// A token's text with its white space made visible.
pub fn visible(text: &str) -> String {
    text.replace('\n', "⏎").replace('\t', "⇥").replace(' ', "·")
}

/// A label for a row or column: no line breaks, cut if long.
pub fn label(text: &str, longest: usize) -> String {
    let text = text.trim_matches(' ');
    let text = if text.trim().is_empty() { visible(text) } else { text.replace('\n', "⏎") };
    if text.chars().count() <= longest {
        return text;
    }
    text.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}
