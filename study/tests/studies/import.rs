//! The paper's published matrices as a study: the tables hold what the paper's code gives.

use std::io::{Read, Write};

use super::support::{output, plan, root, tables, text};
use serde_json::Value as Json;
use shiftlens::explain::statistics::{Summary, welch};

fn published() -> String {
    let file = std::fs::File::open(root().join("tests/gold/density_cases.jsonl.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn published_matrices_give_the_papers_scores() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let file = root().join("tests/gold/density_cases.jsonl.gz");
    let imported = output(&["import", file.to_str().unwrap(), "--name", "LIMA", "--out"], &out);
    assert!(text(&imported.stdout).ends_with("120 results\n"), "{}", text(&imported.stderr));
    let tables = tables(&out);

    let lines: Vec<Json> = published().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |model: &str| -> Vec<f64> {
        lines.iter().filter(|l| l["model"] == model).map(|l| l["score"].as_f64().unwrap()).collect()
    };
    let (base, tuned) = (of("llama-7b"), of("vicuna-7b"));
    // prompts have commas and lines of their own
    let rows: Vec<_> =
        csv::Reader::from_reader(tables["scores.csv"].as_bytes()).into_records().map(Result::unwrap).collect();
    for (model, scores) in [("llama-7b", &base), ("vicuna-7b", &tuned)] {
        let found = rows.iter().filter(|row| (&row[0], &row[1]) == (model, "LIMA"));
        let found: Vec<f64> = found.map(|row| row[4].parse().unwrap()).collect();
        // the file's order is that of the prompts
        assert!(found.len() == 60 && found.iter().zip(scores).all(|(f, s)| (f - s).abs() < 1e-5), "{found:?}");
    }
    let (base, tuned) = (Summary::of(&base), Summary::of(&tuned));
    let finding = &tables["finding-1.csv"];
    let cells: Vec<&str> = finding.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(cells[..4], ["LIMA", "llama-7b", "vicuna-7b", "60"]);
    let wanted = [base.mean, base.deviation, tuned.mean, tuned.deviation, welch(base, tuned).unwrap().p];
    for (cell, wanted) in cells[4..].iter().zip(wanted) {
        assert!((cell.parse::<f64>().unwrap() - wanted).abs() < 1e-5, "{finding}");
    }
    println!("{}", tables["finding-1.md"]);
    // the same file again is the same study; a plan is another one
    assert!(output(&["import", file.to_str().unwrap(), "--name", "LIMA", "--out"], &out).status.success());
    let plan = plan(folder.path(), 1, "", "");
    assert!(text(&output(&["run", &plan, "--out"], &out).stderr).contains("holds a study by another plan"));
}

#[test]
fn what_is_no_list_of_matrices_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("cases.jsonl"), folder.path().join("out"));
    let refused = |bytes: &[u8], wanted: &str| {
        std::fs::File::create(&file).unwrap().write_all(bytes).unwrap();
        let refused = output(&["import", file.to_str().unwrap(), "--out"], &out);
        let said = text(&refused.stderr);
        assert!(refused.status.code() == Some(1) && said.contains(wanted) && said.lines().count() == 1, "{said}");
    };
    let packed = std::fs::read(root().join("tests/gold/density_cases.jsonl.gz")).unwrap();
    refused(&packed[..packed.len() / 2], "cases.jsonl: ");
    refused(b"", "line 1: there is nothing in it");
    refused(b"{\"id\": 3}", "line 1: ");
    let text = published();
    let first = text.lines().next().unwrap();
    let changed = |line: &str, change: &dyn Fn(&mut Json)| {
        let mut json: Json = serde_json::from_str(line).unwrap();
        change(&mut json);
        format!("{json}\n")
    };
    refused(&first.as_bytes()[..first.len() / 2], "line 1: ");
    for (change, wanted) in [
        (&(|j: &mut Json| j["n_output"] = 1.into()) as &dyn Fn(&mut Json), "levels are not"),
        (&|j: &mut Json| j["n_output"] = u64::MAX.into(), "levels are not"),
        (&|j: &mut Json| j["levels"] = "///".into(), "no base64"),
        (&|j: &mut Json| j["score"] = 9.0.into(), "its levels give the score"),
        (&|j: &mut Json| j["instruction"] = Json::Array(Vec::new()), "not as many marks"),
        (&|j: &mut Json| j["input"][0] = "<0xFF>".into(), "its tokens make no text"),
    ] {
        refused(changed(first, change).as_bytes(), wanted);
    }
    let id = |line: &str| serde_json::from_str::<Json>(line).unwrap()["id"].clone();
    let second = text.lines().find(|line| id(line) != id(first)).unwrap();
    let other = changed(second, &|j: &mut Json| j["id"] = id(first));
    refused(format!("{first}\n{other}").as_bytes(), "is another prompt than above");
    refused(format!("{first}\n{first}").as_bytes(), "line 2: llama-7b has a line for this prompt above");
    assert!(!out.exists(), "a file that is refused leaves nothing behind");
}
