//! A plan that names checkpoints by their repository on the hub: a server of ours answers as the hub does.

#[path = "../../../tests/browser/hub/server.rs"]
#[allow(dead_code)]
mod server;

use std::path::Path;
use std::process::Output;

use self::server::{COMMIT, Hub, Repository};
use super::support::{command, root, tables, text};

const FILE: &str = "stories-tuned-Q8_0.gguf";

fn tuned() -> Vec<u8> {
    std::fs::read(root().join("public/models/stories-tuned.gguf")).unwrap()
}

/// A hub with the bundled tuned model, in a repository that `edit` changes.
fn hub(edit: impl FnOnce(&mut Repository)) -> Hub {
    let hub = Hub::start();
    let mut repository = Repository { files: vec![(FILE.into(), tuned())], ..Repository::default() };
    edit(&mut repository);
    hub.add("lab/stories", repository);
    hub
}

fn checkpoint(name: &str) -> String {
    format!("[[checkpoint]]\nname = \"tuned\"\nhub = \"{name}\"\n")
}

/// The bundled base and what `tuned` says, on two prompts.
fn plan(folder: &Path, tuned: &str) -> String {
    let base = root().join("public/models/stories-base.gguf");
    let prompts = root().join("public/findings/held-out.jsonl");
    let plan = format!(
        "[settings]\nlimit = 3\nweights = false\n[[checkpoint]]\nname = \"base\"\npath = '{}'\ntemplate = \"off\"\n{tuned}\
         [[prompts]]\nname = \"held-out\"\npath = '{}'\nlimit = 2\n",
        base.display(),
        prompts.display()
    );
    let path = folder.join("plan.toml");
    std::fs::write(&path, plan).unwrap();
    path.to_str().unwrap().to_owned()
}

fn run(folder: &Path, hub: &Hub, arguments: &[&str], more: &[(&str, &str)]) -> Output {
    let mut command = command(arguments, &folder.join("results"));
    command.env("HF_ENDPOINT", hub.url()).env("XDG_CACHE_HOME", folder.join("cache")).env_remove("HF_TOKEN");
    command.envs(more.iter().copied()).output().unwrap()
}

fn said(output: &Output) -> String {
    text(&output.stderr) + &text(&output.stdout)
}

#[test]
fn a_checkpoint_of_the_hub_is_fetched_once_and_pinned() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let hub = hub(|_| ());
    let plan_file = plan(folder, &checkpoint("lab/stories"));
    let check = said(&run(folder, &hub, &["run", &plan_file, "--check", "--out"], &[]));
    assert!(check.contains("/lab/stories@0123456/stories-tuned-Q8_0.gguf, Q8_0, 8.4 MB to fetch"), "{check}");
    assert!(hub.asked("/resolve/").is_empty(), "a check fetches nothing");

    let ran = said(&run(folder, &hub, &["run", &plan_file, "--out"], &[]));
    assert!(ran.contains("8.4 MB of 8.4 MB") && ran.ends_with("4 units run, 0 skipped, 0 failed\n"), "{ran}");
    let description = std::fs::read_to_string(folder.join("results/study.json")).unwrap();
    assert!(description.contains(&format!("lab/stories@{COMMIT}/{FILE}")), "{description}");
    let of_hub = tables(&folder.join("results"));

    // the same weights from a file are the same study, with the same units
    let there = folder.join("tuned.gguf");
    std::fs::write(&there, tuned()).unwrap();
    let by_file = plan(folder, &format!("[[checkpoint]]\nname = \"tuned\"\npath = '{}'\n", there.display()));
    let again = said(&run(folder, &hub, &["run", &by_file, "--out"], &[]));
    assert!(again.ends_with("0 units run, 4 skipped, 0 failed\n"), "{again}");

    // what is there and whose commit is known needs no hub any more: neither the study that was begun, nor a plan that says it
    let fetched = hub.asked("/resolve/").len();
    hub.go_down();
    let commit = format!("{}/lab/stories/tree/{COMMIT}", hub.url());
    for name in ["lab/stories", &commit] {
        let plan_file = plan(folder, &checkpoint(name));
        let again = said(&run(folder, &hub, &["run", &plan_file, "--out"], &[]));
        assert!(again.contains("in the cache") && again.ends_with("0 units run, 4 skipped, 0 failed\n"), "{again}");
    }
    assert_eq!(hub.asked("/resolve/").len(), fetched);
    assert_eq!(tables(&folder.join("results")), of_hub);
    let plan_file = plan(folder, &checkpoint("lab/stories"));
    let fresh = run(folder, &hub, &["run", &plan_file, "--replace", "--out"], &[]);
    assert!(said(&fresh).contains("tuned: the hub could not be reached"), "{}", said(&fresh));
    assert_eq!(fresh.status.code(), Some(1));
}

