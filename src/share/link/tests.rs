mod conversations;

use proptest::prelude::*;

use super::*;
use crate::explain::attribution::Against;
use crate::explain::methods::{Baseline, Method, Of, Site, intervention};
use crate::explain::weights::heads;
use crate::explain::{By, CheckpointInfo, Levels, PromptToken, ResponseToken, Role, levels, scored_rows};
use crate::share::{Export, FileError, Match, Models, RunSpec, compare, presets::PRESETS};

/// What the page shows of a shipped example.
fn example(index: usize) -> Link {
    let path = format!("{}/public/{}", env!("CARGO_MANIFEST_DIR"), PRESETS[index].file());
    let export: Export = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let seen = |report: Option<ModelReport>| {
        report.map(|report| Seen {
            report,
            origin: Origin::Bundled,
            selection: Selection { row: None, column: Some(1) },
        })
    };
    Link {
        prompt: export.prompt,
        turns: Vec::new(),
        spans: Vec::new(),
        template_row: false,
        marked: None,
        options: Options::default(),
        how: How::default(),
        reading: Reading::default(),
        tab: Tab::Heads,
        inside: Inside { reading: heads::Reading::Paper, head: (3, 2), concepts: 5 },
        seen: [seen(export.models.base), seen(export.models.tuned)],
        precision: Precision::ladder(Levels::default())[0],
    }
}

/// The same with prompts of 40 tokens and responses of 120, both models with words of their own: the shipped examples one
/// after another.
fn long() -> Link {
    let mut link = example(0);
    let others: Vec<Link> = (0..PRESETS.len()).map(example).collect();
    for side in 0..2 {
        let all: Vec<&ModelReport> = others.iter().map(|l| &l.seen[side].as_ref().unwrap().report).collect();
        let own = |r: &ModelReport| (0..r.units.len()).filter(|n| r.units[*n].role == Role::User).collect::<Vec<_>>();
        let response: Vec<(usize, usize)> =
            (0..all.len()).flat_map(|i| (0..all[i].response.len()).map(move |m| (i, m))).take(120).collect();
        assert_eq!(response.len(), 120);
        let report = &mut link.seen[side].as_mut().unwrap().report;
        let (text, word) = ("a word or two of it ".repeat(8), [0..1, 1..6, 6..9, 9..13, 13..16]);
        link.prompt = text;
        report.instruction = 0..19;
        report.prompt = (0..40)
            .map(|n| {
                let span = word[n % 5].clone();
                let span = n / 5 * 20 + span.start..n / 5 * 20 + span.end;
                PromptToken { id: 0, text: link.prompt[span.clone()].to_owned(), bytes: None, role: Role::User, span }
            })
            .collect();
        report.units = crate::explain::units(&report.prompt, &link.prompt, By::Token, false);
        report.importance = (0..40)
            .map(|n| {
                let value = |&(i, m): &(usize, usize)| {
                    let rows = own(all[i]);
                    all[i].importance[rows[n % rows.len()]][m] * (1.0 + 0.9 * ((n / rows.len() * 31 + m) as f32).sin())
                };
                response.iter().map(value).collect()
            })
            .collect();
        report.response = response.iter().map(|(i, m)| all[*i].response[*m].clone()).collect();
    }
    link
}

fn same_picture(sent: &Link, found: &Link) {
    assert_eq!((&sent.prompt, &sent.options, sent.reading), (&found.prompt, &found.options, found.reading));
    assert_eq!((sent.tab, sent.inside), (found.tab, found.inside));
    for (a, b) in sent.seen.iter().flatten().zip(found.seen.iter().flatten()) {
        let (x, y) = (&a.report, &b.report);
        assert_eq!((&a.origin, a.selection, &x.units), (&b.origin, b.selection, &y.units));
        let sent_with = CheckpointInfo { width: 0, heads: 0, ..x.checkpoint.clone() }; // sizes are left out of links
        assert_eq!((&sent_with, &x.mode, x.by, &x.instruction), (&y.checkpoint, &y.mode, y.by, &y.instruction));
        let texts = |r: &ModelReport| r.response.iter().map(|t| (t.text.clone(), t.bytes.clone())).collect::<Vec<_>>();
        assert_eq!(texts(x), texts(y));
        let levels = |r: &ModelReport| levels(&r.importance, &scored_rows(&r.units, r.by), sent.reading.how);
        assert!(levels(x) == levels(y), "levels differ");
    }
}

