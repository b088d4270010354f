// node pages.mjs SITE MODULES CHROMIUM PAGE…: looks at pages of the site in a browser, in turn wide and
// on a phone, light and dark, and on paper. A line of JSON for each: its name and what is wrong with it.
// At last a line with what a search for "dropout" finds.

import { join } from "node:path";
import { createRequire } from "node:module";
import { faults, open, PHONE } from "./draw/browser.mjs";

const [site, modules, chromium, ...pages] = process.argv.slice(2);
const axe = createRequire(import.meta.url)(join(modules, "axe-core"));
const { at, browser, close } = await open(site, modules, chromium);
const DESKTOP = { viewport: { width: 1280, height: 900 } };
const WAYS = [DESKTOP, PHONE].flatMap((size) => ["light", "dark"].map((colorScheme) => ({ ...size, colorScheme })));
const own = (url) => url.startsWith(at) || url.startsWith("data:");

async function looked(path, way) {
  const context = await browser.newContext(way);
  context.setDefaultTimeout(120_000); // machines may be busy
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => message.type() === "error" && problems.push(`the console: ${message.text()}`));
  page.on("pageerror", (error) => problems.push(`the console: ${error}`));
  page.on("request", (request) => own(request.url()) || problems.push(`asks for ${request.url()}`));
  await page.goto(`${at}/${path}`);
  const [beyond, grounds] = await page.evaluate(() => [
    document.documentElement.scrollWidth - innerWidth,
    [...document.querySelectorAll(".text_html:has(p.claim)")].map((claims) => getComputedStyle(claims).backgroundColor),
  ]);
  if (beyond > 0) problems.push(`${beyond} pixels wider than the window`);
  if (grounds.some((colour) => colour !== "rgba(0, 0, 0, 0)")) problems.push("claims have a ground of their own");
  problems.push(...(await faults(page, axe)));
  await page.emulateMedia({ media: "print" });
  const hidden = await page.evaluate(() =>
    [...document.querySelectorAll(".bd-article details:not(.admonition, .claims) > p")].filter((answer) => !answer.checkVisibility()).length,
  );
  if (hidden) problems.push(`${hidden} paragraphs of answers missing on paper`);
  await context.close();
  return problems;
}

for (const [k, path] of pages.entries()) {
  console.log(JSON.stringify({ name: path, problems: await looked(path, WAYS[k % WAYS.length]) }));
}

const page = await browser.newPage();
page.setDefaultTimeout(120_000);
await page.goto(`${at}/search.html?q=dropout`);
await page.waitForFunction(() => document.querySelectorAll("#search-results li").length > 3);
console.log(JSON.stringify({ name: "dropout", problems: [], found: await page.locator("#search-results li a").allInnerTexts() }));
await close();
