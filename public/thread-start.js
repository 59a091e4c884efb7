// One of the engine's helper threads: it works on the engine's products until it is terminated.
import { instance } from "./threads.js";
self.onmessage = async ({ data: { module, memory, id, stack } }) => {
  const exports = await instance(module, memory);
  exports.__stack_pointer.value = stack;
  exports.help(id); // does not return
};
