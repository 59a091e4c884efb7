//! Numbers and tokens as people read them.

/// "98 MB".
pub fn bytes(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{:.0} kB", n as f64 / 1e3),
        1_000_000..10_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        10_000_000..1_000_000_000 => format!("{:.0} MB", n as f64 / 1e6),
        _ => format!("{:.2} GB", n as f64 / 1e9),
    }
}

/// Ground and ink of a level from 0 to 10, each pair of them with a contrast of 4.5 or more.
pub fn level_style(level: u32) -> String {
    match level {
        0 => String::new(),
        l @ 1..=6 => format!("background:var(--l{l})"),
        7 => "background:var(--l7);color:var(--on-l7)".into(),
        l => format!("background:var(--l{l});color:var(--on-strong)"),
    }
}

/// "0.4 s", "2 min 5 s".
pub fn seconds(s: f64) -> String {
    match s {
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 60.0 => format!("{s:.0} s"),
        s => format!("{:.0} min {:.0} s", (s / 60.0).floor(), s % 60.0),
    }
}

/// "20 s", "3 min": an estimate, with no more digits than it deserves.
pub fn about(s: f64) -> String {
    match s {
        s if s < 0.95 => "a second".into(),
        s if s < 9.5 => format!("{s:.0} s"),
        s if s < 95.0 => format!("{:.0} s", (s / 5.0).round() * 5.0),
        s if s < 3600.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.0} h", (s / 3600.0).max(1.0)),
    }
}

/// "131,072".
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "135 M".
pub fn count(n: u64) -> String {
    match n {
        0..1_000_000 => format!("{:.0} k", n as f64 / 1e3),
        1_000_000..10_000_000 => format!("{:.1} M", n as f64 / 1e6),
        10_000_000..1_000_000_000 => format!("{:.0} M", n as f64 / 1e6),
        _ => format!("{:.1} B", n as f64 / 1e9),
    }
}

/// A signed value with as many digits as it deserves.
pub fn signed(v: f32) -> String {
    let digits = match v.abs() {
        a if a >= 0.1 => 3,
        a if a >= 0.001 => 4,
        a if a > 0.0 => return format!("{v:+.1e}"),
        _ => return "0".into(),
    };
    format!("{v:+.digits$}")
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
