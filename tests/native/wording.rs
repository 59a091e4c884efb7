//! Every string that a person reads on the page stands in `src/wording`: no string in `src/app` or `src/page` reads as text.
//!
//! What a string is for follows from its place and its form (see [`Scan::string`]). A single word in small letters outside
//! of a `view!`, as a class or a key is, cannot be told from one that is shown; all else can.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// What takes strings that nobody reads: selectors and CSS, names of columns in a file, and what a developer sees.
const NOT_SHOWN: [&str; 15] = [
    "query_selector",
    "query_selector_all",
    "closest",
    "matches",
    "match_media",
    "of_page",
    "set_font",
    "set_property",
    "save_csv",
    "expect",
    "expect_throw",
    "unreachable",
    "panic",
    "assert",
    "debug_assert",
];

/// Attributes whose text is shown or read out, whatever it looks like.
const SHOWN: [&str; 5] = ["title", "aria-label", "placeholder", "alt", "label"];

/// Attributes whose text is for the stylesheet.
const STYLED: [&str; 2] = ["class", "style"];

/// Strings that look like text and are none.
const EXCEPTIONS: [(&str, &str); 3] = [
    ("th, td", "a selector"),
    ("Files", "what a browser calls the type of what is dragged"),
    ("this browser draws nothing", "an error that is not shown: the page says what to do instead"),
];

/// Where a string stands.
#[derive(Debug, Clone, Default)]
struct Place {
    /// Directly in a `view!`, as a text or as an attribute's value.
    in_view: bool,
    /// The attribute that it is a part of.
    attribute: Option<String>,
    /// The function or macro that takes it.
    taken_by: Option<String>,
}

struct Scan {
    /// Names of classes in the stylesheets.
    classes: BTreeSet<String>,
    /// Strings that read as text.
    found: Vec<String>,
}

impl Scan {
    fn new() -> Self {
        let mut classes = BTreeSet::new();
        for sheet in ["public/style.css", "public/teach.css"] {
            let css = std::fs::read_to_string(sheet).unwrap();
            let after_dot = css.split('.').skip(1);
            let name = |s: &str| s.split(|c: char| !(c.is_alphanumeric() || c == '-')).next().unwrap_or("").to_owned();
            classes.extend(after_dot.map(name).filter(|n| n.starts_with(|c: char| c.is_alphabetic())));
        }
        Self { classes, found: Vec::new() }
    }

    fn tokens(&mut self, tokens: TokenStream, place: &Place) {
        let all: Vec<TokenTree> = tokens.into_iter().collect();
        let mut i = 0;
        while i < all.len() {
            if let Some((name, inside, after)) = attribute(&all, i) {
                i = after;
                match name.as_str() {
                    "cfg" if inside.to_string().contains("test") => i = after_item(&all, i),
                    "prop" | "error" => self.tokens(inside, &Place::default()),
                    _ => {}
                }
                continue;
            }
            match &all[i] {
                TokenTree::Group(group) => self.group(&all, i, group, place),
                TokenTree::Literal(literal) => {
                    if let Some(text) = unquoted(&literal.to_string())
                        && self.string(&text, &all, i, place)
                    {
                        self.found.push(text);
                    }
                }
                _ => {}
            }
            i += 1;
        }
    }

    /// What stands in brackets: a `view!`, what a function or macro takes, or a part of what the brackets around it are.
    fn group(&mut self, all: &[TokenTree], at: usize, group: &Group, place: &Place) {
        let is_macro = at > 1 && punct(all, at - 1, '!');
        let name_at = if is_macro { at.checked_sub(2) } else { at.checked_sub(1) };
        let name = name_at.and_then(|i| ident(all, i));
        let inner = match (name, group.delimiter()) {
            (Some(name), _) if is_macro && name == "view" => Place { in_view: true, ..Place::default() },
            (_, Delimiter::Brace) => Place::default(),
            (Some(name), Delimiter::Parenthesis) => {
                let attribute = name_at.filter(|_| place.in_view).and_then(|i| attribute_of(all, i));
                let attribute = attribute.or_else(|| place.attribute.clone());
                // what is formatted is for whom takes the whole
                let taken_by = if name == "format" { place.taken_by.clone() } else { Some(name) };
                Place { in_view: false, attribute, taken_by }
            }
            _ => Place { in_view: false, ..place.clone() },
        };
        self.tokens(group.stream(), &inner);
    }

    /// Whether the string at `at` is read by a person.
    fn string(&self, text: &str, all: &[TokenTree], at: usize, place: &Place) -> bool {
        let attribute = place.attribute.clone().or_else(|| attribute_of(all, at).filter(|_| place.in_view));
        let is = |names: &[&str], name: &Option<String>| name.as_deref().is_some_and(|n| names.contains(&n));
        if !outside('{', '}', text).chars().any(char::is_alphabetic)
            || EXCEPTIONS.iter().any(|(exception, _)| *exception == text)
        {
            return false;
        }
        if is(&NOT_SHOWN, &place.taken_by) || is(&STYLED, &attribute) {
            return false;
        }
        if is(&SHOWN, &attribute) || place.in_view && attribute.is_none() && !follows_operator(all, at) {
            return true; // a title, a label, or a text between tags
        }
        reads_as_text(text) && !is_pattern(all, at) && !self.is_class_list(text)
    }

