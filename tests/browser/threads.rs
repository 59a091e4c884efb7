//! The engine's threads: the same numbers on one as on several, helpers that die, pages that cannot share memory.

use serde_json::{Value as Json, json};

use super::page::{Page, address};
use super::site::Site;

/// Runs the bundled tuned model in an engine of its own, told of so many threads: an explanation word by word while it
/// generates, and one in reverse by token. Gives what was computed, and the threads that had a part in it.
const RUN: &str = "const [threads, done] = arguments;
    const worker = new Worker('./engine-start.js', { type: 'module' });
    const next = (type) => new Promise((resolve, reject) => {
        worker.onerror = (e) => reject(new Error(e.message));
        worker.addEventListener('message', function listen({ data }) {
            const [said, event] = Object.entries(JSON.parse(data.event ?? data))[0];
            if (said === 'failed' || said === 'crashed') return reject(new Error(data));
            if (said !== type) return;
            worker.removeEventListener('message', listen);
            resolve({ ...event, numbers: data.rows && [...new Float32Array(data.rows)] });
        });
    });
    const ask = (request, answer) => {
        worker.postMessage({ request: JSON.stringify({ job: 1, ...request }), files: [] });
        return next(answer);
    };
    const sampling = { temperature: 0, top_k: 0, top_p: 1, repeat_penalty: 1, seed: 1 };
    const run = (mode, by) => ask({ type: 'run', run: {
        prompt: { kind: 'text', text: 'Write a story about a cat and a mouse.', template: { use: 'own' } },
        response: { kind: 'own', limit: 12, sampling }, by, target: 'prob', mode, instruction: null,
    } }, 'finished');
    (async () => {
        await next('ready');
        worker.postMessage({ threads });
        worker.postMessage({ request: JSON.stringify({ type: 'backend', choice: 'cpu' }), files: [] });
        const loaded = await ask({ type: 'load', source: { from: 'bundled', url: './models/MODEL' } }, 'loaded');
        const events = [await run('forward', 'word'), await run('reverse', 'token')];
        // helpers start beside the first run
        for (let more = 0; more < 20 && events.at(-1).threads < threads && window.patient; more++) {
            events.push(await run('reverse', 'token'));
        }
        worker.terminate();
        const results = events.slice(0, 2).map(({ report, numbers }) => [numbers, report.response]);
        return { results, threads: Math.max(...events.map((e) => e.threads)), memory: loaded.memory };
    })().then(done, (e) => done({ error: String(e) }));";

async fn run(page: &Page, threads: usize, patient: bool) -> Json {
    page.js(&format!("window.patient = {patient}")).await;
    let script = RUN.replace("MODEL", "stories-tuned.gguf");
    let script = script
        .replace("const [threads, done] = arguments;", &format!("const threads = {threads}, done = arguments[0];"));
    let outcome = page.await_js(&script).await;
    assert_eq!(outcome["error"], Json::Null, "{outcome}");
    outcome
}

/// The least and the greatest numbers are the same ones, down to the last bit.
#[tokio::test]
async fn several_threads_compute_what_one_computes() {
    let page = Page::open("threads").await;
    assert_eq!(page.js("return crossOriginIsolated").await, json!(true));
    let alone = run(&page, 1, true).await;
    let together = run(&page, 3, true).await;
    assert_eq!(alone["threads"], 1);
    assert_eq!(together["threads"], 3, "helpers had no part in it");
    assert!(alone["results"][0][0][0].is_number() && alone["results"][1][0][0].is_number());
    assert_eq!(alone["results"], together["results"]);
    page.close().await;
}

