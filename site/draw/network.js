// The course's network, run here by LiteRT (formerly TensorFlow Lite) in WebAssembly, on one thread.

import { Tensor, loadAndCompile, loadLiteRt } from "./litert/core.js";

const near = (name) => new URL(name, import.meta.url).href;

async function fetched(name) {
  const answer = await fetch(near(name));
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return answer;
}

// Returns the names of the classes, and read(bytes): of 28 × 28 bytes, the probability of each class
// and the feature maps of the first layer, {height, width, count, data}.
export async function loadNetwork() {
  self.Module = { printErr: console.debug }; // LiteRT tells of its start in the console's errors
  // else LiteRT wakes the graphics card, which is slow and which nothing here uses
  Object.defineProperty(navigator, "gpu", { value: undefined, configurable: true });
  const [names, file] = await Promise.all([
    fetched("classes.json").then((answer) => answer.json()),
    fetched("network.tflite").then((answer) => answer.arrayBuffer()),
    loadLiteRt(near("litert/litert_wasm_compat_internal.js"), { threads: false }),
  ]);
  const model = await loadAndCompile(new Uint8Array(file), { accelerator: "wasm" });
  async function read(bytes) {
    const image = new Tensor(Float32Array.from(bytes), [1, 28, 28]);
    const outputs = await model.run(image);
    const found = outputs.map((one) => ({ shape: Object.values(one.type.layout.dimensions), data: Float32Array.from(one.toTypedArray()) }));
    for (const one of [image, ...outputs]) one.delete();
    const [probabilities, maps] = found.sort((one, other) => one.shape.length - other.shape.length);
    const [, height, width, count] = maps.shape;
    return { probabilities: probabilities.data, maps: { height, width, count, data: maps.data } };
  }
  await read(new Uint8Array(784)); // the first reading sets up; nobody should wait for it
  return { names, read };
}
