//! How wide words are drawn, without a browser to ask: a little more than they take in the widest of
//! the usual sans-serif typefaces, DejaVu Sans.

/// Most lines of one word or sentence.
const LINES: usize = 4;

/// The width of a letter as a share of the type's size.
fn letter(c: char) -> f32 {
    match c {
        'i' | 'j' | 'l' | 't' | 'f' | 'r' | '.' | ',' | ';' | ':' | '\'' | '|' | '!' | '(' | ')' | '[' | ']' | ' ' => {
            0.42
        }
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' | '⏎' => 1.0,
        'A'..='Z' => 0.8,
        c if c.is_ascii() => 0.65,
        // ideographs, kana, hangul, wide forms and pictures
        '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}' => 1.05,
        '\u{FE30}'..='\u{FE6F}' | '\u{FF00}'..='\u{FF60}' | '\u{FFE0}'..='\u{FFE6}' | '\u{1F000}'..='\u{3FFFF}' => 1.25,
        _ => 0.75,
    }
}

/// The width of `text` in type of `size` pixels, pixels.
pub fn width(text: &str, size: f32) -> f32 {
    text.chars().map(letter).sum::<f32>() * size
}

/// `text` in lines of at most `most` pixels, broken between words, and within a word that is longer than a line. What does
/// not fit into a few lines ends in "…".
pub fn lines(text: &str, size: f32, most: f32) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let joined = if lines[last].is_empty() { word.to_owned() } else { format!("{} {word}", lines[last]) };
        if width(&joined, size) <= most {
            lines[last] = joined;
            continue;
        }
        if !lines[last].is_empty() {
            lines.push(String::new());
        }
        for c in word.chars() {
            let last = lines.len() - 1;
            let longer = format!("{}{c}", lines[last]);
            if width(&longer, size) <= most || lines[last].is_empty() {
                lines[last] = longer;
            } else {
                lines.push(c.to_string());
            }
        }
    }
    if lines.len() > LINES {
        lines.truncate(LINES);
        shorten(&mut lines[LINES - 1], size, most);
    }
    lines
}

/// One line of at most `most` pixels; what does not fit is left out and ends in "…".
pub fn line(text: &str, size: f32, most: f32) -> String {
    let mut text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if width(&text, size) > most {
        shorten(&mut text, size, most);
    }
    text
}

fn shorten(line: &mut String, size: f32, most: f32) {
    while !line.is_empty() && width(line, size) + width("…", size) > most {
        line.pop();
    }
    line.truncate(line.trim_end().len());
    line.push('…');
}
