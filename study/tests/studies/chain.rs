//! What a study says of a chain: how far each checkpoint lies from the one before it, and findings 2 and 3 from their weights. Held
//! against the library's own results.

use std::ops::ControlFlow;
use std::path::Path;

use super::support::{output, plan, root, tables, text};
use shiftlens::checkpoint::{Checkpoint, FileBytes};
use shiftlens::explain::divergence::log_probabilities;
use shiftlens::explain::findings::{Controls, concept_shift, verb_shift};
use shiftlens::explain::weights::compare::HeadChange;
use shiftlens::explain::weights::heads::{HeadOptions, Reading, compared_pairs};
use shiftlens::explain::weights::{Atlas, LayerConcepts, LayerHeads, Relatedness, lexicon, scorer};
use shiftlens::model::block_on;
use shiftlens::protocol::{Prompt, Template};
use shiftlens::worker::Runner;
use shiftlens_study::folder::gather;
use shiftlens_study::parts::Part;
use shiftlens_study::study::Study;

fn open(name: &str) -> Checkpoint {
    let path = root().join("public/models").join(name);
    Checkpoint::open(FileBytes::open_set(&path).unwrap()).unwrap()
}

fn ran(plan: &str, out: &Path, shard: &str) -> String {
    let ran = output(&["run", plan, "--shard", shard, "--out"], out);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    text(&ran.stdout).lines().last().unwrap_or_default().to_owned()
}

/// Straight from the definition, sum p log(p / q), with both models on the tuned one's prompt.
#[test]
fn the_divergence_is_that_of_the_two_models() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let plan = plan(folder.path(), 3, "weights = false", "");
    assert_eq!(ran(&plan, &out, "1/1"), "6 units run, 0 skipped, 0 failed");
    let (study, found) = (Study::of(&out).unwrap(), gather(&out, Part::responses).unwrap());
    let [mut base, mut tuned] =
        ["base", "tuned"].map(|n| Runner::load_at_once(open(&format!("stories-{n}.gguf")), n).unwrap());
    let mut sum = 0.0;
    for (set, _, case) in study.cases() {
        let row = |checkpoint: usize| &found.rows[&study.unit(&study.checkpoints[checkpoint], set, case)];
        assert_eq!(row(0).kl, None);
        let row = row(1);
        let (prompt, _) = tuned.prepare(&Prompt::text(case.prompt.clone(), Template::Own)).unwrap();
        let prompt: Vec<u32> = prompt.iter().map(|t| t.id).collect();
        let of =
            |runner: &mut Runner| block_on(log_probabilities(runner.engine(), &prompt, &row.response_tokens)).unwrap();
        let (q, p) = (of(&mut base), of(&mut tuned));
        let term = |(p, q): (&f32, &f32)| f64::from(*p).exp() * f64::from(p - q);
        let kl: f64 = p.values().iter().zip(q.values()).map(term).sum::<f64>() / row.response_tokens.len() as f64;
        let found = row.kl.unwrap();
        assert!(kl > 0.01 && (kl - found).abs() < 1e-4, "{kl} {found}");
        sum += found;
    }
    let table = &tables(&out)["divergence.csv"];
    let cells: Vec<&str> = table.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(cells[..4], ["held-out", "base", "tuned", "3"]);
    assert!((cells[4].parse::<f64>().unwrap() - sum / 3.0).abs() < 1e-12, "{table}");
    assert!(!table.contains("NaN"));
}

fn heads(checkpoint: &Checkpoint) -> Vec<LayerHeads> {
    let mut atlas = Atlas::new(checkpoint, &lexicon::english(), Relatedness::Own).unwrap();
    let how = HeadOptions { reading: Reading::Relation, keep: compared_pairs(Reading::Relation) };
    let mut layer = |l| block_on(atlas.heads(checkpoint, l, how, &mut async |_| ControlFlow::Continue(()))).unwrap();
    (0..checkpoint.config.layers).map(&mut layer).collect()
}

/// As the page gets them: their directions cross as f16.
fn concepts(checkpoint: &Checkpoint) -> Vec<LayerConcepts> {
    let mut atlas = Atlas::new(checkpoint, &lexicon::english(), Relatedness::Own).unwrap();
    (0..checkpoint.config.layers).map(|l| atlas.concepts(checkpoint, l, 300).unwrap()).collect()
}

