// Serves a folder on this machine and opens it in Chromium.

import { createServer } from "node:http";
import { existsSync, readFileSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { pathToFileURL } from "node:url";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".svg": "image/svg+xml", ".wasm": "application/wasm" };

export const PHONE = { viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

// The serious faults that axe-core, loaded from its module, finds in a page: what, and where.
export async function faults(page, axe) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => axe.run());
  return violations.filter(({ impact }) => ["serious", "critical"].includes(impact)).map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
}

export async function launch(modules, chromium) {
  const playwright = await import(pathToFileURL(join(modules, "playwright-core", "index.mjs")).href);
  // containers have neither Chromium's sandbox nor much shared memory
  return playwright.chromium.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

// Returns {at: the address, browser, close()}.
export async function open(folder, modules, chromium) {
  const server = createServer((request, response) => {
    const path = join(folder, decodeURIComponent(request.url.split("?")[0]));
    if (!existsSync(path) || statSync(path).isDirectory()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream" });
    response.end(readFileSync(path));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await launch(modules, chromium);
  const close = async () => {
    await browser.close();
    server.close();
  };
  return { at: `http://127.0.0.1:${server.address().port}`, browser, close };
}
