// Starts the page's wasm module, and, once the page has settled, what makes it work without a network.
import init from "./shiftlens.js";

/** Keeps the page and the bundled pair for later visits, and says when a newer version is there. */
const keep = async () => {
  const workers = navigator.serviceWorker; // absent without https
  const registration = await workers?.register("./offline.js").catch(() => null);
  if (!registration) return;
  const announce = (update) => {
    window.shiftlensUpdate = update;
    dispatchEvent(new Event("shiftlens-update"));
  };
  const offer = (worker) =>
    announce(() => {
      workers.addEventListener("controllerchange", () => location.reload(), { once: true });
      worker.postMessage("take over");
    });
  // another tab has taken a newer version; this one goes on with its own until it is loaded anew
  if (workers.controller) {
    workers.addEventListener("controllerchange", () => announce(() => location.reload()));
  }
  if (registration.waiting) offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const worker = registration.installing;
    worker.addEventListener("statechange", () => {
      if (worker.state === "installed" && workers.controller) offer(worker);
    });
  });
};
addEventListener("shiftlens-settled", keep, { once: true });

await init({ module_or_path: new URL("./shiftlens_bg.wasm", import.meta.url) });
