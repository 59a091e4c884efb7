use proptest::prelude::*;

use super::*;

fn folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("public/lessons")
}

fn shipped() -> Vec<(String, Lesson)> {
    let index = std::fs::read_to_string(folder().join("index.json")).unwrap();
    let names: Vec<String> = serde_json::from_str(&index).unwrap();
    let read = |name: &String| std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
    names
        .iter()
        .map(|name| (name.clone(), Lesson::read(&read(name)).unwrap_or_else(|e| panic!("{name}: {e}"))))
        .collect()
}

#[test]
fn every_lesson_that_ships_is_listed_and_can_be_read() {
    let lessons = shipped();
    assert!(lessons.iter().all(|(name, _)| is_name(name)));
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|f| f.unwrap().file_name().into_string().unwrap())
        .filter_map(|f| f.strip_suffix(".json").map(str::to_owned))
        .filter(|f| f != "index")
        .collect();
    let mut listed: Vec<String> = lessons.into_iter().map(|(name, _)| name).collect();
    files.sort();
    listed.sort();
    assert_eq!(files, listed);
}

#[test]
fn the_documentation_names_every_place_and_deed() {
    let text = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let named = |value: serde_json::Value| text.contains(&format!("`{}`", value.as_str().unwrap()));
    for place in Place::VARIANTS {
        assert!(named(serde_json::to_value(place).unwrap()), "{place:?}");
    }
    for deed in Deed::VARIANTS {
        assert!(named(serde_json::to_value(deed).unwrap()), "{deed:?}");
    }
}

#[test]
fn a_lesson_travels_in_a_link() {
    for (name, lesson) in shipped() {
        let link = lesson.encode();
        assert!(link.len() < 8_000, "{name}: {} characters", link.len());
        assert_eq!(Lesson::decode(&format!("#{link}")), Some(Ok(lesson.clone())));
        assert_eq!(Lesson::decode(&link[..link.len() / 2]), Some(Err(LessonError::Damaged)), "{name}");
    }
    assert_eq!(Lesson::decode("#see=1.abc"), None);
    assert_eq!(Lesson::decode("lesson=2.abc"), Some(Err(LessonError::Version(2))));
}

#[test]
fn what_is_no_lesson_is_refused_in_words() {
    let say = |json: &str| Lesson::read(json).unwrap_err().to_string();
    assert!(say("[]").contains("not a lesson"));
    assert!(say(r#"{"version":1,"title":"T","about":"","steps":[]}"#).contains("no steps"));
    assert!(say(r#"{"version":7,"title":"T"}"#).contains("version 7"));
    let step =
        |text: &str| format!(r#"{{"version":1,"title":"T","about":"","steps":[{{"title":"S","text":[],{text}}}]}}"#);
    assert!(say(&step(r#""at":"nowhere""#)).contains("nowhere"));
    assert!(say(&step(r#""html":"<b>""#)).contains("html"));
    assert!(say(&step(&format!(r#""set":{{"prompt":"{}"}}"#, "x".repeat(3000)))).contains("2000 characters"));
    assert!(say(&" ".repeat(LARGEST + 1)).contains("too long"));
}

proptest! {
    #[test]
    fn no_fragment_panics(text in ".*", bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Lesson::decode(&format!("lesson=1.{text}"));
        let _ = Lesson::decode(&format!("lesson=1.{}", BASE64.encode(deflate::compress_to_vec(&bytes, 1))));
        let _ = Lesson::read(&text);
    }
}
