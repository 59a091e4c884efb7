//! What docs/studies.md and docs/study.ipynb read in Python, run by Python.

use std::path::Path;
use std::process::{Command, Output};

use super::python::python;
use super::support::{output, root, tables, text};
use serde_json::Value as Json;

fn run(python: &Path, script: &str, arguments: &[&str], folder: &Path) -> Output {
    let ran = Command::new(python).args(["-c", script]).args(arguments).current_dir(folder).output().unwrap();
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    ran
}

/// A study of the bundled pair in `folder/results` with its tables, whose prompts say which responses follow.
fn studied(folder: &Path, settings: &str) {
    let line = |i: usize| {
        let response = ["A cow.", "The cow said moo."][i % 2];
        format!(
            "{{\"prompt\": \"Say {i} words: a cow.\", \"response\": \"{response}\", \"followed\": {}}}\n",
            i.is_multiple_of(3)
        )
    };
    std::fs::write(folder.join("marked.jsonl"), (0..8).map(line).collect::<String>()).unwrap();
    let models = root().join("public/models");
    let checkpoint = |name: &str| {
        format!(
            "[[checkpoint]]\nname = \"{name}\"\npath = '{}'\n",
            models.join(format!("stories-{name}.gguf")).display()
        )
    };
    let plan = [
        format!("[settings]\n{settings}\n"),
        checkpoint("base"),
        checkpoint("tuned"),
        "[[prompts]]\nname = \"marked\"\npath = \"marked.jsonl\"\n".into(),
    ];
    let path = folder.join("plan.toml");
    std::fs::write(&path, plan.concat()).unwrap();
    let out = folder.join("results");
    let ran = |skipped: &str| {
        let ran = output(&["run", path.to_str().unwrap(), "--out"], &out);
        assert!(text(&ran.stdout).contains(skipped), "{}{}", text(&ran.stdout), text(&ran.stderr));
    };
    ran(" 0 skipped, 0 failed");
    // a part that the disk cut short, set aside: readers of the folder do not meet it
    std::fs::write(out.join("parts/cut.parquet"), b"PAR1 and no more").unwrap();
    ran("0 units run, ");
    tables(&out);
}

const READ: &str = "
import sys
for line in sys.argv[1].splitlines():
    exec(line) if line.startswith('import') else print(eval(line))
";

#[test]
fn the_documented_lines_read_a_study() {
    let Some(python) = python("pandas, pyarrow, polars, duckdb") else { return };
    let folder = tempfile::tempdir().unwrap();
    studied(folder.path(), "weights = false");
    let document = std::fs::read_to_string(root().join("docs/studies.md")).unwrap();
    let lines = document.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let read = text(&run(&python, READ, &[lines], folder.path()).stdout);
    for checkpoint in ["base", "tuned"] {
        assert_eq!(read.matches(checkpoint).count(), 3, "once in each of three ways: {read}");
    }
}

const EXECUTE: &str = "
import sys, nbformat
from nbclient import NotebookClient
book = nbformat.read(sys.argv[1], 4)
nbformat.validate(book)
book.cells.append(nbformat.v4.new_code_cell('print(table_1.to_json(orient=\"records\")); print(table_2.to_json(orient=\"split\"))'))
NotebookClient(book, timeout=300, kernel_name='python3').execute()
nbformat.write(book, sys.argv[2])
";

/// What the notebook's cells put out, joined, and the last cell's lines as JSON.
fn executed(python: &Path, folder: &Path) -> (String, Vec<Json>) {
    let (book, done) = (root().join("docs/study.ipynb"), folder.join("done.ipynb"));
    run(python, EXECUTE, &[book.to_str().unwrap(), done.to_str().unwrap()], folder);
    let book: Json = serde_json::from_str(&std::fs::read_to_string(done).unwrap()).unwrap();
    let cells = book["cells"].as_array().unwrap();
    let last = cells.last().unwrap()["outputs"][0]["text"].as_array().unwrap();
    let last = last.iter().map(|line| serde_json::from_str(line.as_str().unwrap()).unwrap()).collect();
    (cells.iter().map(|cell| cell["outputs"].to_string()).collect(), last)
}

/// Whether the first line of a table of ours holds the means that the notebook computed from the rows.
fn agree(ours: &str, columns: &[(&str, f64)]) {
    let mut lines = ours.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let (names, line) = (lines.next().unwrap(), lines.next().unwrap());
    for (name, theirs) in columns {
        let at = names.iter().position(|n| n == name).unwrap();
        assert!((line[at].parse::<f64>().unwrap() - theirs).abs() < 1e-6, "{name}: {} and {theirs}", line[at]);
    }
}

#[test]
fn the_notebook_redraws_the_papers_tables_and_salient_maps() {
    let Some(python) = python("pandas, pyarrow, matplotlib, nbformat, nbclient, ipykernel") else { return };
    let folder = tempfile::tempdir().unwrap();
    studied(folder.path(), "");
    let ours = tables(&folder.path().join("results"));
    let (put_out, last) = executed(&python, folder.path());
    let [table_1, table_2] = &last[..] else { panic!("{last:?}") };
    let first = &table_1[0];
    assert_eq!((table_1.as_array().unwrap().len(), &first["n"]), (1, &Json::from(8)));
    let columns = ["base mean", "base deviation", "tuned mean", "tuned deviation", "Welch p"];
    agree(&ours["finding-1.csv"], &columns.map(|name| (name, first[name].as_f64().unwrap())));
    let columns: Vec<&str> = table_2["columns"].as_array().unwrap().iter().map(|c| c.as_str().unwrap()).collect();
    let value = |name: &str| table_2["data"][0][columns.iter().position(|c| *c == name).unwrap()].as_f64().unwrap();
    assert_eq!((value("followed count"), value("not followed count")), (3.0, 5.0));
    let columns = [("followed mean", value("followed mean")), ("not followed deviation", value("not followed std"))];
    agree(&ours["followed.csv"], &columns);
    for wanted in ["image/png", "instruction verbs", "tuned task share"] {
        assert!(put_out.contains(wanted), "{wanted}");
    }
}

/// The paper's own matrices: levels alone, no weights, nothing said of who follows.
#[test]
fn the_notebook_reads_published_matrices() {
    let Some(python) = python("pandas, pyarrow, matplotlib, nbformat, nbclient, ipykernel") else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("results");
    let file = root().join("tests/gold/density_cases.jsonl.gz");
    assert!(output(&["import", file.to_str().unwrap(), "--name", "LIMA", "--out"], &out).status.success());
    let ours = tables(&out);
    let (put_out, last) = executed(&python, folder.path());
    agree(&ours["finding-1.csv"], &["base mean", "tuned mean"].map(|name| (name, last[0][0][name].as_f64().unwrap())));
    for wanted in ["image/png", "No prompt set says which responses follow.", "The study has read no weights."] {
        assert!(put_out.contains(wanted), "{wanted}");
    }
}
