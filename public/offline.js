// The service worker: page, engine and bundled pair from this browser, with or without a network. A build fills in the files
// with their SHA-256, and their version; a newer one waits until the user takes it.
const VERSION = "shiftlens-__VERSION__";
const FILES = __FILES__;

const sha256 = async (response) => {
  const hash = await crypto.subtle.digest("SHA-256", await response.arrayBuffer());
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
};

/** The answer if it is `file` as the build knows it. */
const asBuilt = async (file, response) =>
  response?.ok && (await sha256(response.clone())) === FILES[file] ? response : null;

/** A file for keeping. What an earlier version has kept, or the page has fetched just now, is not fetched again. */
const take = async (file) =>
  (await asBuilt(file, await caches.match(file))) ??
  (await asBuilt(file, await fetch(file, { cache: "force-cache" }).catch(() => null))) ??
  (await fetch(file, { cache: "no-cache" }));

const keep = async () => {
  const cache = await caches.open(VERSION);
  for (const file of Object.keys(FILES)) {
    const answer = await take(file);
    if (!answer.ok) throw new Error(`${file}: ${answer.status}`);
    await cache.put(file, answer);
  }
};
self.addEventListener("install", (event) => event.waitUntil(keep()));

// Which version each open page came from, and each of its workers: they keep it until the page is loaded anew, also when
// another tab has taken a newer one.
const CLIENTS = "shiftlens-clients";
const mark = (id) => new URL(`.client/${id}`, self.registration.scope).href;
const remember = async (id, version) => (await caches.open(CLIENTS)).put(mark(id), new Response(version));
const versionOf = async (id) => {
  const noted = id && (await (await caches.open(CLIENTS)).match(mark(id)));
  return noted ? noted.text() : VERSION;
};

/** Deletes earlier versions, but for those that open pages came from. */
const clean = async () => {
  const notes = await caches.open(CLIENTS);
  const open = (await self.clients.matchAll({ includeUncontrolled: true, type: "all" })).map(({ id }) => mark(id));
  const used = new Set([VERSION, CLIENTS]);
  for (const { url } of await notes.keys()) {
    if (open.includes(url)) used.add(await (await notes.match(url)).text());
    else await notes.delete(url);
  }
  const old = (name) => name.startsWith("shiftlens-") && !used.has(name);
  for (const name of (await caches.keys()).filter(old)) await caches.delete(name);
};
self.addEventListener("activate", (event) => event.waitUntil(clean().then(() => self.clients.claim())));

self.addEventListener("message", (event) => {
  if (event.data === "take over") self.skipWaiting();
});

// A worker is not bound by its page's policy. The engine fetches checkpoints from wherever the user says.
const ENGINE_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src *";

/** The same answer with what SharedArrayBuffer asks for, and the engine's policy, where the host does not send them. */
const isolated = (file, response) => {
  const headers = new Headers(response.headers);
  if (file === "engine-start.js") headers.set("Content-Security-Policy", ENGINE_POLICY);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "cross-origin");
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
};

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const scope = new URL(self.registration.scope);
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname)) return;
  const file = url.pathname.slice(scope.pathname.length) || "index.html";
  if (!Object.hasOwn(FILES, file)) return;
  const answer = async () => {
    const version = request.mode === "navigate" ? VERSION : await versionOf(event.clientId);
    // a page, or a worker of one
    if (event.resultingClientId) await remember(event.resultingClientId, version);
    const kept = await (await caches.open(version)).match(file);
    return isolated(file, kept ?? (await fetch(request)));
  };
  event.respondWith(answer());
});
