//! Answers in the hub's shapes, written by us.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn sum(digit: char) -> String {
    digit.to_string().repeat(64)
}

fn named(text: &str) -> Repository {
    Repository::named(text).unwrap()
}

fn large(path: &str, bytes: u64, digit: char) -> Value {
    json!({"rfilename": path, "size": bytes, "blobId": "f00", "lfs": {"sha256": sum(digit), "size": bytes, "pointerSize": 134}})
}

fn small(path: &str, bytes: u64) -> Value {
    json!({"rfilename": path, "size": bytes, "blobId": "f00"})
}

/// A publisher's own repository.
fn published(id: &str, base: Option<&str>) -> Value {
    let mut tags = vec!["transformers".to_owned(), "safetensors".into(), "qwen3".into(), "license:apache-2.0".into()];
    let mut card = json!({"library_name": "transformers", "license": "apache-2.0", "pipeline_tag": "text-generation"});
    if let Some(base) = base {
        tags.extend([format!("base_model:{base}"), format!("base_model:finetune:{base}")]);
        card["base_model"] = json!([base]);
    }
    json!({
        "_id": "1", "id": id, "modelId": id, "private": false, "gated": false, "disabled": false, "sha": COMMIT,
        "tags": tags, "cardData": card,
        "config": {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3"},
        "siblings": [small(".gitattributes", 1519), small("LICENSE", 11_343), small("README.md", 13_965),
            small("config.json", 726), small("generation_config.json", 239), small("merges.txt", 1_671_853),
            large("model.safetensors", 1_503_300_328, 'a'), large("tokenizer.json", 11_422_654, 'b'),
            small("tokenizer_config.json", 9732), small("vocab.json", 2_776_833)],
        "safetensors": {"parameters": {"BF16": 751_632_384u64}, "total": 751_632_384u64},
        "usedStorage": 1_503_300_328u64,
    })
}

/// Somebody's quantizations of it.
fn quantized(id: &str, of: &str) -> Value {
    json!({
        "id": id, "gated": false, "sha": COMMIT,
        "tags": ["gguf", format!("base_model:{of}"), format!("base_model:quantized:{of}"), "license:apache-2.0"],
        "cardData": {"license": "apache-2.0", "base_model": of},
        "siblings": [small("README.md", 9), large("Qwen3-0.6B-BF16.gguf", 1_198_182_816, '1'),
            large("Qwen3-0.6B-Q8_0.gguf", 639_446_688, '2'), large("Qwen3-0.6B-Q4_K_M.gguf", 396_705_472, '3'),
            large("Qwen3-0.6B-IQ4_XS.gguf", 365_000_000, '4'), large("Qwen3-0.6B-Q2_K.gguf", 296_000_000, '5'),
            large("BF16/Qwen3-0.6B-F32-00001-of-00002.gguf", 1_200_000_000, '6'), large("mmproj-F16.gguf", 1_000, '7')],
        "gguf": {"total": 596_049_920u64, "architecture": "qwen3", "context_length": 40_960, "bos_token": "<|endoftext|>"},
    })
}

fn read(json: &Value) -> Result<Listing, HubError> {
    Listing::read(&json.to_string())
}

#[test]
fn a_repository_is_told_from_a_file() {
    let repository = |name: &str, revision: Option<&str>| {
        Ok(Address::Repository { repository: named(name), revision: revision.map(str::to_owned) })
    };
    let files = |urls: &[&str]| Ok(Address::Files(urls.iter().map(|u| (*u).to_owned()).collect()));
    let cases = [
        ("Qwen/Qwen3-0.6B", repository("Qwen/Qwen3-0.6B", None)),
        ("  Qwen/Qwen3-0.6B/ ", repository("Qwen/Qwen3-0.6B", None)),
        ("https://huggingface.co/Qwen/Qwen3-0.6B", repository("Qwen/Qwen3-0.6B", None)),
        ("huggingface.co/Qwen/Qwen3-0.6B?library=vllm", repository("Qwen/Qwen3-0.6B", None)),
        ("https://hf.co/Qwen/Qwen3-0.6B/", repository("Qwen/Qwen3-0.6B", None)),
        ("https://huggingface.co/Qwen/Qwen3-0.6B/tree/main", repository("Qwen/Qwen3-0.6B", Some("main"))),
        ("https://huggingface.co/a/b/tree/refs%2Fpr%2F7", repository("a/b", Some("refs/pr/7"))),
        ("https://huggingface.co/a/b/discussions/3", repository("a/b", None)),
        ("http://127.0.0.1:9/a/b", repository("a/b", None)),
        (
            "https://huggingface.co/a/b/resolve/main/x.gguf?download=true",
            files(&["http://127.0.0.1:9/a/b/resolve/main/x.gguf"]),
        ),
        (
            "https://huggingface.co/a/b/blob/main/sub/x.gguf#sha256=00",
            files(&["http://127.0.0.1:9/a/b/resolve/main/sub/x.gguf#sha256=00"]),
        ),
        ("https://example.org/a/b", files(&["https://example.org/a/b"])),
        ("models/x.gguf", files(&["models/x.gguf"])),
        (
            "https://e.org/m.safetensors https://e.org/config.json",
            files(&["https://e.org/m.safetensors", "https://e.org/config.json"]),
        ),
        ("", Err(HubError::NoName)),
        ("gpt2", Err(HubError::NotARepository("gpt2".into()))),
        ("a/b/c", Err(HubError::NotARepository("a/b/c".into()))),
        ("../etc", Err(HubError::NotARepository("../etc".into()))),
        ("https://huggingface.co/datasets/a/b", Err(HubError::NotAModel("datasets/a/b".into()))),
        ("https://huggingface.co/Qwen", Err(HubError::NotARepository("https://huggingface.co/Qwen".into()))),
    ];
    for (text, expected) in cases {
        assert_eq!(Address::read(text, "http://127.0.0.1:9"), expected, "{text}");
    }
}

#[test]
fn addresses_are_built_so_that_nothing_leaves_its_place() {
    let r = named("Qwen/Qwen3-0.6B");
    assert_eq!(r.listing(HUB, None), "https://huggingface.co/api/models/Qwen/Qwen3-0.6B?blobs=true");
    assert_eq!(
        r.listing(HUB, Some("refs/pr/1")),
        "https://huggingface.co/api/models/Qwen/Qwen3-0.6B/revision/refs%2Fpr%2F1?blobs=true"
    );
    let url = r.file(HUB, COMMIT, "sub/a b#?.gguf");
    assert_eq!(url, format!("https://huggingface.co/Qwen/Qwen3-0.6B/resolve/{COMMIT}/sub/a%20b%23%3F.gguf"));
    let pinned = Pinned::of_url(&format!("{url}#sha256=00")).unwrap();
    assert_eq!(pinned.to_string(), format!("Qwen/Qwen3-0.6B@{COMMIT}/sub/a b#?.gguf"));
    assert_eq!(Pinned::read(&pinned.to_string()), Some(pinned.clone()));
    assert_eq!((pinned.url(), pinned.brief()), (Some(url), "Qwen/Qwen3-0.6B@0123456/sub/a b#?.gguf".into()));
    // nobody else's file passes for the hub's
    let other = Pinned::of_url(&format!("http://127.0.0.1:9/a/b/resolve/{COMMIT}/x.gguf")).unwrap();
    assert_eq!(other.to_string(), format!("127.0.0.1:9/a/b@{COMMIT}/x.gguf"));
    assert_eq!((Pinned::read(&other.to_string()), other.url()), (Some(other), None));
    // a branch can move: what it holds today is not said of what it will hold
    for branch in ["main", "0123abc"] {
        assert_eq!(Pinned::of_url(&format!("https://huggingface.co/a/b/resolve/{branch}/x.gguf")), None);
    }
    assert_eq!(Pinned::read("model.gguf"), None);
}

#[test]
fn an_answer_is_read() {
    let listing = read(&quantized("unsloth/Qwen3-0.6B-GGUF", "Qwen/Qwen3-0.6B")).unwrap();
    assert_eq!((listing.revision.as_str(), listing.gated), (COMMIT, false));
    assert_eq!(listing.made_from, [(named("Qwen/Qwen3-0.6B"), Relation::Quantized)]);
    assert_eq!(listing.model(), &named("Qwen/Qwen3-0.6B"));
    assert_eq!((listing.context, listing.licence.as_deref()), (Some(40_960), Some("apache-2.0")));
    let file = listing.file("Qwen3-0.6B-Q8_0.gguf").unwrap();
    assert_eq!((file.bytes, file.sha256.clone()), (Some(639_446_688), Some(sum('2'))));
    let listing = read(&published("Qwen/Qwen3-0.6B", Some("Qwen/Qwen3-0.6B-Base"))).unwrap();
    assert_eq!(listing.made_from, [(named("Qwen/Qwen3-0.6B-Base"), Relation::Tuned)]);
    assert_eq!(listing.file("config.json").unwrap().sha256, None);
    for gated in [json!("manual"), json!("auto"), json!(true)] {
        let mut answer = published("google/gemma-3-270m", None);
        answer["gated"] = gated;
        assert!(read(&answer).unwrap().gated);
    }
    // a merge or an adapter is not tuned from one base
    let mut merged = published("a/b", None);
    merged["cardData"]["base_model"] = json!(["x/y", "x/z"]);
    merged["cardData"]["base_model_relation"] = json!("merge");
    let relations: Vec<Relation> = read(&merged).unwrap().made_from.into_iter().map(|(_, how)| how).collect();
    assert_eq!(relations, [Relation::Other; 2]);
}

#[test]
fn an_answer_that_cannot_be_true_is_refused() {
    let good = published("Qwen/Qwen3-0.6B", None);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut answer = good.clone();
        change(&mut answer);
        match read(&answer) {
            Err(HubError::Answer(why)) => why,
            other => panic!("{other:?}"),
        }
    };
    assert!(changed(&|a| a["id"] = json!("no name")).contains("names no repository"));
    for short in ["main", "0123abc"] {
        assert!(changed(&|a| a["sha"] = json!(short)).contains("names no commit"), "{short}");
    }
    assert!(changed(&|a| a["siblings"] = json!(null)).contains("lists no files"));
    for path in ["../x.gguf", "/x.gguf", "a//b", "a\\b", "a\nb", "", &"x".repeat(2000)] {
        assert!(changed(&|a| a["siblings"][0]["rfilename"] = json!(path)).contains("no file can have"), "{path}");
    }
    assert!(changed(&|a| a["siblings"][6]["lfs"]["sha256"] = json!("00")).contains("checksum"));
    assert!(changed(&|a| a["siblings"][6]["lfs"]["size"] = json!(-1)).contains("length"));
    assert!(changed(&|a| a["siblings"][3]["size"] = json!("1 GB")).contains("length"));
    assert!(changed(&|a| a["siblings"][0]["rfilename"] = json!("README.md")).contains("twice"));
    assert!(changed(&|a| a["siblings"] = vec![small("x", 1); 20_001].into()).contains("20001 files"));
    assert!(matches!(Listing::read("<html>"), Err(HubError::Answer(_))));
    assert!(matches!(Listing::read(&"x".repeat(MOST_BYTES + 1)), Err(HubError::Answer(_))));
    assert!(matches!(Listing::read(&"[".repeat(100_000)), Err(HubError::Answer(_))));
}

