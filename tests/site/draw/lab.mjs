// node lab.mjs MODULES CHROMIUM SERVER TOKEN NOTEBOOK: draws on the pad that the only cell of a
// notebook shows in JupyterLab, saves it, and opens it again when its kernel is gone.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { launch } from "./browser.mjs";

const [modules, chromium, server, token, notebook] = process.argv.slice(2);
const browser = await launch(modules, chromium);
const page = await browser.newPage({ viewport: { width: 1300, height: 900 } });
page.setDefaultTimeout(180_000); // machines may be busy
const at = `${server}/lab/tree/${basename(notebook)}?reset&token=${token}`;
const cells = page.locator(".jp-Notebook .jp-Cell");
const names = () => page.locator(".pad-name").allInnerTexts();
const reads = (best) => page.waitForFunction((name) => document.querySelector(".pad-name")?.textContent === name, best);

await page.goto(at);
await page.getByText("Python 3 (ipykernel) | Idle").waitFor();
await cells.first().locator(".cm-content").click();
await page.keyboard.press("Shift+Enter");
const canvas = page.locator(".pad-canvas");
await canvas.waitFor();
await canvas.scrollIntoViewIfNeeded();
const box = await canvas.boundingBox();
for (const stroke of [[[0.4, 0.2], [0.4, 0.8]], [[0.4, 0.8], [0.7, 0.8]]]) {
  const place = ([x, y]) => [box.x + box.width * x, box.y + box.height * y];
  await page.mouse.move(...place(stroke[0]));
  await page.mouse.down();
  await page.mouse.move(...place(stroke[1]), { steps: 8 });
  await page.mouse.up();
}
await reads("L");
assert.equal(await page.locator(".pad-kept").isVisible(), false, "the pad and its picture are both seen");

await page.keyboard.press("Control+z");
await reads("I");
const before = await cells.count();
await page.keyboard.press("d");
await page.keyboard.press("d"); // to JupyterLab: delete the cell
await page.keyboard.press("Space");
await page.keyboard.press("Space"); // the keys' pen leaves a dot in the middle of the sheet
await page.waitForFunction(() => document.querySelector(".pad-said").textContent);
assert.equal(await cells.count(), before);

await cells.first().locator(".cm-content").click();
do {
  await page.keyboard.press("Control+s");
  await page.waitForTimeout(1000);
} while (!readFileSync(notebook, "utf-8").includes("28 × 28 pixels"));
await page.goto("about:blank");
const sessions = await (await fetch(`${server}/api/sessions?token=${token}`)).json();
for (const { id } of sessions) await fetch(`${server}/api/sessions/${id}?token=${token}`, { method: "DELETE" });
await page.goto(at);
await page.locator(".pad-kept").waitFor();
await page.getByText("model not found").waitFor({ state: "attached" });
assert.equal(await page.getByText("model not found").isVisible(), false);
assert.equal(await page.locator(".pad-kept img").count(), 2);
assert.equal(await canvas.count(), 0);
await browser.close();