#[test]
fn a_broken_transfer_goes_on_and_wrong_bytes_are_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let plan_file = plan(folder, &checkpoint("lab/stories"));
    let broken = run(folder, &hub(|r| r.breaks = Some(3 << 20)), &["run", &plan_file, "--out"], &[]);
    assert!(said(&broken).contains("Run the plan again: what has come is kept."), "{}", said(&broken));
    assert_eq!(broken.status.code(), Some(1));
    let half = folder.join("cache/shiftlens/hub/lab/stories").join(COMMIT).join("half").join(FILE);
    assert_eq!(std::fs::metadata(&half).unwrap().len(), 3 << 20);
    assert!(!folder.join("results").exists(), "nothing was run");

    // other bytes than the hub lists, after the same beginning
    let mut other = tuned();
    other[5 << 20] ^= 1;
    let wrong = run(folder, &hub(|r| r.forges = Some(other)), &["run", &plan_file, "--out"], &[]);
    assert!(said(&wrong).contains("is not the file that the hub lists"), "{}", said(&wrong));
    assert_eq!(std::fs::metadata(&half).unwrap().len(), 0);

    let broken = run(folder, &hub(|r| r.breaks = Some(3 << 20)), &["run", &plan_file, "--out"], &[]);
    assert!(!broken.status.success());
    let ran = said(&run(folder, &hub(|_| ()), &["run", &plan_file, "--out"], &[]));
    assert!(ran.ends_with("4 units run, 0 skipped, 0 failed\n"), "{ran}");
    assert!(!ran.contains("tuned: 0.") && !ran.contains("tuned: 2."), "it went on from three megabytes: {ran}");
}

/// The hub sends those who ask for a large file on to another host: there a transfer goes on too, and the token is not told.
#[test]
fn files_may_be_on_another_host_which_never_sees_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let plan_file = plan(folder, &checkpoint("lab/stories"));
    let fetch = |breaks: Option<usize>| {
        let hub = Hub::start();
        let elsewhere = Some(hub.url().replace("127.0.0.1", "localhost"));
        let files = vec![(FILE.into(), tuned())];
        hub.add("lab/stories", Repository { files, breaks, elsewhere, token: Some("hf_me"), ..Repository::default() });
        let ran = said(&run(folder, &hub, &["run", &plan_file, "--out"], &[("HF_TOKEN", "hf_me")]));
        assert_eq!(hub.asked("/moved/").len(), 1, "{ran}");
        ran
    };
    assert!(fetch(Some(3 << 20)).contains("what has come is kept"));
    let ran = fetch(None);
    assert!(ran.ends_with("4 units run, 0 skipped, 0 failed\n") && !ran.contains("tuned: 0."), "{ran}");
}

#[test]
fn refusals_of_the_hub_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let plan_file = plan(folder, &checkpoint("lab/stories"));
    let run =
        |hub: &Hub, more: &[(&str, &str)]| said(&run(folder, hub, &["run", &plan_file, "--check", "--out"], more));
    let none = run(&Hub::start(), &[]);
    assert!(none.contains("tuned: the hub has no repository “lab/stories” that you may read."), "{none}");
    let gated = hub(|r| r.gated = true);
    assert!(run(&gated, &[]).contains("gives its files only to people who have agreed"), "{}", run(&gated, &[]));
    assert!(run(&gated, &[("HF_TOKEN", "hf_me")]).contains("8.4 MB to fetch"));
    let private = hub(|r| r.token = Some("hf_me"));
    assert!(run(&private, &[("HF_TOKEN", "hf_you")]).contains("set HF_TOKEN to a token of yours"));
    assert!(run(&private, &[("HF_TOKEN", "hf_me")]).contains("8.4 MB to fetch"));
    let plan_file = plan(folder, &(checkpoint("lab/stories") + "storage = \"Q4_K_M\"\n"));
    let output = self::run(folder, &hub(|_| ()), &["run", &plan_file, "--check", "--out"], &[]);
    assert!(said(&output).contains("it has no file stored as Q4_K_M, but Q8_0"), "{}", said(&output));
}
