//! The command on the bundled pair: killed and resumed, in shards, with hostile plans and damaged parts.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use super::support::{command, output, plan, tables, text};

/// Findings 2 and 3 are tested in `chain.rs`.
const NO_WEIGHTS: &str = "weights = false";

/// Kills a run as soon as it has said that `units` of them are done.
fn killed(plan: &str, out: &Path, units: usize) {
    let mut child = command(&["run", plan, "--out"], out).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert_eq!(lines.filter(|l| l.contains(" of ") && l.contains(": ")).take(units).count(), units);
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
}

#[test]
fn killed_resumed_and_sharded_studies_have_the_same_tables() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), 8, NO_WEIGHTS, "");
    let [whole, cut, shared] = ["whole", "cut", "shared"].map(|n| folder.path().join(n));
    let ran = output(&["run", &plan, "--out"], &whole);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert!(text(&ran.stdout).ends_with("16 units run, 0 skipped, 0 failed\n"), "{}", text(&ran.stdout));
    let expected = tables(&whole);
    let lines = |name: &str| expected[name].lines().count();
    assert_eq!((expected.len(), lines("finding-1.csv"), lines("scores.csv")), (13, 2, 17), "{:?}", expected.keys());
    for name in ["finding-1.csv", "divergence.csv"] {
        assert!(expected[name].contains("held-out,base,tuned,8,"), "{}", expected[name]);
    }

    killed(&plan, &cut, 3);
    let early = output(&["merge"], &cut);
    assert!(!early.status.success() && text(&early.stderr).contains("of 16 units have no result yet"));
    killed(&plan, &cut, 2);
    // a part that the disk cut short
    let part = std::fs::read_dir(cut.join("parts")).unwrap().map(|e| e.unwrap().path());
    let part = part.filter(|p| p.extension().is_some_and(|e| e == "parquet")).min().unwrap();
    let bytes = std::fs::read(&part).unwrap();
    std::fs::write(&part, &bytes[..bytes.len() / 2]).unwrap();
    let resumed = output(&["run", &plan, "--out"], &cut);
    assert!(text(&resumed.stderr).contains("is damaged") && text(&resumed.stderr).contains("run again"));
    assert!(!text(&resumed.stdout).contains(" 0 skipped"), "{}", text(&resumed.stdout));
    assert_eq!(tables(&cut), expected);

    for shard in ["1/4", "2/4", "3/4", "4/4"] {
        let ran = output(&["run", &plan, "--shard", shard, "--out"], &shared);
        assert!(text(&ran.stdout).ends_with("4 units run, 0 skipped, 0 failed\n"), "{}", text(&ran.stdout));
    }
    assert_eq!(tables(&shared), expected);
}

#[test]
fn a_bad_checkpoint_is_recorded_and_does_not_end_the_study() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.gguf"), b"GGUF and no more").unwrap();
    let plan = plan(folder.path(), 8, NO_WEIGHTS, "[[checkpoint]]\nname = \"broken\"\npath = \"broken.gguf\"\n");
    let out = folder.path().join("out");
    let ran = output(&["run", &plan, "--out"], &out);
    assert_eq!(ran.status.code(), Some(2));
    assert!(text(&ran.stdout).ends_with("24 units run, 0 skipped, 8 failed\n"), "{}", text(&ran.stdout));
    let merged = output(&["merge"], &out);
    assert_eq!(merged.status.code(), Some(2));
    let errors = std::fs::read_to_string(out.join("tables/errors.csv")).unwrap();
    assert_eq!(errors.lines().filter(|l| l.starts_with("broken,held-out,")).count(), 8, "{errors}");
}

#[test]
fn hostile_plans_and_foreign_folders_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let bad = folder.path().join("bad.toml");
    std::fs::write(&bad, "[[checkpoint]]\nname = \"x\"\npath = \"no.gguf\"\nsecret = 1\n").unwrap();
    let refused = output(&["run", bad.to_str().unwrap(), "--out"], &out);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said.contains("3 problems, so nothing was run.") && said.contains("line 4: "), "{said}");
    assert!(!out.exists());
    let merged = output(&["merge"], &out);
    assert!(text(&merged.stderr).contains("holds no study"), "{}", text(&merged.stderr));

    let plan = plan(folder.path(), 8, NO_WEIGHTS, "");
    std::fs::create_dir_all(&out).unwrap();
    std::fs::write(out.join("study.json"), "{").unwrap();
    let refused = output(&["run", &plan, "--out"], &out);
    assert!(text(&refused.stderr).contains("study.json cannot be read"), "{}", text(&refused.stderr));
}
