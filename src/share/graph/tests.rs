use proptest::prelude::*;

use super::measure::{line, lines, width};
use super::*;
use crate::explain::view::{Label, View};
use crate::explain::weights::graph::Origin;
use crate::explain::{Levels, Role, levels};
use crate::share::screen::{Reading, Scale};
use crate::share::window::Window;

fn label(text: &str) -> Label {
    let role = Role::User;
    Label { text: text.into(), role, counted: true, instruction: false, parts: vec![], spaced: true, own: false }
}

fn view(rows: &[&str], columns: &[&str], signed: Vec<Vec<f32>>, how: Levels) -> View {
    let levels = levels(&signed, &vec![true; rows.len()], how);
    let (rows, columns) = (rows.iter().map(|t| label(t)).collect(), columns.iter().map(|t| label(t)).collect());
    View { rows, columns, levels, signed, ..View::default() }
}

fn whole(view: &View) -> Window {
    Window::all(view.columns.len())
}

fn reading(scale: Scale, floor: u8) -> Reading {
    Reading { scale, how: Levels { floor, ..Levels::default() }, ..Reading::default() }
}

/// Many words, with values of either sign.
fn many(rows: usize, columns: usize, how: Levels) -> View {
    let names = |n: usize| (0..n).map(|i| format!("word{i}")).collect::<Vec<_>>();
    let (r, c) = (names(rows), names(columns));
    let value = |n: usize, m: usize| (((n * 31 + m * 17) % 97) as f32 - 20.0) / 97.0;
    let signed = (0..rows).map(|n| (0..columns).map(|m| value(n, m)).collect()).collect();
    let texts = |names: &[String]| names.iter().map(|t| t.clone().leak() as &str).collect::<Vec<&str>>();
    view(&texts(&r), &texts(&c), signed, how)
}

#[test]
fn ribbons_are_the_cells_above_the_threshold() {
    let signed = vec![vec![1.0, -0.5], vec![0.75, 0.1], vec![0.2, 0.0]];
    let at = |scale, floor| {
        let reading = reading(scale, floor);
        let v = view(&["a", "b", "c"], &["x", "y"], signed.clone(), reading.how);
        let graph = Graph::of(&v, &reading, v.extent(), whole(&v), Origin::Tuned);
        let told = graph.ribbons.iter().map(|r| (r.row, r.column, r.strength, r.lowers)).collect::<Vec<_>>();
        assert_eq!(graph.above, told.len());
        (told, graph.all)
    };
    assert_eq!(at(Scale::Levels, 7), (vec![(0, 0, 1.0, false), (1, 0, 0.8, false), (1, 1, 1.0, false)], 4));
    assert_eq!(at(Scale::Levels, 8), (vec![(0, 0, 1.0, false), (1, 1, 1.0, false)], 4));
    assert_eq!(at(Scale::Levels, 0).0.len(), 4);
    let (told, all) = at(Scale::Signed, 7);
    assert_eq!(told, [(0, 0, 1.0, false), (0, 1, 0.5, true), (1, 0, 0.75, false)], "as wide as they are large");
    assert_eq!(all, 5);
}

#[test]
fn template_tokens_have_no_ribbons() {
    let how = Levels { floor: 0, ..Levels::default() };
    let mut v = view(&["<s>", "a"], &["x"], vec![vec![9.0], vec![1.0]], how);
    (v.rows[0].counted, v.rows[0].role) = (false, Role::Template);
    v.levels = levels(&v.signed, &[false, true], how);
    for scale in [Scale::Levels, Scale::Signed] {
        let graph = Graph::of(&v, &reading(scale, 0), v.extent(), whole(&v), Origin::Base);
        assert_eq!((graph.rows.len(), graph.rows[0].0, graph.ribbons.len(), graph.all), (1, 1, 1, 1));
        assert_eq!((graph.ribbons[0].row, graph.ribbons[0].strength), (1, 1.0));
    }
}