#[test]
fn weights_are_read_once_in_any_shards_and_give_findings_2_and_3() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), 1, "kl = false", "");
    let [whole, shared] = ["whole", "shared"].map(|n| folder.path().join(n));
    let (base, tuned) = (open("stories-base.gguf"), open("stories-tuned.gguf"));
    let layers = base.config.layers;
    assert_eq!(ran(&plan, &whole, "1/1"), format!("{} units run, 0 skipped, 0 failed", 2 + 2 * layers));
    let expected = tables(&whole);

    let (b, t) = (heads(&base), heads(&tuned));
    let changes: Vec<_> = b.iter().zip(&t).map(|(b, t)| HeadChange::of_layer(b, t)).collect();
    let found = verb_shift(&changes.iter().map(Vec::as_slice).collect::<Vec<_>>(), None);
    let table = &expected["finding-2.md"];
    assert!(table.contains(&found.verdict.words()), "{} {table}", found.verdict.words());
    assert_eq!(expected["finding-2.csv"].lines().count(), 1 + 3 + 1);
    for group in &found.groups {
        let mean = format!(",{},", group.comparison.second.mean);
        let line = format!("base,tuned,{},{},", group.group.name(), group.comparison.first.n);
        assert!(expected["finding-2.csv"].lines().any(|l| l.starts_with(&line) && l.contains(&mean)), "{line} {mean}");
    }
    assert_eq!(expected["finding-3.csv"].lines().count(), 2);
    let (b, t) = (concepts(&base), concepts(&tuned));
    let found = concept_shift(b.iter().zip(&t), |_, _, _, c| scorer::task(c).value, Controls::default());
    let shares = found.comparison;
    let line = format!("base,tuned,{layers},{},{},", shares.first.mean, shares.first.deviation);
    assert!(expected["finding-3.csv"].contains(&line), "{line} {}", expected["finding-3.csv"]);

    // in two shards, with a file that the disk cut short between them
    ran(&plan, &shared, "1/2");
    let early = output(&["merge"], &shared);
    assert!(text(&early.stderr).contains("have no result yet"), "{}", text(&early.stderr));
    let cut = std::fs::read_dir(shared.join("weights")).unwrap().map(|e| e.unwrap().path()).min().unwrap();
    let bytes = std::fs::read(&cut).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    ran(&plan, &shared, "2/2");
    let merged = output(&["merge"], &shared);
    let said = text(&merged.stderr);
    assert!(said.contains("is damaged") && said.contains(&format!("1 of {} units", 2 + 2 * layers)), "{said}");
    assert!(ran(&plan, &shared, "1/2").starts_with("1 units run, "));
    assert_eq!(tables(&shared), expected);

    // a file under another one's name is no result of that layer
    let mut files: Vec<_> = std::fs::read_dir(shared.join("weights")).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "json"));
    std::fs::copy(&files[0], &files[1]).unwrap();
    let merged = output(&["merge"], &shared);
    let said = text(&merged.stderr);
    assert!(said.contains("is damaged (it holds another layer)"), "{said}");
    ran(&plan, &shared, "1/1");
    assert_eq!(tables(&shared), expected);

    // judged by word vectors: their words are not the lists' words, so nothing is known of them
    let judge = folder.path().join("words.txt");
    std::fs::write(&judge, "cow 1 0\nmilk 0 1\n").unwrap();
    let merged = output(&["merge", "--judge", judge.to_str().unwrap()], &shared);
    assert!(merged.status.success(), "{}", text(&merged.stderr));
    let refused = output(&["merge", "--judge", "nowhere.txt"], &shared);
    assert!(text(&refused.stderr).starts_with("nowhere.txt: "), "{}", text(&refused.stderr));
}

/// The paper's Table 2, from prompts that say whether their responses follow.
#[test]
fn responses_that_follow_are_held_against_those_that_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..6)
        .map(|i| format!("{{\"prompt\": \"Say {i}: a cow.\", \"response\": \"A cow.\", \"followed\": {}}}\n", i < 4))
        .collect();
    std::fs::write(folder.path().join("marked.jsonl"), lines.concat()).unwrap();
    let models = root().join("public/models/stories-tuned.gguf");
    let path = folder.path().join("plan.toml");
    let plan = format!(
        "[settings]\nweights = false\n[[checkpoint]]\nname = \"tuned\"\npath = '{}'\n[[prompts]]\nname = \"marked\"\npath = \"marked.jsonl\"\n",
        models.display()
    );
    std::fs::write(&path, plan).unwrap();
    let out = folder.path().join("out");
    ran(path.to_str().unwrap(), &out, "1/1");
    let found = tables(&out);
    let scores: Vec<f64> =
        found["scores.csv"].lines().skip(1).map(|l| l.rsplit(',').next().unwrap().parse().unwrap()).collect();
    let cells: Vec<&str> = found["followed.csv"].lines().nth(1).unwrap().split(',').collect();
    assert_eq!((cells[0], cells[1], cells[2], cells[5]), ("marked", "tuned", "4", "2"));
    let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
    for (cell, wanted) in [(3, mean(&scores[..4])), (6, mean(&scores[4..]))] {
        assert!((cells[cell].parse::<f64>().unwrap() - wanted).abs() < 1e-9, "{cells:?} {wanted}");
    }

    // a plan that says of one response only: nothing to compare it with, and no number is made up
    let lines = std::fs::read_to_string(folder.path().join("marked.jsonl")).unwrap();
    let one = lines.replace(", \"followed\": false", "").replacen(", \"followed\": true", "", 3);
    std::fs::write(folder.path().join("marked.jsonl"), one).unwrap();
    let again = output(&["run", path.to_str().unwrap(), "--replace", "--out"], &out);
    assert!(text(&again.stdout).ends_with("0 units run, 6 skipped, 0 failed\n"), "{}", text(&again.stderr));
    let found = tables(&out);
    let cells: Vec<&str> = found["followed.csv"].lines().nth(1).unwrap().split(',').collect();
    assert_eq!((cells[2], cells[4], &cells[5..]), ("1", "", &["0", "", "", "", "", ""][..]));

    // and one that says of none has no such table, though the plan before had
    std::fs::write(
        folder.path().join("marked.jsonl"),
        lines.replace(", \"followed\": true", "").replace(", \"followed\": false", ""),
    )
    .unwrap();
    assert!(output(&["run", path.to_str().unwrap(), "--replace", "--out"], &out).status.success());
    assert!(tables(&out).keys().all(|name| !name.starts_with("followed")));
}
