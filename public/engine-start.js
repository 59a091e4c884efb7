// The engine's web worker: starts the wasm module, which installs its own message handler.
import init from "./engine.js";
// Messages that come before the module has started wait here.
const early = [];
self.onmessage = (message) => early.push(message.data);
await init({ module_or_path: "./engine_bg.wasm" });
for (const data of early) self.onmessage({ data });
