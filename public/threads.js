// The engine's threads: instances of one module on one memory. The engine's own instance is the leader; see `kernels/src/pool/`.

/** Bytes of a helper's stack. */
const STACK = 1 << 18;
const PAGE = 1 << 16;
/** Pages that the module starts with; then, in pages too, what products need beside the weights, and each thread for itself. */
const FIRST = 32, PRODUCTS = (64 << 20) / PAGE, THREAD = (16 << 20) / PAGE;
/** All that a module can address, and by how many pages memory may grow where a browser will not set that much aside. */
const ALL = 1 << 16, MORE = (512 << 20) / PAGE;

/** What an instance of the module on `memory` exports. */
export const instance = async (module, memory) => {
  const words = new Int32Array(memory.buffer); // threads wait on words at the start of the memory
  const wait = (at, value, milliseconds) => void Atomics.wait(words, at >>> 2, value, milliseconds);
  const wake = (at) => void Atomics.notify(words, at >>> 2);
  return (await WebAssembly.instantiate(module, { env: { memory, wait, wake } })).exports;
};

/** Memory of so many pages that threads share; nothing where the browser refuses. */
const shared = (initial, maximum) => {
  try {
    return new WebAssembly.Memory({ initial, maximum, shared: true });
  } catch {
    return undefined;
  }
};

/** Starts `helpers` threads beside the caller, for `bytes` bytes of packed weights. Fails where memory cannot be shared, or is short. */
export const open = async (bytes, helpers) => {
  // All that is likely to be needed from the start, which costs nothing until it is used: where memory grows, another thread may
  // still see the old size for a moment.
  const pages = Math.min(FIRST + Math.ceil(bytes / PAGE) + PRODUCTS + THREAD * (helpers + 1), ALL);
  const memory = shared(pages, ALL) ?? shared(pages, Math.min(pages + MORE, ALL));
  if (!memory) throw new Error("there is no room for shared memory");
  const answer = await fetch(new URL("./kernels.wasm", import.meta.url));
  if (!answer.ok) throw new Error(`kernels.wasm: ${answer.status}`);
  const module = await WebAssembly.compile(await answer.arrayBuffer());
  const exports = await instance(module, memory);
  const workers = [];
  for (let id = 0; id < helpers; id++) {
    const worker = new Worker(new URL("./thread-start.js", import.meta.url), { type: "module" });
    worker.postMessage({ module, memory, id, stack: exports.reserve(STACK) + STACK });
    workers.push(worker);
  }
  return { memory, exports, end: () => workers.splice(0).forEach((worker) => worker.terminate()) };
};
