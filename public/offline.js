// The service worker: page, engine and bundled pair from this browser, with or without a network. A build fills in the files
// and their version; a newer one waits until the user takes it.
const VERSION = "shiftlens-__VERSION__";
const FILES = __FILES__;

self.addEventListener("install", (event) => {
  const fresh = (file) => new Request(file, { cache: "no-cache" });
  event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(FILES.map(fresh))));
});

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
  if (!FILES.includes(file)) return;
  const answer = async () => {
    const kept = await (await caches.open(VERSION)).match(file);
    return isolated(kept ?? (await fetch(request)));
  };
  event.respondWith(answer());
});