/// Helpers that are ended at work. What they have taken the engine does itself.
#[tokio::test]
async fn helpers_that_die_are_not_waited_for() {
    let site = Site::start();
    site.isolate();
    // the helper runs in a worker within, and looks at what it has done from outside
    let start = "import { instance } from './threads.js';
        self.onmessage = async ({ data }) => {
            const { module, memory, id, stack, inner } = data;
            const exports = await instance(module, memory);
            exports.__stack_pointer.value = inner ? stack : stack - (1 << 17);
            if (inner) return exports.help(id);
            const worker = new Worker(self.location.href, { type: 'module' });
            worker.postMessage({ ...data, inner: true });
            const look = () => {
                if (exports.parts(id) < 50) return setTimeout(look, 1);
                worker.terminate();
                new BroadcastChannel('died').postMessage(id);
            };
            look();
        };";
    site.change("thread-start.js", start);
    let page = Page::open_at("dying-threads", &site.url("")).await;
    page.js("window.died = []; new BroadcastChannel('died').onmessage = ({ data }) => window.died.push(data)").await;
    let alone = run(&page, 1, true).await;
    let together = run(&page, 3, true).await;
    page.wait_js("return window.died.includes(0) && window.died.includes(1)").await;
    assert_eq!(alone["results"], together["results"]);
    page.close().await;
}

/// A host that sends no headers: on a first visit nothing is shared and everything works; from the next on the service worker
/// isolates the page, and threads have their part.
#[tokio::test]
async fn a_plain_hosts_pages_have_threads_from_the_second_visit_on() {
    let site = Site::start();
    let page = Page::open_at("no-isolation", &site.url("")).await;
    assert_eq!(page.js("return crossOriginIsolated").await, json!(false));
    let alone = run(&page, 3, false).await;
    assert_eq!(alone["threads"], 1);
    page.wait_js("return navigator.serviceWorker.controller?.state=='activated'").await;
    page.reload().await;
    assert_eq!(page.js("return crossOriginIsolated").await, json!(true));
    let together = run(&page, 3, true).await;
    assert_eq!(together["threads"], 3, "helpers had no part in it");
    assert_eq!(alone["results"], together["results"]);
    page.close().await;
}

/// The page itself tells its engines of the machine's cores.
#[tokio::test]
async fn the_pages_engines_start_their_helpers() {
    let page = Page::open("page-threads").await;
    page.models_ready().await;
    let script = "const done = arguments[0]; fetch('./.sent').then(r => r.json()).then(sent => \
        done(sent.filter(s => ['kernels.wasm', 'thread-start.js'].includes(s.file)).map(s => s.file)))";
    let sent = page.await_js(script).await;
    let several = page.js("return navigator.hardwareConcurrency > 1").await == json!(true);
    assert_eq!(several, sent.as_array().unwrap().len() >= 2, "{sent} from {}", address());
    page.close().await;
}

/// A module that traps: what its memory holds can no longer be trusted, so the engine is started again.
#[tokio::test]
async fn an_engine_whose_threads_fail_is_started_again() {
    let site = Site::start();
    site.isolate();
    // the first engine to open its threads fails in the middle of its first run
    let dist = std::env::var("SHIFTLENS_DIST").unwrap();
    let threads = std::fs::read_to_string(std::path::Path::new(&dist).join("threads.js")).unwrap();
    let exports = "const exports = await instance(module, memory);";
    assert!(threads.contains(exports));
    let failing = "const real = await instance(module, memory);
        const first = !(await caches.has('armed'));
        await caches.open('armed');
        let calls = 0;
        const exports = { ...real, multiply: (...numbers) => {
            if (first && ++calls === 100) throw new WebAssembly.RuntimeError('memory access out of bounds');
            return real.multiply(...numbers);
        } };";
    site.change("threads.js", threads.replace(exports, failing));
    let page = Page::open_at("failing-threads", &site.url("")).await;
    page.models_ready().await;
    page.fill("#prompt", "List four fruits.").await;
    page.click("#run").await;
    page.wait_js("return [...document.querySelectorAll('.card .error')].some(e => e.textContent.includes('stopped unexpectedly'))")
        .await;
    page.models_ready().await;
    assert_eq!(page.js("return document.querySelector('#prompt').value").await, json!("List four fruits."));
    page.run().await;
    page.close().await;
}