    fn is_class_list(&self, text: &str) -> bool {
        text.split_whitespace().all(|word| self.classes.contains(word))
    }
}

/// A name or a sentence: it has spaces and a word, or begins like one.
fn reads_as_text(text: &str) -> bool {
    if text.contains("var(--") {
        return false; // CSS
    }
    let plain = outside('{', '}', text); // values stand in braces, and tags of an SVG in angles
    let plain = if plain.trim_start().starts_with('<') { outside('<', '>', &plain) } else { plain };
    let around = |c: char| c.is_ascii_punctuation() && !"#.-_/<>&?=*".contains(c) || "“”‘’…·".contains(c);
    let is_word = |w: &&str| {
        let word = w.trim_matches(around).trim_end_matches('.');
        word.chars().count() > 1
            && word.chars().all(|c| c.is_alphabetic() || "'’-".contains(c))
            && !word.starts_with('-')
    };
    let mut words = plain.split_whitespace().filter(is_word);
    if plain.contains(char::is_whitespace) || plain.contains('…') {
        return words.next().is_some();
    }
    words.next().is_some_and(|w| w.starts_with(char::is_uppercase))
}

/// `text` with a dot in place of what stands between `open` and `close`.
fn outside(open: char, close: char, text: &str) -> String {
    let mut depth = 0;
    let mut kept = String::new();
    for c in text.chars() {
        if c == open {
            depth += 1;
            kept.push('.');
        } else if c == close && depth > 0 {
            depth -= 1;
        } else if depth == 0 {
            kept.push(c);
        }
    }
    kept
}

/// The attribute (`#[name ...]` or `#![name ...]`) that begins at `at`, what stands in it, and where it ends.
fn attribute(all: &[TokenTree], at: usize) -> Option<(String, TokenStream, usize)> {
    let bracket = if punct(all, at + 1, '!') { at + 2 } else { at + 1 };
    let TokenTree::Group(group) = all.get(bracket).filter(|_| punct(all, at, '#'))? else { return None };
    let inside: Vec<TokenTree> = group.stream().into_iter().collect();
    let name = ident(&inside, 0).filter(|_| group.delimiter() == Delimiter::Bracket)?;
    Some((name, group.stream(), bracket + 1))
}

/// Past the item that begins at `at`, with all its attributes.
fn after_item(all: &[TokenTree], mut at: usize) -> usize {
    while at < all.len() {
        let is_end =
            punct(all, at, ';') || matches!(&all[at], TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        at += 1;
        if is_end {
            break;
        }
    }
    at
}

/// The attribute of a `view!` ("aria-label") whose value begins at `at`.
fn attribute_of(all: &[TokenTree], at: usize) -> Option<String> {
    let mut i = at.checked_sub(2).filter(|_| punct(all, at - 1, '='))?;
    let mut name = ident(all, i)?;
    while i > 1
        && let Some(sign) = ['-', ':'].into_iter().find(|sign| punct(all, i - 1, *sign))
        && let Some(before) = ident(all, i - 2)
    {
        name = format!("{before}{sign}{name}");
        i -= 2;
    }
    Some(name)
}

/// Whether what stands at `at` is compared, or is one of the cases of a `match`.
fn is_pattern(all: &[TokenTree], at: usize) -> bool {
    let arrow = punct(all, at + 1, '=') && punct(all, at + 2, '>');
    let is_literal = |at: usize| matches!(all.get(at), Some(TokenTree::Literal(_)));
    let or = [(at + 1, at + 2), (at.wrapping_sub(1), at.wrapping_sub(2))]; // no closure's bars
    let or = or.into_iter().any(|(bar, other)| punct(all, bar, '|') && is_literal(other));
    arrow || or || at > 1 && punct(all, at - 1, '=') && ['=', '!'].iter().any(|c| punct(all, at - 2, *c))
}

fn follows_operator(all: &[TokenTree], at: usize) -> bool {
    at > 0 && ['=', '&', '|', ',', ':'].iter().any(|c| punct(all, at - 1, *c))
}

fn punct(all: &[TokenTree], at: usize, sign: char) -> bool {
    matches!(all.get(at), Some(TokenTree::Punct(p)) if p.as_char() == sign)
}

fn ident(all: &[TokenTree], at: usize) -> Option<String> {
    match all.get(at) {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

/// The text of a string literal; nothing for numbers, bytes and characters.
fn unquoted(literal: &str) -> Option<String> {
    let inside = literal.strip_prefix("r#\"").and_then(|l| l.strip_suffix("\"#"));
    let inside = inside.or_else(|| literal.trim_start_matches('r').strip_prefix('"')?.strip_suffix('"'))?;
    Some(inside.replace("\\\"", "\"").replace("\\n", "\n").replace("\\t", "\t"))
}

/// Strings in `source` that read as text.
fn shown_in(source: &str) -> Vec<String> {
    let mut scan = Scan::new();
    scan.tokens(source.parse().unwrap(), &Place::default());
    scan.found
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.file_stem().is_some_and(|s| s == "tests");
        if path.is_dir() && !is_test {
            sources(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") && !is_test {
            files.push(path);
        }
    }
}

#[test]
fn every_string_on_the_page_stands_in_the_module_of_strings() {
    let mut files = Vec::new();
    ["src/app", "src/page"].iter().for_each(|folder| sources(Path::new(folder), &mut files));
    files.sort();
    assert!(files.len() > 80, "src/app and src/page are not where they were");
    let told: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let source = std::fs::read_to_string(file).unwrap();
            shown_in(&source).into_iter().map(move |text| format!("{}: {text:?}", file.display()))
        })
        .collect();
    assert!(told.is_empty(), "these belong into src/wording:\n{}", told.join("\n"));
}

/// The names in a source, as often as they stand there.
fn names(source: &str) -> impl Iterator<Item = &str> {
    source.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|name| !name.is_empty())
}

