// node probabilities.mjs SITE MODULES CHROMIUM FILE: what the network says in the browser to the
// images in FILE, 784 bytes each: a line of JSON for each with class and probability; the first
// line has the first image's feature maps too.

import { readFileSync } from "node:fs";
import { open } from "./browser.mjs";

const [site, modules, chromium, file] = process.argv.slice(2);
const { at, browser, close } = await open(site, modules, chromium);
const page = await browser.newPage();
await page.route("**/images", (route) => route.fulfill({ body: readFileSync(file) }));
await page.goto(`${at}/draw/classes.json`); // a page of the same place that runs nothing
const answers = await page.evaluate(async () => {
  const map = document.createElement("script");
  map.type = "importmap";
  map.textContent = '{"imports": {"@litertjs/wasm-utils": "/draw/litert/wasm-utils.js"}}';
  document.head.append(map);
  const { loadNetwork } = await import("/draw/network.js");
  const network = await loadNetwork();
  const images = new Uint8Array(await (await fetch("/images")).arrayBuffer());
  const found = [];
  for (let i = 0; i < images.length; i += 784) {
    const { probabilities, maps } = await network.read(images.subarray(i, i + 784));
    const best = probabilities.indexOf(Math.max(...probabilities));
    found.push({ best, share: probabilities[best], maps: i ? undefined : Array.from(maps.data) });
  }
  return found;
});
for (const answer of answers) console.log(JSON.stringify(answer));
await close();