#[test]
fn what_differs_is_gained_lost_or_kept() {
    let how = Levels::default();
    let base = view(&["a", "b"], &["x", "y"], vec![vec![1.0, 1.0], vec![0.1, 0.9]], how);
    let tuned = view(&["a", "b"], &["x", "y"], vec![vec![0.1, 0.75], vec![1.0, 1.0]], how);
    let graph = Graph::changed(&base, &tuned, &reading(Scale::Levels, 7), 1.0, whole(&tuned)).unwrap();
    let told: Vec<_> = graph.ribbons.iter().map(|r| (r.row, r.column, r.origin, r.strength)).collect();
    use Origin::{Base, Both, Tuned};
    assert_eq!(told, [(0, 0, Base, 1.0), (0, 1, Both, 0.8), (1, 0, Tuned, 1.0), (1, 1, Both, 1.0)]);
    assert_eq!([Tuned, Base, Both].map(|o| graph.count(o)), [1, 1, 2]);
    assert_eq!(graph.all, 4);
    // what raised the probability and lowers it now is lost and gained, not kept
    let turned = view(&["a", "b"], &["x", "y"], vec![vec![-1.0, 1.0], vec![0.0, 0.0]], how);
    let graph = Graph::changed(&base, &turned, &reading(Scale::Signed, 7), 1.0, whole(&turned)).unwrap();
    let told: Vec<_> = graph.ribbons.iter().filter(|r| r.column == 0).map(|r| (r.origin, r.lowers)).collect();
    assert_eq!(told, [(Base, false), (Tuned, true)]);
    let other = view(&["a", "b"], &["x", "z"], vec![vec![1.0, 1.0], vec![0.1, 0.9]], how);
    assert!(Graph::changed(&base, &other, &reading(Scale::Levels, 7), 1.0, whole(&other)).is_none());
}

#[test]
fn a_graph_too_large_to_draw_keeps_its_strongest_ribbons() {
    let how = Levels { floor: 0, ..Levels::default() };
    let v = many(200, 200, how);
    let graph = Graph::of(&v, &reading(Scale::Levels, 0), v.extent(), whole(&v), Origin::Tuned);
    assert_eq!((graph.ribbons.len(), graph.above, graph.all), (MOST, graph.all, graph.all));
    assert!(graph.all > 30_000);
    let weakest = graph.ribbons.iter().map(|r| r.strength).fold(1.0, f32::min);
    let stronger = v.levels.iter().flatten().filter(|l| f32::from(**l) / 10.0 > weakest).count();
    assert!(stronger <= MOST, "none that is stronger was left out");
    assert!(graph.ribbons.windows(2).all(|p| (p[0].row, p[0].column) < (p[1].row, p[1].column)));
}

#[test]
fn a_part_of_a_long_response_and_the_words_it_came_from() {
    let how = Levels::default();
    let v = many(150, 512, how);
    let whole = Graph::of(&v, &reading(Scale::Levels, 7), v.extent(), whole(&v), Origin::Tuned);
    let seen = Window { start: 100, end: 104 };
    let part = Graph::of(&v, &reading(Scale::Levels, 9), v.extent(), seen, Origin::Tuned);
    assert_eq!(part.columns.iter().map(|(m, _)| *m).collect::<Vec<_>>(), [100, 101, 102, 103]);
    assert!(part.all < whole.all && part.ribbons.iter().all(|r| seen.range().contains(&r.column)));
    // of a long prompt, words that nothing came from are left out, and counted
    assert_eq!(part.rows.len() + part.left_out, 150);
    assert!(part.left_out > 0 && part.rows.iter().all(|(n, _)| part.ribbons.iter().any(|r| r.row == *n)));
    let layout = Layout::of(&part, 480.0, unit(&[&part]));
    sound(&layout);
    assert_eq!(layout.strips.len(), part.ribbons.len());
}

/// Slots of a side follow each other without overlap, labels that are shown do not touch, bars lie in their slots, and every
/// ribbon ends within its words, beside the others that end there.
fn sound(layout: &Layout) {
    let near = 0.02;
    for side in [&layout.prompt, &layout.response] {
        for pair in side.places.windows(2) {
            assert!(pair[0].slot.1 <= pair[1].slot.0 + near, "{:?}", (&pair[0].slot, &pair[1].slot));
        }
        let labelled: Vec<&Place> = side.places.iter().filter(|p| p.is_labelled).collect();
        assert!(side.places.is_empty() || !labelled.is_empty());
        for pair in labelled.windows(2) {
            let high = |p: &Place| p.lines.len() as f32 * side.line() / 2.0;
            assert!(pair[1].middle() - pair[0].middle() + near >= high(pair[0]) + high(pair[1]), "labels overlap");
        }
        for p in &side.places {
            assert!(p.slot.0 <= p.bar.0 + near && p.bar.1 <= p.slot.1 + near && p.slot.1 <= layout.size.1);
        }
    }
    for place in layout.places() {
        let mut ends: Vec<(f32, f32)> = layout
            .of_word(place.word)
            .iter()
            .map(|s| if matches!(place.word, Word::Row(_)) { s.from } else { s.to })
            .collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(ends.windows(2).all(|p| p[0].1 <= p[1].0 + near), "ribbons of {:?} overlap", place.word);
        let within = |end: &(f32, f32)| place.bar.0 - near <= end.0 && end.1 <= place.bar.1 + near;
        assert!(ends.iter().all(within), "{ends:?} {:?}", place.bar);
    }
    assert!(layout.prompt.bar < layout.response.bar, "the sides touch");
    assert!(layout.prompt.label <= layout.prompt.bar && layout.response.label <= layout.size.0);
}