/// A string that nothing shows is not kept up, and would be translated in vain.
#[test]
fn every_string_in_the_module_is_shown() {
    let (mut page, mut room) = (Vec::new(), Vec::new());
    ["src/app", "src/page"].iter().for_each(|folder| sources(Path::new(folder), &mut page));
    sources(Path::new("src/wording"), &mut room);
    let page: Vec<String> = page.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let shown: BTreeSet<&str> = page.iter().flat_map(|source| names(source)).collect();
    for file in room {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let told = code.lines().filter_map(|l| l.strip_prefix("pub const ").or(l.strip_prefix("pub fn ")));
        for name in told.filter_map(|line| names(line).next()) {
            let of_others = shown.contains(name) || names(code).filter(|n| *n == name).count() > 1;
            assert!(of_others, "nothing shows {name} of {}", file.display());
        }
    }
}

/// What the page shows before it has started is HTML, not Rust: known here by name.
#[test]
fn the_first_paint_says_only_what_is_known() {
    let html = std::fs::read_to_string("index.html").unwrap();
    let body = html.split("<body>").nth(1).unwrap();
    let after_tags = body.split('<').filter_map(|part| part.split_once('>'));
    let texts: Vec<&str> = after_tags.map(|(_, text)| text.trim()).filter(|text| !text.is_empty()).collect();
    let known = [
        "Shiftlens is starting…",
        "Shiftlens computes everything in your browser and needs JavaScript and WebAssembly for it.",
    ];
    assert_eq!(texts, known);
}

#[test]
fn a_sentence_outside_the_module_is_found_wherever_it_stands() {
    let planted = r##"
        const LABEL: &str = "A label with words";
        const TABS: [(u8, &str); 1] = [(0, "Findings")];
        fn said(n: usize) -> String { format!("{n} pairs gained") }
        #[error("it did not work")]
        enum Failure { A }
        #[component]
        fn Part(#[prop(default = "this picture")] what: &'static str) -> impl IntoView {
            let joined = names.join(" and ");
            let status = if on { "Light" } else { waiting };
            let why = message.unwrap_or_else(|| "its code could not be run".into()).map(|_| "Stopped");
            view! {
                <p title="hint">"text"<Part of="layers of heads"/>{move || if on() { "Reading…" } else { "" }}</p>
                <i aria-label=format!("Turn {n}") placeholder="translate"></i>
            }
        }
    "##;
    let found = shown_in(planted);
    let expected = [
        "A label with words",
        "Findings",
        "{n} pairs gained",
        "it did not work",
        "this picture",
        " and ",
        "Light",
        "its code could not be run",
        "Stopped",
        "hint",
        "text",
        "layers of heads",
        "Reading…",
        "Turn {n}",
        "translate",
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_nobody_reads_is_let_be() {
    let silent = r##"
        #![doc = "A document with words."]
        /// A document with words.
        const KEY: &str = "shiftlens.labels";
        fn key(e: Event) -> usize {
            match e.key().as_str() { "ArrowRight" | "Enter" => 1, "Escape" => 2, _ => 0 }
        }
        fn drawn(id: &str) {
            let found = document().query_selector(&format!("#{id} table tbody"));
            let style = format!("background:var(--l{l});color: var(--ink)");
            let class = if failed { "slot failed" } else { "slot" };
            let shape = format!("M{} {}h1v1h-1z", x, y);
            let title = view! { <i title=format!("{strength:+.3}")></i> };
            window().expect_throw("a page has a window");
            view! {
                <p class="row grow" style=format!("width:{:.0} px", w) class=format!("line {class}") id="a">" · "{x}</p>
                <svg viewBox=format!("0 0 {WIDE} {}", high) on:keydown=move |e| if e.key() == "Home" { go() }></svg>
            }
        }
        #[cfg(test)]
        mod tests {
            const A: &str = "A sentence of a test.";
        }
    "##;
    assert_eq!(shown_in(silent), Vec::<String>::new());
}
