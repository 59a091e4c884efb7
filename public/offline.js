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

self.addEventListener("activate", (event) => {
  const old = (name) => name.startsWith("shiftlens-") && name !== VERSION;
  const clean = async () => {
    for (const name of (await caches.keys()).filter(old)) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

self.addEventListener("message", (event) => {
  if (event.data === "take over") self.skipWaiting();
});

/** The same answer with what SharedArrayBuffer asks for, where the host does not send it. */
const isolated = (response) => {
  const headers = new Headers(response.headers);
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
    const kept = await (await caches.open(VERSION)).match(file);
    return isolated(kept ?? (await fetch(request)));
  };
  event.respondWith(answer());
});
