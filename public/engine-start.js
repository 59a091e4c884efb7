// The engine's web worker: starts the wasm module, which installs its own message handler.
import init from "./engine.js";
// A trap inside an awaited job (memory run out, say) rejects a promise that nobody holds: make it an error that the page sees.
self.onunhandledrejection = (event) => setTimeout(() => { throw event.reason; });
// Messages that come before the module has started wait here.
const early = [];
self.onmessage = (message) => early.push(message.data);
await init({ module_or_path: new URL("./engine_bg.wasm", import.meta.url) });
for (const data of early) self.onmessage({ data });
