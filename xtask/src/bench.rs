//! `cargo xtask bench`: the engine in Chromium beside its peers, as the tables of docs/performance.md.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

use crate::page::{self, Profile};
use crate::shell::{first_line, run, say};
use crate::{real, root, test, tools};

const WLLAMA: &str = "3.8.1";
const MODEL: &str = "../shared/models/SmolLM2-135M-Instruct.Q4_1.gguf";

/// Measures how a visit of the page that ships begins, and prints.
pub fn visits() -> Result<(), String> {
    tools::browser()?;
    let dist = page::build(Profile::Ship)?;
    let output = test::in_browser(dist.clone(), &["bench", "--profile", "dev", "--bench", "browser", "--", "visits"])?;
    let last = output.lines().last().unwrap_or_default();
    let result: Json = serde_json::from_str(last).map_err(|e| format!("{e}: {last}"))?;
    visits_table(&result["visits"], &dist, number);
    Ok(())
}

fn number(v: &Json, digits: usize) -> String {
    v.as_f64().map_or_else(|| "-".into(), |v| format!("{v:.digits$}"))
}

/// Measures and prints; `alone` leaves the peers out.
pub fn run_bench(alone: bool) -> Result<(), String> {
    let model = root().join(MODEL);
    if !model.exists() {
        return Err(format!("the benchmark needs the real checkpoint at {MODEL}, beside the repository"));
    }
    tools::browser()?;
    let dist = page::build(Profile::Fast)?;
    let site = site(&dist, alone)?;
    place(&model, &site, "bench-model.gguf")?;
    for file in real::present()? {
        place(&file, &site, &format!("real/{}", file_name(&file)))?;
    }
    say("Measuring in headless Chromium");
    let what: &[&str] = if alone { &["real"] } else { &["real", "peers"] };
    let output = test::in_browser(site, &[&["bench", "--profile", "dev", "--bench", "browser", "--"], what].concat())?;
    let last = output.lines().last().unwrap_or_default();
    let mut result: Json = serde_json::from_str(last).map_err(|e| format!("{e}: {last}"))?;
    if !alone {
        for threads in [1, 2] {
            result[format!("torch_{threads}")] = torch("torch_reverse.py", threads)?;
            result[format!("torch_weights_{threads}")] = torch("torch_weights.py", threads)?;
        }
    }
    table(&result, &dist);
    if !alone {
        methods_table(&result["methods"]);
    }
    Ok(())
}

/// Measures one thread beside all, and prints.
pub fn threads() -> Result<(), String> {
    tools::browser()?;
    let site = site(&page::build(Profile::Fast)?, true)?;
    place(&root().join(MODEL), &site, "bench-model.gguf")?;
    say("Measuring in headless Chromium");
    let output = test::in_browser(site, &["bench", "--profile", "dev", "--bench", "browser", "--", "threads"])?;
    let last = output.lines().last().unwrap_or_default();
    let result: Json = serde_json::from_str(last).map_err(|e| format!("{e}: {last}"))?;
    println!("\n{result:#}");
    threads_table(&result, number);
    Ok(())
}

/// Measures what each method costs, and prints.
pub fn methods() -> Result<(), String> {
    tools::browser()?;
    let site = site(&page::build(Profile::Fast)?, true)?;
    place(&root().join(MODEL), &site, "bench-model.gguf")?;
    say("Measuring in headless Chromium");
    let output = test::in_browser(site, &["bench", "--profile", "dev", "--bench", "browser", "--", "methods"])?;
    let last = output.lines().last().unwrap_or_default();
    let result: Json = serde_json::from_str(last).map_err(|e| format!("{e}: {last}"))?;
    methods_table(&result["methods"]);
    Ok(())
}