#[test]
fn what_a_status_means() {
    let of = |status, code: &str| HubError::of_status(status, code, Some(55), ("a/b", Some("v1")));
    assert_eq!(of(401, "GatedRepo"), HubError::Gated("a/b".into()));
    assert_eq!(of(403, ""), HubError::Gated("a/b".into()));
    assert_eq!(of(401, ""), HubError::NotThere("a/b".into()));
    assert_eq!(of(404, "RepoNotFound"), HubError::NotThere("a/b".into()));
    let revision = HubError::NoRevision { repository: "a/b".into(), revision: "v1".into() };
    assert_eq!(of(404, "RevisionNotFound"), revision);
    assert_eq!(of(429, ""), HubError::Busy { wait: Some(55) });
    assert!(of(429, "").to_string().contains("a pause of 55 seconds"));
    assert_eq!(of(503, ""), HubError::Down(503));
    assert_eq!(of(418, ""), HubError::Status { status: 418, asked: "a/b".into() });
}

#[test]
fn the_nearest_to_the_published_weights_that_fits_is_proposed() {
    let listing = read(&quantized("unsloth/Qwen3-0.6B-GGUF", "Qwen/Qwen3-0.6B")).unwrap();
    let candidates = Candidates::of(&listing).unwrap();
    let stored: Vec<&str> = candidates.open.iter().map(|c| c.storage.as_str()).collect();
    assert_eq!(stored, ["Q8_0", "Q4_K_M", "BF16", "Q2_K"]);
    let best = |most: u64, prefer| stored[candidates.best(most, prefer)];
    assert_eq!(best(u64::MAX, None), "Q8_0");
    assert_eq!(best(u64::MAX, Some("q4_k_m")), "Q4_K_M");
    assert_eq!(best(u64::MAX, Some("Q5_K_M")), "Q8_0", "what is preferred is not there");
    assert_eq!(best(500_000_000, Some("Q8_0")), "Q4_K_M", "nor does it fit");
    assert_eq!(best(1, None), "Q2_K", "nothing fits: the shortest");
    let why: Vec<&str> = candidates.refused.iter().map(|r| r.why.as_str()).collect();
    assert!(why[0].contains("IQ4_XS") && why[1].contains("one of 2 parts") && why[2].contains("for images"), "{why:?}");
    assert_eq!(
        candidates.open[0].urls(&listing, HUB),
        [format!(
            "https://huggingface.co/unsloth/Qwen3-0.6B-GGUF/resolve/{COMMIT}/Qwen3-0.6B-Q8_0.gguf#sha256={}",
            sum('2')
        )]
    );
}