#[test]
fn ribbons_of_a_word_do_not_cross() {
    let how = Levels { floor: 0, ..Levels::default() };
    let v = many(6, 9, how);
    let graph = Graph::of(&v, &reading(Scale::Levels, 0), v.extent(), whole(&v), Origin::Tuned);
    let layout = Layout::of(&graph, 480.0, unit(&[&graph]));
    sound(&layout);
    for place in layout.places() {
        let mut strips = layout.of_word(place.word);
        strips.sort_by_key(|s| (s.ribbon.row, s.ribbon.column));
        assert!(strips.windows(2).all(|p| p[0].from.0 <= p[1].from.0 && p[0].to.0 <= p[1].to.0));
    }
}

#[test]
fn both_graphs_are_on_one_scale_and_none_outgrows_its_words() {
    let how = Levels { floor: 0, ..Levels::default() };
    let (few, much) = (many(4, 5, how), many(30, 60, how));
    let of = |v: &View| Graph::of(v, &reading(Scale::Levels, 0), v.extent(), whole(v), Origin::Tuned);
    let (few, much) = (of(&few), of(&much));
    assert_eq!(unit(&[&few, &much]), unit(&[&few]).min(unit(&[&much])));
    assert_eq!(unit(&[&Graph::default()]), unit(&[]));
    let dense = Layout::of(&much, 480.0, unit(&[&few, &much]));
    assert!(dense.size.1 < 60.0 * 16.0 * 3.0, "{:?}", dense.size);
    sound(&dense);
}

#[test]
fn a_walk_visits_every_word_and_crosses_along_the_strongest_ribbon() {
    let how = Levels::default();
    let v = view(&["a", "b", "c"], &["x", "y"], vec![vec![0.8, 0.0], vec![0.0, 0.0], vec![1.0, 0.0]], how);
    let graph = Graph::of(&v, &reading(Scale::Levels, 7), 1.0, whole(&v), Origin::Base);
    let layout = Layout::of(&graph, 400.0, 9.0);
    use Step::{Back, First, Last, On, Prompt, Response};
    use Word::{Column, Row};
    let walk = |from: Option<Word>, steps: &[Step]| steps.iter().fold(from, |at, step| layout.step(at, *step));
    assert_eq!(walk(None, &[On]), Some(Row(0)));
    assert_eq!(walk(None, &[On, On, On, On, On]), Some(Row(2)), "it stays at the end");
    assert_eq!(walk(None, &[On, Response]), Some(Column(0)));
    assert_eq!(walk(None, &[On, Response, Prompt]), Some(Row(2)), "the strongest");
    assert_eq!(walk(Some(Row(1)), &[Response, On, Prompt, First]), Some(Row(0)));
    assert_eq!(walk(Some(Column(1)), &[Response, Back, Last]), Some(Column(1)));
    assert_eq!(walk(Some(Row(77)), &[Response]), Some(Column(0)), "a word that is gone");
    assert_eq!(Layout::default().step(None, On), None);
}

#[test]
fn what_is_pointed_at_stands_out_with_what_it_is_joined_to() {
    let how = Levels::default();
    let v = view(&["a", "b"], &["x"], vec![vec![1.0], vec![0.1]], how);
    let graph = Graph::of(&v, &reading(Scale::Levels, 7), 1.0, whole(&v), Origin::Base);
    let layout = Layout::of(&graph, 400.0, 9.0);
    assert_eq!(emphasis("g", &layout, None), "");
    assert_eq!(emphasis("g", &layout, Some(Pointed::Word(Word::Row(9)))), "");
    let rules = emphasis("g", &layout, Some(Pointed::Word(Word::Row(0))));
    assert!(rules.contains("#g .b0{opacity:1}") && rules.contains("#g .wc0{") && rules.contains("#g .wr0{"));
    assert!(!rules.contains(".wr1"));
    assert_eq!(emphasis("g", &layout, Some(Pointed::Ribbon(0))), rules);
    // among many words, the joined ones are labelled and do not touch
    let dense = many(150, 150, Levels { floor: 0, ..how });
    let graph = Graph::of(&dense, &reading(Scale::Levels, 8), 1.0, whole(&dense), Origin::Base);
    let layout = Layout::of(&graph, 400.0, unit(&[&graph]));
    let rules = emphasis("g", &layout, Some(Pointed::Word(Word::Column(3))));
    assert!(rules.contains("#g .wc3 text{visibility:visible}"));
}