#[test]
fn every_example_comes_back_from_its_link() {
    for index in 0..PRESETS.len() {
        let link = example(index);
        let (fragment, precision) = link.encode(60);
        assert!(fragment.len() + 60 < ROOM, "{} characters", fragment.len());
        let found = Link::decode(&fragment).unwrap().unwrap();
        assert_eq!(found.precision, precision);
        same_picture(&link, &found);
    }
}

#[test]
fn forty_by_a_hundred_and_twenty_tokens_fit() {
    let link = long();
    for precision in Precision::ladder(link.reading.how) {
        println!("{} characters as {precision:?}", link.encode_as(precision).len());
    }
    let (fragment, _) = link.encode(60);
    assert!(fragment.len() + 60 < ROOM, "{} characters", fragment.len());
    same_picture(&link, &Link::decode(&fragment).unwrap().unwrap());
}

#[test]
fn the_form_of_the_picture_travels() {
    let plain = example(0);
    let mut graph = plain.clone();
    graph.reading.form = Form::Graph;
    for link in [&plain, &graph] {
        let found = Link::decode(&link.encode(60).0).unwrap().unwrap();
        assert_eq!(found.reading.form, link.reading.form);
        same_picture(link, &found);
    }
    let length = |link: &Link| link.encode_as(plain.precision).len();
    assert!(length(&graph) <= length(&plain) + 32, "{} after {}", length(&graph), length(&plain));
}

/// A link of the first version, as it was sent: it has to stay readable.
#[test]
fn links_of_the_first_version_are_still_read() {
    let sent = include_str!("version_1.txt").trim();
    let link = Link::decode(sent).unwrap().unwrap();
    assert_eq!(link.prompt, "List four fruits.");
    assert_eq!((link.inside, link.reading.form), (Inside::default(), Form::Matrix));
    assert_eq!(link.seen[1].as_ref().unwrap().report.response[0].text, "Here");
}

/// The same of a link that says how its pictures were found, from before it named the words that were set against each other.
#[test]
fn links_with_methods_of_the_first_version_are_still_read() {
    let link = Link::decode(include_str!("version_1_methods.txt").trim()).unwrap().unwrap();
    assert_eq!(link.how, How { steps: Some(32), against: Some(Against::Auto), ..How::default() });
    let report = &link.seen[1].as_ref().unwrap().report;
    assert_eq!(report.against, [2428, 451, 4751, 277, 1226, 5888]);
    assert_eq!(report.what(), "gradient x input of the probability minus that of another token");
}