#[test]
fn safetensors_come_with_what_they_need() {
    let answer = published("Qwen/Qwen3-0.6B", None);
    let of = |answer: &Value| Candidates::of(&read(answer).unwrap());
    let found = of(&answer).unwrap().open.remove(0);
    let paths: Vec<&str> = found.files.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(paths, ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"]);
    assert_eq!((found.storage.as_str(), found.bytes), ("BF16", 1_503_300_328 + 726 + 11_422_654 + 9732));
    assert!(found.is_checked() && found.safetensors);
    let urls = found.urls(&read(&answer).unwrap(), HUB);
    assert!(urls[0].ends_with(&format!("#sha256={}", sum('a'))) && urls[1].ends_with("/config.json"));
    let why = |change: &dyn Fn(&mut Value)| {
        let mut answer = answer.clone();
        change(&mut answer);
        match of(&answer) {
            Err(HubError::Nothing { why, .. }) => why,
            other => panic!("{other:?}"),
        }
    };
    assert!(why(&|a| a["siblings"][7]["rfilename"] = json!("tokenizer.model")).contains("needs tokenizer.json"));
    assert!(why(&|a| a["config"]["quantization_config"] = json!({"quant_method": "awq"})).contains("awq"));
    assert!(why(&|a| a["safetensors"]["parameters"] = json!({"F8_E4M3": 5, "BF16": 1})).contains("F8_E4M3"));
    assert!(why(&|a| a["siblings"][6]["rfilename"] = json!("adapter_model.safetensors")).contains("an adapter"));
    assert!(why(&|a| a["config"]["model_type"] = json!("mamba")).contains("architecture is “mamba”"));
    assert!(why(&|a| a["siblings"] = json!([small("README.md", 1)])).contains("neither a .gguf"));
    assert!(why(&|a| a["siblings"][6] = json!({"rfilename": "model.safetensors"})).contains("length"));
    // shards, with the index that names them
    let mut shards = answer.clone();
    shards["siblings"][6] = large("model-00001-of-00002.safetensors", 10, 'c');
    let files = shards["siblings"].as_array_mut().unwrap();
    files.extend([large("model-00002-of-00002.safetensors", 5, 'd'), small("model.safetensors.index.json", 2)]);
    let found = of(&shards).unwrap().open.remove(0);
    let paths: Vec<&str> = found.files.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(paths[..2], ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]);
    assert!(paths.contains(&"model.safetensors.index.json"));
}

