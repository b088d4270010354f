// node pages.mjs SITE MODULES CHROMIUM PAGE…: looks at pages of the site in a browser, wide and on a
// phone, light and dark. A line of JSON for each: its name and what is wrong with it. At last a line
// with what a search for "dropout" finds.

import { join } from "node:path";
import { createRequire } from "node:module";
import { faults, open, PHONE } from "./draw/browser.mjs";

const [site, modules, chromium, ...pages] = process.argv.slice(2);
const axe = createRequire(import.meta.url)(join(modules, "axe-core"));
const { at, browser, close } = await open(site, modules, chromium);
const SIZES = { desktop: { viewport: { width: 1280, height: 900 } }, phone: PHONE };
const own = (url) => url.startsWith(at) || url.startsWith("data:");

async function looked(path, size, colorScheme) {
  const context = await browser.newContext({ colorScheme, ...SIZES[size] });
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
  await context.close();
  return problems;
}

for (const path of pages) {
  for (const size of Object.keys(SIZES)) {
    for (const colorScheme of ["light", "dark"]) {
      const problems = await looked(path, size, colorScheme);
      console.log(JSON.stringify({ name: `${path}, ${size}, ${colorScheme}`, problems }));
    }
  }
}

const page = await browser.newPage();
page.setDefaultTimeout(120_000);
await page.goto(`${at}/search.html?q=dropout`);
await page.waitForFunction(() => document.querySelectorAll("#search-results li").length > 3);
console.log(JSON.stringify({ name: "dropout", problems: [], found: await page.locator("#search-results li a").allInnerTexts() }));
await close();