#[test]
fn a_picture_says_how_it_was_found() {
    let mut link = example(0);
    let plain = link.encode(0).0;
    link.how = How { steps: Some(32), against: Some(Against::Auto), check: true, ..How::default() };
    let report = &mut link.seen[1].as_mut().unwrap().report;
    report.against = report.response.iter().map(|t| t.id + 1).collect();
    let found = Link::decode(&link.encode(0).0).unwrap().unwrap();
    let [base, tuned] = found.seen.each_ref().map(|seen| &seen.as_ref().unwrap().report);
    assert_eq!((&tuned.against, base.against.len()), (&link.seen[1].as_ref().unwrap().report.against, 0));
    assert_eq!(found.how, link.how);
    assert_eq!(base.what(), "gradient x input of the probability");
    assert_eq!(tuned.what(), "gradient x input of the probability minus that of another token");
    assert_ne!(plain, link.encode(0).0);
    // one word against another, by name
    let mut named = link.clone();
    let report = &mut named.seen[1].as_mut().unwrap().report;
    report.against_text = vec![String::new(); report.response.len()];
    report.against_text[1] = " apples".into();
    let (this, sent) = (report.response[1].text.trim().to_owned(), named.encode(0).0);
    let found = Link::decode(&sent).unwrap().unwrap().seen[1].clone().unwrap().report;
    assert_eq!(found.what(), format!("gradient x input of the probability, why \"{this}\" and not \"apples\""));
    let padded = How { method: Method::Occlusion, baseline: Baseline::Text("…".into()), ..How::default() };
    let occluded = Link { how: padded.clone(), seen: [None, None], ..link.clone() };
    assert_eq!(Link::decode(&occluded.encode(0).0).unwrap().unwrap().how, padded);
    // more tokens than the response has
    link.seen[1].as_mut().unwrap().report.against.push(3);
    assert_eq!(Link::decode(&link.encode(0).0), Some(Err(LinkError::Damaged)));
}

#[test]
fn what_was_switched_off_travels() {
    let mut link = example(0);
    let plain = link.encode(0).0;
    intervention::set(&mut link.how.interventions, 2, Site::Head(3), Of::Both, 0.0);
    intervention::set(&mut link.how.interventions, 1, Site::Component(5), Of::Tuned, -2.0);
    let answer = link.seen[1].as_ref().unwrap().report.response.clone();
    let report = &mut link.seen[1].as_mut().unwrap().report;
    report.without = answer[1..].to_vec();
    let sent = link.encode(0).0;
    assert!(sent.len() < plain.len() + 200, "{} after {}", sent.len(), plain.len());
    let found = Link::decode(&sent).unwrap().unwrap();
    assert_eq!(found.how, link.how);
    let [base, tuned] = found.seen.each_ref().map(|seen| &seen.as_ref().unwrap().report);
    assert_eq!(base.what(), "gradient x input of the probability, with head 3 of layer 2 off");
    assert!(tuned.what().ends_with("with head 3 of layer 2 off and concept 5 of layer 1 times −2"), "{}", tuned.what());
    let texts = |all: &[ResponseToken]| all.iter().map(|t| t.text.clone()).collect::<Vec<_>>();
    assert_eq!((texts(&tuned.without), base.without.len()), (texts(&answer[1..]), 0));
    // a file tells the same, also one from before it said what was asked
    let reports = Models { base: Some(base.clone()), tuned: Some(tuned.clone()) };
    assert_eq!(Export::new(link.prompt.clone(), reports).asked().how.interventions, link.how.interventions);
}

