use super::*;
use crate::checkpoint::conversation::{Speaker, compose, messages};

const CHATML: &str = "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

fn user(text: &str) -> [Message<'_>; 1] {
    [Message { speaker: Speaker::User, text, explained: Some(0) }]
}

#[test]
fn the_users_words_are_found_in_the_rendered_text() {
    let r = ChatTemplate::new(CHATML.into()).render(&user("Hi there"), "<s>", "</s>").unwrap();
    assert_eq!(r.text, "<|im_start|>user\nHi there<|im_end|>\n<|im_start|>assistant\n");
    assert_eq!(r.own, [Own { at: 17..25, from: 0 }]);
}

#[test]
fn a_trimming_template_keeps_the_span_true() {
    let t = ChatTemplate::new("[INST] {{ messages[0]['content'].strip() }} [/INST]".into());
    let r = t.render(&user("  two words \n"), "", "").unwrap();
    assert_eq!(r.own, [Own { at: 7..16, from: 2 }]);
    assert_eq!(&r.text[r.own[0].at.clone()], "two words");
}

#[test]
fn the_turns_that_are_explained_are_found() {
    let say = |speaker, text, explained| Message { speaker, text, explained };
    let turns = [
        say(Speaker::System, "Be brief.", Some(0)),
        say(Speaker::User, "Hi", None),
        say(Speaker::Assistant, "Hi", None),
        say(Speaker::User, "Hi", Some(11)),
    ];
    let r = ChatTemplate::new(CHATML.into()).render(&turns, "", "").unwrap();
    let found: Vec<(&str, usize)> = r.own.iter().map(|own| (&r.text[own.at.clone()], own.from)).collect();
    assert_eq!(found, [("Be brief.", 0), ("Hi", 11)]);
    assert!(r.text[..r.own[1].at.start].ends_with("<|im_start|>assistant\nHi<|im_end|>\n<|im_start|>user\n"));
    let plain = Rendered::plain(&turns);
    assert_eq!(plain.text, "Be brief.\n\nHi\n\nHi\n\nHi");
    assert_eq!(plain.own, [Own { at: 0..9, from: 0 }, Own { at: 19..21, from: 11 }]);
}

#[test]
fn a_prompt_that_looks_like_jinja_stays_text() {
    let r = ChatTemplate::new(CHATML.into()).render(&user("{{ 7 * 7 }} {% raw %}"), "", "").unwrap();
    assert_eq!(&r.text[r.own[0].at.clone()], "{{ 7 * 7 }} {% raw %}");
}

#[test]
fn a_refusal_has_the_templates_own_words() {
    let inner = "{% macro m(x) %}{{ raise_exception('No: \"' ~ x ~ '\"') }}{% endmacro %}{{ m(messages[0].content) }}";
    let refused = ChatTemplate::new(inner.into()).render(&user("Hi"), "", "");
    assert_eq!(refused, Err(CheckpointError::TemplateRefuses("No: \"Hi\"".into())));
}

/// What is found of each turn, in the rendered text's order.
fn found(source: &str, turns: &[(Speaker, &str)]) -> Result<Vec<String>, String> {
    let (text, turns) = compose(&turns.iter().map(|(speaker, text)| (*speaker, *text, true)).collect::<Vec<_>>());
    let rendered = ChatTemplate::new(source.into()).render(&messages(&text, &turns).unwrap(), "", "");
    let rendered = rendered.map_err(|e| e.to_string())?;
    for own in &rendered.own {
        assert_eq!(rendered.text[own.at.clone()], text[own.from..own.from + own.at.len()]);
    }
    Ok(rendered.own.iter().map(|own| rendered.text[own.at.clone()].to_owned()).collect())
}

#[test]
fn blank_edges_are_the_turns_only_where_the_template_keeps_them() {
    let (kept, trimmed) = ("u\n{{ messages[0].content }}\nm", "u\n{{ messages[0].content | trim }}\nm");
    let left = "u\n{{ messages[0].content.lstrip() }}\nm";
    for (source, expected) in [(kept, "\n a b\n"), (trimmed, "a b"), (left, "a b\n")] {
        assert_eq!(found(source, &[(Speaker::User, "\n a b\n")]).unwrap(), [expected]);
    }
    assert_eq!(found(trimmed, &[(Speaker::User, " \n")]).unwrap(), [""; 0]);
    assert_eq!(found(kept, &[(Speaker::User, "")]).unwrap(), [""; 0]);
}