#[test]
fn labels_break_between_words_and_say_what_is_left_out() {
    assert_eq!(lines("in the middle", 10.0, 60.0), ["in the", "middle"]);
    assert_eq!(lines("", 10.0, 60.0), [""]);
    let long = lines("incomprehensibilities", 10.0, 60.0);
    assert!(long.len() > 1 && long.concat() == "incomprehensibilities");
    let cut = lines(&"word ".repeat(40), 10.0, 60.0);
    assert!(cut.len() == 4 && cut[3].ends_with('…'));
    assert!(line("a long line of words", 10.0, 50.0).ends_with('…') && line("ab", 10.0, 50.0) == "ab");
    for text in cut.iter().chain(&long) {
        assert!(width(text, 10.0) <= 60.0, "{text}");
    }
}

#[test]
fn two_hundred_by_two_hundred_words_are_laid_out_and_drawn() {
    let how = Levels { floor: 0, ..Levels::default() };
    let v = many(200, 200, how);
    for floor in [0, 5, 9] {
        let reading = reading(Scale::Levels, floor);
        let v = View { levels: levels(&v.signed, &[true; 200], reading.how), ..v.clone() };
        let graph = Graph::of(&v, &reading, v.extent(), whole(&v), Origin::Tuned);
        let layout = Layout::of(&graph, 440.0, unit(&[&graph]));
        sound(&layout);
        assert!(layout.size.1 < 3_000.0, "{:?}", layout.size);
        let svg = drawing(&layout, &Colours::PAGE, false);
        assert_eq!(svg.matches("data-ribbon").count(), graph.ribbons.len());
        assert!(svg.len() < 600_000, "{} bytes", svg.len());
    }
}

#[test]
fn a_poster_holds_its_graphs_side_by_side_with_legend_and_caption() {
    let how = Levels::default();
    let v = view(&["a", "<b>"], &["x"], vec![vec![1.0], vec![0.9]], how);
    let graph = Graph::of(&v, &reading(Scale::Levels, 7), 1.0, whole(&v), Origin::Base);
    let layout = Layout::of(&graph, 400.0, 9.0);
    let panel = |heading: &str| Panel { heading: heading.into(), layout: &layout };
    let legend: Vec<Key> = vec![((Origin::Base, false, false), "more & more")];
    let poster = Poster {
        title: "T".into(),
        panels: vec![panel("Base"), panel("Tuned")],
        legend,
        differs: false,
        caption: "What it is.".into(),
    };
    let svg = poster.svg();
    assert_eq!(svg.matches("data-ribbon").count(), 4);
    assert!(svg.contains("&lt;b&gt;") && svg.contains("more &amp; more") && svg.contains("What it is."));
    assert!(poster.size().0 > 800.0 && poster.size().1 > layout.size.1 + 60.0);
    let bare = Poster { title: String::new(), caption: String::new(), ..poster };
    assert!(bare.size().1 < poster_height(&svg));
}

fn poster_height(svg: &str) -> f32 {
    let from = svg.find(" height=\"").unwrap() + 9;
    svg[from..].split('"').next().unwrap().parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_graph_is_sound(
        texts in proptest::collection::vec(".{0,40}", 1..60),
        others in proptest::collection::vec("[a-z \\n]{0,12}", 1..120),
        seed in 1u32..1000,
        floor in 0u8..10,
        signed in any::<bool>(),
        width in 240.0f32..1200.0,
    ) {
        let rows: Vec<&str> = texts.iter().map(String::as_str).collect();
        let columns: Vec<&str> = others.iter().map(String::as_str).collect();
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1u32 << 24) as f32 - 0.3
        };
        let values = rows.iter().map(|_| columns.iter().map(|_| next()).collect()).collect();
        let reading = reading(if signed { Scale::Signed } else { Scale::Levels }, floor);
        let v = view(&rows, &columns, values, reading.how);
        let graph = Graph::of(&v, &reading, v.extent(), whole(&v), Origin::Tuned);
        let layout = Layout::of(&graph, width, unit(&[&graph]));
        prop_assert_eq!(layout.strips.len(), graph.ribbons.len());
        sound(&layout);
        prop_assert!(layout.size.0 == width && layout.size.1.is_finite());
    }
}