#[test]
fn what_is_no_link_is_told_apart() {
    assert!(Link::decode("#results").is_none());
    for (fragment, error) in [
        ("see=", LinkError::Damaged),
        ("see=1.", LinkError::Damaged),
        ("see=1.AAAA", LinkError::Damaged),
        ("see=2.AAAA", LinkError::Newer),
        ("see=x.AAAA", LinkError::Damaged),
    ] {
        assert_eq!(Link::decode(fragment).unwrap().unwrap_err(), error, "{fragment}");
    }
    // a claim of more than memory holds, in a few bytes
    let bomb = deflate::compress_to_vec(&vec![0; 64 << 20], 10);
    let mut bytes = (bomb.len() as u32).to_le_bytes()[..3].to_vec();
    bytes.extend(bomb);
    assert!(Link::decode(&format!("see=1.{}", BASE64.encode(bytes))).unwrap().is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_damaged_link_never_panics(index in 0..PRESETS.len(), at in 0.0f64..1.0, to in any::<u8>(), cut in 0.2f64..1.0) {
        let link = example(index);
        let fragment = link.encode(60).0;
        let mut bytes = BASE64.decode(&fragment[PREFIX.len() + 2..]).unwrap();
        let place = (at * (bytes.len() - 1) as f64) as usize;
        bytes[place] = to;
        bytes.truncate((cut * bytes.len() as f64) as usize + 1);
        if let Ok(link) = Link::decode(&format!("see=1.{}", BASE64.encode(&bytes))).unwrap() {
            for seen in link.seen.iter().flatten() {
                prop_assert!(seen.report.importance.iter().flatten().all(|v| v.is_finite()));
                prop_assert_eq!(seen.report.importance.len(), seen.report.units.len());
            }
        }
    }

    /// The head is damaged before it is packed, so that what is behind deflate's checks is reached.
    #[test]
    fn a_forged_description_never_panics(index in 0..PRESETS.len(), changes in prop::collection::vec((0.0f64..1.0, any::<u8>()), 1..6)) {
        let fragment = example(index).encode(60).0;
        let bytes = BASE64.decode(&fragment[PREFIX.len() + 2..]).unwrap();
        let length = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) as usize;
        let mut head = inflate::decompress_to_vec(&bytes[3..3 + length]).unwrap();
        for (at, to) in changes {
            let place = (at * (head.len() - 1) as f64) as usize;
            head[place] = to;
        }
        let packed = deflate::compress_to_vec(&head, 6);
        let mut forged = (packed.len() as u32).to_le_bytes()[..3].to_vec();
        forged.extend(packed);
        forged.extend(&bytes[3 + length..]);
        if let Ok(link) = Link::decode(&format!("see=1.{}", BASE64.encode(forged))).unwrap() {
            for seen in link.seen.iter().flatten() {
                let r = &seen.report;
                prop_assert!(r.importance.iter().all(|row| row.len() == r.response.len()));
                // and it can be shown
                let columns: Vec<Vec<f32>> = (0..r.response.len()).map(|m| r.importance.iter().map(|row| row[m]).collect()).collect();
                for by in [By::Token, By::Word, By::Sentence] {
                    let source = crate::explain::view::Source {
                        text: &link.prompt, units: &r.units, by: r.by, spans: &[], template_row: false, columns: &columns, response: &r.response, instruction: r.instruction.clone(),
                    };
                    crate::explain::view::present(&source, by, link.reading.how);
                }
            }
        }
    }

    #[test]
    fn any_text_is_refused_or_read(data in "[A-Za-z0-9_-]{0,400}") {
        let _ = Link::decode(&format!("see=1.{data}"));
    }
}

#[test]
fn a_link_matches_its_own_run_and_no_other() {
    let link = example(0);
    let run = &link.seen[1].as_ref().unwrap().report;
    for precision in Precision::ladder(link.reading.how) {
        let found = Link::decode(&link.encode_as(precision)).unwrap().unwrap();
        let sent = &found.seen[1].as_ref().unwrap().report;
        let same = compare(sent, run, Some(precision));
        assert!(matches!(same, Match::Same { .. }), "{precision:?}: {same:?}");
        let mut other = run.clone();
        let first = other.units.iter().position(|u| u.role == Role::User).unwrap();
        other.importance[first].iter_mut().for_each(|v| *v = v.abs() * 9.0 + 1.0);
        assert!(matches!(compare(sent, &other, Some(precision)), Match::Apart { .. }), "{precision:?}");
        other.response[0].text.push('x');
        assert_eq!(compare(sent, &other, Some(precision)), Match::OtherWords);
        other.checkpoint.weights.push('x');
        assert_eq!(compare(sent, &other, Some(precision)), Match::OtherWeights);
    }
}

#[test]
fn an_address_that_is_no_hosts_is_not_followed() {
    for (url, stays) in
        [("https://a.example/m.gguf", true), ("javascript:alert(1)", false), ("data:,x", false), ("m.gguf", false)]
    {
        let mut link = example(0);
        let origin = Origin::Urls(vec![url.to_owned()]);
        link.seen[0].as_mut().unwrap().origin = origin.clone();
        let found = Link::decode(&link.encode(60).0).unwrap().unwrap();
        let expected = if stays { origin } else { Origin::Elsewhere };
        assert_eq!(found.seen[0].as_ref().unwrap().origin, expected, "{url}");
    }
}