#[test]
fn storage_is_told_by_the_files_name() {
    let of = |name: &str| storage::of_file(name).map_or("", |s| s.name);
    for (file, name) in [
        ("SmolLM2-135M.Q4_1.gguf", "Q4_1"),
        ("qwen2.5-0.5b-instruct-q4_k_m.gguf", "Q4_K_M"),
        ("gemma-3-270m-UD-Q4_K_XL.gguf", "Q4_K_XL"),
        ("x-IQ4_NL.gguf", "IQ4_NL"),
        ("x-Q4_0_4_8.gguf", "Q4_0_4_8"),
        ("model-fp16.gguf", "F16"),
        ("model_bf16.gguf", "BF16"),
        ("Q8_0/model.gguf", ""),
    ] {
        assert_eq!(of(file), name, "{file}");
    }
}

fn steps(of: &Counterpart) -> Vec<String> {
    of.steps.iter().map(|s| s.url("hub")).collect()
}

#[test]
fn the_other_half_is_guessed_from_the_card_and_from_names() {
    let listing = read(&published("Qwen/Qwen3-0.6B", Some("Qwen/Qwen3-0.6B-Base"))).unwrap();
    let guess = counterpart(&listing, Half::Base).unwrap();
    assert_eq!((guess.name.as_deref(), guess.named_by_card), (Some("Qwen/Qwen3-0.6B-Base"), true));
    assert_eq!(steps(&guess)[0], "hub/api/models/Qwen/Qwen3-0.6B-Base?blobs=true");
    // names alone
    let first = |id: &str, wanted| {
        let guess = counterpart(&read(&published(id, None)).unwrap(), wanted)?;
        assert!(!guess.named_by_card);
        guess.name
    };
    let cases = [
        ("HuggingFaceTB/SmolLM2-135M-Instruct", Half::Base, Some("HuggingFaceTB/SmolLM2-135M")),
        ("google/gemma-3-270m-it", Half::Base, Some("google/gemma-3-270m")),
        ("ibm-granite/granite-4.0-350m", Half::Base, Some("ibm-granite/granite-4.0-350m-base")),
        ("Qwen/Qwen3-0.6B-Base", Half::Tuned, Some("Qwen/Qwen3-0.6B")),
        ("meta-llama/Llama-3.2-1B", Half::Tuned, Some("meta-llama/Llama-3.2-1B-Instruct")),
        ("Qwen/Qwen3-0.6B-Base", Half::Base, None),
        ("a/b-Instruct", Half::Tuned, None),
    ];
    for (id, wanted, name) in cases {
        assert_eq!(first(id, wanted).as_deref(), name, "{id}");
    }
}