#[test]
fn a_turn_that_is_moved_or_cut_is_found() {
    let turns = [(Speaker::System, "Hi"), (Speaker::User, "Hi"), (Speaker::Assistant, "Hi"), (Speaker::User, "Hi")];
    let last_first = "{% for m in messages[::-1] %}{{ m.role }} {{ m.content }}\n{% endfor %}";
    assert_eq!(found(last_first, &turns).unwrap(), ["Hi"; 4]);
    let cut = "{{ messages[0].content.split('</t>')[-1].lstrip() }}|{{ messages[1].content.replace('!!', '') }}";
    let turns = [(Speaker::Assistant, "<t>a b\nc d</t>\n\nYes, e"), (Speaker::User, "\u{e9}!!\u{e9}!! more")];
    assert_eq!(found(cut, &turns).unwrap(), ["Yes, e", "\u{e9}", "\u{e9}", " more"]);
    let second = "{{ messages[0].content.split('/')[1] }}";
    let text = format!("a/Keep this/{}", "b c ".repeat(20));
    assert_eq!(found(second, &[(Speaker::User, text.as_str())]).unwrap(), ["Keep this"]);
}

#[test]
fn no_byte_is_of_two_parts() {
    let short = "<t>{{ messages[0].content.split('</t>')[0][3:] }}</t>{{ messages[0].content.split('</t>')[-1] }}";
    let parts = found(short, &[(Speaker::User, "<t>one</t>two</t>three")]).unwrap();
    assert_eq!(parts.concat(), "<t>one</t>three");
}

#[test]
fn a_turn_that_is_lost_is_named() {
    let turns = [(Speaker::System, "Be brief."), (Speaker::User, "a <b>")];
    for (source, expected) in [
        ("{{ messages[1].content }}", "it leaves out the system's message"),
        (
            "{{ messages[0].content }}{{ messages[1].content }}{{ messages[1].content }}",
            "it repeats the user's message",
        ),
        ("{{ messages[0].content|upper }}{{ messages[1].content }}", "it changes the system's message"),
        ("{{ messages[0].content }}{{ messages[1].content|e }}", "it changes the user's message"),
        ("{{ messages[0].content }}{{ messages[1].content|length }}", "it changes the user's message"),
    ] {
        assert!(found(source, &turns).unwrap_err().contains(expected), "{source}: {:?}", found(source, &turns));
    }
}

#[test]
fn a_template_that_is_slow_to_search_is_stopped() {
    let slow = "{% for a in range(9999) %}{% for b in range(9) %}{{ '' }}{% endfor %}{% endfor %}{{ messages[0].content|upper }}";
    assert!(found(slow, &[(Speaker::User, "a b c d e f g h i j")]).unwrap_err().contains("takes too long"));
}

#[test]
fn a_template_without_end_is_stopped() {
    let nested = "{% for a in range(9999) %}{% for b in range(9999) %}{% set c = a * b %}{% endfor %}{% endfor %}";
    for source in [nested.to_owned(), "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}".into()] {
        let refused = ChatTemplate::new(source).render(&user("hi"), "", "");
        assert!(matches!(refused, Err(CheckpointError::Template(_))), "{refused:?}");
    }
}

#[test]
fn broken_templates_are_refused() {
    for source in [
        "{% for %}",
        "no message",
        "{{ messages[0].content|upper }}",
        "{{ messages[0].content }}{{ messages[0].content }}",
        "{{ messages[0].content }}{{ messages[0].content|length }}",
        "{{ messages[0].content|length }}{{ messages[0].content }}",
    ] {
        let t = ChatTemplate::new(source.into());
        assert!(matches!(t.render(&user("x y"), "", ""), Err(CheckpointError::Template(_))), "{source}");
    }
}