/// Turns over the prompt of `link`, and one that is not explained.
/// What a file says of the check of its picture is what the numbers in it say, whatever else it claims; and these fit together.
#[test]
fn a_files_verdict_is_that_of_its_numbers() {
    use crate::explain::methods::faithfulness::{Band, Cell, Curves, Faithfulness, Order};
    let falling = vec![0.9, 0.5, 0.1];
    let band = Band { low: falling.clone(), mean: falling.clone(), high: falling.clone() };
    let curves =
        Curves { units: vec![0, 1, 2], most_first: falling.clone(), least_first: falling.clone(), random: band };
    let order = Order {
        units: 2,
        deletion: curves.clone(),
        insertion: curves,
        abpc: 0.0,
        beaten_by_most: 0,
        beaten_by_least: 0,
    };
    let cell = Cell { unit: 0, token: 0, value: 1.0, difference: 3.0, apart: 2.0, uncertain: 0.0 };
    let said = "The picture ranks the units as the model uses them.".to_owned();
    let check = Faithfulness { baseline: Baseline::Mean, order, cells: vec![cell], said };
    let read = |check: Faithfulness| {
        let path = format!("{}/public/{}", env!("CARGO_MANIFEST_DIR"), PRESETS[0].file());
        let mut export: Export = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        export.models.tuned.as_mut().unwrap().faithfulness = Some(check);
        Export::read("a.json", &serde_json::to_string(&export).unwrap())
    };
    let found = read(check.clone()).unwrap().models.tuned.unwrap().faithfulness.unwrap();
    assert!(
        found.said.contains("do not trust its order") && found.said.contains("do not trust these numbers"),
        "{}",
        found.said
    );
    let damaged = Err(FileError::Damaged("a.json".into()));
    let mut short = check.clone();
    short.order.deletion.random.low.pop();
    assert_eq!(read(short), damaged);
    let mut empty = check.clone();
    empty.order.insertion = Curves {
        units: vec![],
        most_first: vec![],
        least_first: vec![],
        random: Band { low: vec![], mean: vec![], high: vec![] },
    };
    assert_eq!(read(empty), damaged);
    let mut elsewhere = check;
    elsewhere.cells[0].unit = 10_000;
    assert_eq!(read(elsewhere), damaged);
}

#[test]
fn files_that_do_not_fit_together_are_refused() {
    let path = format!("{}/public/{}", env!("CARGO_MANIFEST_DIR"), PRESETS[0].file());
    let text = std::fs::read_to_string(path).unwrap();
    assert!(Export::read("a.json", &text).is_ok());
    let broken = |change: fn(&mut Export)| {
        let mut export: Export = serde_json::from_str(&text).unwrap();
        change(&mut export);
        Export::read("a.json", &serde_json::to_string(&export).unwrap())
    };
    let damaged = Err(FileError::Damaged("a.json".into()));
    assert_eq!(broken(|e| e.prompt.clear()), damaged);
    assert_eq!(broken(|e| e.models.tuned.as_mut().unwrap().importance[1].truncate(1)), damaged);
    assert_eq!(broken(|e| drop(e.models.base.as_mut().unwrap().units.pop())), damaged);
    assert_eq!(broken(|e| e.models.base.as_mut().unwrap().units[0].tokens = vec![9999]), damaged);
    assert_eq!(broken(|e| e.version = 2), Err(FileError::Newer("a.json".into())));
    for text in ["", "[]", "{\"version\":1}", "GGUF"] {
        assert!(matches!(Export::read("a.json", text), Err(FileError::Other { .. })), "{text}");
    }
}