/// Somebody's GGUF of a tuned model: the model's card names the base, of which files are looked for.
#[test]
fn the_other_half_of_a_quantization_is_found_through_its_model() {
    let own = read(&quantized("unsloth/Qwen3-0.6B-GGUF", "Qwen/Qwen3-0.6B")).unwrap();
    let guess = counterpart(&own, Half::Base).unwrap();
    let [Step::Card { model, like, wanted }, rest @ ..] = &guess.steps[..] else { panic!("{guess:?}") };
    assert_eq!((model, like), (&named("Qwen/Qwen3-0.6B"), &own.repository));
    // where that model's card is not shown to strangers, names are all there is
    assert_eq!(rest[0].url("hub"), "hub/api/models/unsloth/Qwen3-0.6B-Base-GGUF?blobs=true");
    let card = read(&published("Qwen/Qwen3-0.6B", Some("Qwen/Qwen3-0.6B-Base"))).unwrap();
    let urls: Vec<String> = plan(&card, like, *wanted).unwrap().iter().map(|s| s.url("hub")).collect();
    assert_eq!(urls[0], "hub/api/models/unsloth/Qwen3-0.6B-Base-GGUF?blobs=true");
    assert!(urls.iter().any(|u| u.contains("filter=base_model%3Aquantized%3AQwen%2FQwen3-0.6B-Base&filter=gguf")));
    assert_eq!(urls.last().unwrap(), "hub/api/models/Qwen/Qwen3-0.6B-Base?blobs=true");
    let lonely = read(&published("a/b-Base", None)).unwrap();
    assert!(matches!(plan(&lonely, like, Half::Base), Err(HubError::NoGuess(_))));
}

#[test]
fn repositories_that_were_found_are_read() {
    let body = json!([{"id": "a/b-GGUF", "gated": false}, {"id": "a/c", "gated": "auto"}, {"id": "nonsense"}]);
    assert_eq!(found(&body.to_string()).unwrap(), [named("a/b-GGUF")]);
    assert!(found("{}").is_err());
}

proptest! {
    /// Whatever comes is read or refused.
    #[test]
    fn nothing_that_is_written_or_answered_is_too_much(text in ".{0,200}", path in "[a-z/%.#?@]{0,60}") {
        for text in [text.clone(), format!("https://huggingface.co/{path}"), path.clone()] {
            let _ = Address::read(&text, HUB);
            let _ = (Pinned::of_url(&text), Pinned::read(&text), storage::of_file(&text));
            let _ = Listing::read(&text);
        }
        let mut answer = quantized("a/b", "c/d");
        answer["siblings"][1]["rfilename"] = json!(text);
        answer["cardData"]["base_model"] = json!(path);
        if let Ok(listing) = read(&answer) {
            let _ = Candidates::of(&listing);
            for wanted in [Half::Base, Half::Tuned] {
                let _ = counterpart(&listing, wanted);
                let _ = plan(&listing, &listing.repository.clone(), wanted);
            }
        }
    }
}
