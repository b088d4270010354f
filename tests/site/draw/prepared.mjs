// node prepared.mjs FILE: what the page makes of pictures. The file holds, one after another, width
// and height as 4-byte numbers and the RGBA bytes; printed are 784 numbers each, or an error's kind.

import { readFileSync } from "node:fs";
import { prepare } from "../../../site/draw/prepare.js";

const file = readFileSync(process.argv[2]);
const made = [];
for (let at = 0; at < file.length; ) {
  const [width, height] = [file.readUInt32LE(at), file.readUInt32LE(at + 4)];
  const data = new Uint8ClampedArray(file.subarray(at + 8, at + 8 + 4 * width * height));
  at += 8 + data.length;
  try {
    made.push(Array.from(prepare({ width, height, data })));
  } catch (error) {
    if (!error.kind) throw error;
    made.push(error.kind);
  }
}
console.log(JSON.stringify(made));