/// Measures the real checkpoints that are there, and prints.
pub fn run_real() -> Result<(), String> {
    tools::browser()?;
    let files = real::present()?;
    if files.is_empty() {
        return Err("there are no real checkpoints: `cargo xtask real` fetches them".into());
    }
    let site = site(&page::build(Profile::Fast)?, true)?;
    for file in &files {
        place(file, &site, &format!("real/{}", file_name(file)))?;
    }
    say("Measuring in headless Chromium");
    let output = test::in_browser(site, &["bench", "--profile", "dev", "--bench", "browser", "--", "real", "only"])?;
    let last = output.lines().last().unwrap_or_default();
    let result: Json = serde_json::from_str(last).map_err(|e| format!("{e}: {last}"))?;
    println!("\n{result:#}");
    real_table(&result["real"], number);
    Ok(())
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Puts a file into the site, without a copy of its bytes where the disk can do that.
fn place(file: &Path, site: &Path, name: &str) -> Result<(), String> {
    let to = site.join(name);
    let folder = to.parent().unwrap_or(site);
    let placed =
        fs::create_dir_all(folder).and_then(|()| fs::hard_link(file, &to).or_else(|_| fs::copy(file, &to).map(drop)));
    placed.map_err(|e| format!("{}: {e}", to.display()))
}

/// The page with the benchmark's page, the real checkpoints' list and wllama beside it.
fn site(dist: &Path, alone: bool) -> Result<PathBuf, String> {
    let site = root().join("target/bench-site");
    let _ = fs::remove_dir_all(&site);
    fs::create_dir_all(&site).map_err(|e| e.to_string())?;
    run(Command::new("cp").arg("-r").arg(dist.join(".")).arg(&site))?;
    run(Command::new("cp").arg(root().join("benches/site.html")).arg(site.join("bench.html")))?;
    let names: Vec<String> = real::present()?.iter().map(|file| file_name(file)).collect();
    fs::write(site.join("real.json"), Json::from(names).to_string()).map_err(|e| e.to_string())?;
    if !alone {
        let npm = tools::cache()?.join("npm");
        let package = npm.join("node_modules/@wllama/wllama");
        if !package.exists() {
            say("Fetching wllama");
            fs::create_dir_all(&npm).map_err(|e| e.to_string())?;
            run(Command::new("npm").args(["install", "--prefix"]).arg(&npm).arg(format!("@wllama/wllama@{WLLAMA}")))?;
        }
        run(Command::new("cp").arg("-r").arg(package.join("esm")).arg(site.join("wllama")))?;
    }
    site.canonicalize().map_err(|e| e.to_string())
}

fn torch(script: &str, threads: usize) -> Result<Json, String> {
    let venv = tools::cache()?.join("torch");
    let python = venv.join("bin/python");
    if first_line(&python, &["-c", "import torch, transformers; print(1)"]).is_none() {
        say("Fetching PyTorch (some minutes)");
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        run(Command::new(&python).args(["-m", "pip", "install", "-q", "torch", "transformers"]))?;
    }
    say(&format!("Measuring PyTorch on {threads} threads"));
    let script = root().join("benches").join(script);
    let output = Command::new(&python).arg(script).arg(threads.to_string()).output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    serde_json::from_str(text.lines().last().unwrap_or_default())
        .map_err(|_| String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned())
}

fn table(r: &Json, dist: &Path) {
    println!("\n{r:#}\n");
    let s = &r["shiftlens"];
    let n = number;
    let mib = |v: &Json| v.as_f64().map_or_else(|| "-".into(), |v| format!("{:.0} MiB", v / 1_048_576.0));
    println!("| | threads | prefill tok/s | decode tok/s | attribution of {} tokens |", s["response"]);
    println!("|---|---|---|---|---|");
    shiftlens_rows("Shiftlens", "1", s, n);
    if let Some(gpu) = r["gpu"].as_str() {
        shiftlens_rows("Shiftlens on the GPU", gpu, &r["shiftlens_gpu"], n);
    }
    for threads in [1, 2] {
        let w = &r[format!("wllama_{threads}")];
        println!("| wllama {WLLAMA} | {threads} | {} | {} | - |", n(&w["prefill"], 1), n(&w["decode"], 1));
    }
    for threads in [1, 2] {
        let t = &r[format!("torch_{threads}")];
        println!("| PyTorch, native, reverse | {threads} | | | {} s |", n(&t["seconds"], 1));
    }
    threads_table(r, n);
    real_table(&r["real"], n);
    weights_table(r, n);
    visits_table(&r["visits"], dist, n);
    println!(
        "Engine: {} bytes (gzip). Memory of the wasm engine: {} after loading a file of {}, {} while attributing.",
        page::gzip_size(&dist.join("engine_bg.wasm")).unwrap_or(0),
        mib(&s["memory_loaded"]),
        mib(&s["file"]),
        mib(&s["memory_attributing"]),
    );
}

/// How a visit begins. Bytes are those of the files that the server sent, each as often as it was sent.
fn visits_table(visits: &Json, dist: &Path, n: impl Fn(&Json, usize) -> String) {
    let megabytes = |files: &Json| {
        let sent = files.as_array().into_iter().flatten().filter_map(Json::as_str);
        let packed: usize = sent.filter_map(|f| page::gzip_size(&dist.join(f))).sum();
        packed as f64 / 1e6
    };
    println!(
        "\n| start of the page | first paint | largest paint | first picture | both models | layout shift | blocked | sent until the picture | sent in all |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for (name, visit) in [("first visit", &visits["first"]), ("later visit", &visits["later"])] {
        println!(
            "| {name} | {} ms | {} ms | {} ms | {} ms | {} | {} ms | {:.2} MB gzip | {:.2} MB gzip |",
            n(&visit["paint"], 0),
            n(&visit["largest"], 0),
            n(&visit["picture"], 0),
            n(&visit["models"], 0),
            n(&visit["shift"], 3),
            n(&visit["blocked"], 0),
            megabytes(&visit["before_picture"]),
            megabytes(&visit["files"]),
        );
    }
    println!(
        "\n48 tokens of both bundled models side by side, by word, on {} cores that they share: {} ms",
        std::thread::available_parallelism().map_or(1, usize::from),
        n(&visits["later"]["run"], 0)
    );
}

/// Each method's seconds, beside generating alone and beside gradient x input.
fn methods_table(r: &Json) {
    println!("\n| method, {} words, 48 tokens | seconds | x gradient x input | x generating alone |", r["words"]);
    println!("|---|---|---|---|");
    let seconds = |name: &str| r["best"][name].as_f64().unwrap_or(f64::NAN);
    let (plain, alone) = (seconds("gradient x input"), seconds("generating alone"));
    for name in r["best"].as_object().into_iter().flatten().map(|(name, _)| name) {
        let own = seconds(name);
        println!("| {name} | {own:.1} | {:.2} | {:.2} |", own / plain, own / alone);
    }
}

/// One thread beside all, the best of interleaved runs.
fn threads_table(result: &Json, n: impl Fn(&Json, usize) -> String) {
    products_table(&result["products"], &n);
    let r = &result["threads"];
    println!(
        "\n| threads, that worked | memory | prefill tok/s | decode tok/s | generating alone | live by word | live by token | in reverse by token | stopped within |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let per_second = |v: &Json| Json::from(v.as_f64().map(|seconds| 1.0 / seconds));
    for s in [&r["one"], &r["all"]] {
        let part = |key: &str| s[key].as_f64().unwrap_or_default() / s["file"].as_f64().unwrap_or(f64::INFINITY);
        println!(
            "| {}, {} | {:.2} x the file ({:.2} attributing) | {} | {} | {} s | {} s | {} s | {} s | {} ms |",
            s["threads"],
            s["used"],
            part("memory"),
            part("attributing"),
            n(&per_second(&s["prefill"]), 1),
            n(&per_second(&s["decode"]), 1),
            n(&s["generate"], 1),
            n(&s["live"], 1),
            n(&s["tokens"], 1),
            n(&s["reverse"], 1),
            n(&s["stop"], 0),
        );
    }
    println!("\nBoth models at once, live by word: {} s", n(&r["both"], 1));
    println!("\n| threads | share of ideal scaling of a layer's products by the plan: 1 row | 8 rows | 340 rows |");
    println!("|---|---|---|---|");
    for plan in result["plan"].as_array().into_iter().flatten() {
        println!("| {} | {} | {} | {} |", plan[0], n(&plan[1], 2), n(&plan[2], 2), n(&plan[3], 2));
    }
}

/// How fast products are by storage type.
fn products_table(products: &Json, n: impl Fn(&Json, usize) -> String) {
    println!("\n| products on one thread, GMAC/s | one row | 64 rows | transposed, 64 rows |");
    println!("|---|---|---|---|");
    for (name, p) in products.as_object().into_iter().flatten() {
        println!("| {name} | {} | {} | {} |", n(&p[0], 1), n(&p[1], 1), n(&p[2], 1));
    }
}

/// The real checkpoints, one a row.
fn real_table(real: &Json, n: impl Fn(&Json, usize) -> String) {
    println!("\n| on one thread | file | memory | prefill tok/s | decode tok/s | live by word | in reverse by token |");
    println!("|---|---|---|---|---|---|---|");
    for (name, s) in real.as_object().into_iter().flatten() {
        let part = |key: &str| s[key].as_f64().unwrap_or_default() / s["file"].as_f64().unwrap_or(f64::INFINITY);
        println!(
            "| {name}, {} + {} tokens | {} MB | {:.2} x the file ({:.2} attributing) | {} | {} | {} s | {} s |",
            s["prompt"],
            s["response"],
            n(&Json::from(s["file"].as_f64().unwrap_or_default() / 1e6), 0),
            part("memory_loaded"),
            part("memory_attributing"),
            n(&s["prefill"], 1),
            n(&s["decode"], 1),
            n(&s["live"], 1),
            n(&s["reverse"], 1),
        );
    }
}

/// What one backend does.
fn shiftlens_rows(name: &str, on: &str, s: &Json, n: impl Fn(&Json, usize) -> String) {
    println!("| {name}, generating alone | {on} | {} | {} | - |", n(&s["prefill"], 1), n(&s["decode"], 1));
    let ratio = s["live"].as_f64().zip(s["generate"].as_f64()).map_or(0.0, |(l, g)| l / g);
    println!(
        "| {name}, live by word ({} words) | {on} | | | {} s ({ratio:.2} x generating alone) |",
        s["units"],
        n(&s["live"], 1)
    );
    println!("| {name}, by token in reverse | {on} | | | {} s |", n(&s["reverse"], 1));
}

/// What reading the weights takes, beside the paper's own way in PyTorch.
fn weights_table(r: &Json, n: impl Fn(&Json, usize) -> String) {
    let w = &r["weights"];
    println!(
        "\n| reading weights, seconds | threads | words compared, once | a layer's heads | a feed-forward layer | all layers of a model |"
    );
    println!("|---|---|---|---|---|---|");
    println!(
        "| Shiftlens, relation (paper's reading) | 1 | {} | {} ({}) | {} | {} |",
        n(&w["related"], 1),
        n(&w["heads"], 2),
        n(&w["paper"], 2),
        n(&w["concepts"], 2),
        n(&w["all"], 0)
    );
    println!("| Shiftlens, a layer kept from an earlier visit | 1 | - | {} | - | - |", n(&w["kept"], 2));
    for threads in [1, 2] {
        let t = &r[format!("torch_weights_{threads}")];
        println!(
            "| PyTorch, native, the paper's way | {threads} | {} | {} | {} | - |",
            n(&t["related"], 1),
            n(&t["heads"], 2),
            n(&t["concepts"], 2)
        );
    }
}
