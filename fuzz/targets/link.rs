//! What strangers send: links, lessons and files of results. Nothing may panic, hang or take memory without bounds, and a link
//! that can be read can be written and read again.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use libfuzzer_sys::fuzz_target;
use miniz_oxide::deflate::compress_to_vec;
use shiftlens::share::link::Link;
use shiftlens::share::{Collection, Export, Study};
use shiftlens::teach::Lesson;

/// A fragment whose packing is whole, so that what is packed is what the fuzzer varies: two bytes of length, the description, the
/// matrices.
fn packed(bytes: &[u8]) -> Option<String> {
    let (length, rest) = bytes.split_at_checked(2)?;
    let (head, cells) = rest.split_at_checked(usize::from(u16::from_le_bytes([length[0], length[1]])))?;
    let head = compress_to_vec(head, 0);
    let mut all = (head.len() as u32).to_le_bytes()[..3].to_vec();
    all.extend(head);
    all.extend(cells);
    Some(format!("see=1.{}", BASE64.encode(all)))
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    for fragment in packed(bytes).into_iter().chain([format!("see=1.{text}"), text.to_string()]) {
        if let Some(Ok(link)) = Link::decode(&fragment) {
            let again = Link::decode(&link.encode_as(link.precision));
            assert!(matches!(again, Some(Ok(_))), "{:?}", again.map(|a| a.err()));
        }
    }
    let lesson = format!("lesson=1.{}", BASE64.encode(compress_to_vec(bytes, 0)));
    if let Some(Ok(lesson)) = Lesson::decode(&lesson) {
        assert_eq!(Lesson::decode(&lesson.encode()), Some(Ok(lesson)));
    }
    let _ = Export::read("file.shiftlens.json", &text);
    let _ = Collection::read("runs.shiftlens.json", &text);
    let _ = Study::read("study.shiftlens.json", &text);
});
