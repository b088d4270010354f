// node checks.mjs SITE MODULES CHROMIUM PICTURE FOLDER: drives the page to draw on in a browser. A
// line of JSON for each check: its name, what went wrong or null, what it measured. PICTURE is a
// photograph of the letter R; what is downloaded goes to FOLDER.

import assert from "node:assert/strict";
import { join } from "node:path";
import { createRequire } from "node:module";
import { faults, open, PHONE } from "./browser.mjs";

const [site, modules, chromium, picture, folder] = process.argv.slice(2);
const axe = createRequire(import.meta.url)(join(modules, "axe-core"));
const { at, browser, close } = await open(site, modules, chromium);

// Strokes in a square of side 1: the digit 7 and the letter R.
const SEVEN = [[[0.1, 0.05], [0.5, 0.05], [0.9, 0.05], [0.65, 0.5], [0.45, 1]]];
const R = [
  [[0.1, 0], [0.1, 0.35], [0.1, 0.7], [0.1, 1]],
  [[0.1, 0.02], [0.5, 0], [0.78, 0.12], [0.82, 0.27], [0.7, 0.42], [0.4, 0.5], [0.12, 0.5]],
  [[0.42, 0.5], [0.65, 0.75], [0.85, 1]],
];
const PLACES = { // left, top, side of the square, as parts of the pad
  centred: [0.25, 0.2, 0.5],
  "off centre": [0.6, 0.55, 0.36],
  small: [0.12, 0.7, 0.17],
  large: [0.08, 0.06, 0.86],
};

const OWN = { reducedMotion: "no-preference" }; // any option gives a check a page of its own

const checks = [];
const check = (name, options, run) => checks.push({ name, options, run });

const readings = (page) => page.locator(".pad-name").allInnerTexts();
const count = (page) => page.evaluate(() => performance.getEntriesByName("reading").length);
const again = (page, before) => page.waitForFunction((n) => performance.getEntriesByName("reading").length > n, before);
const pad = (page) => page.getByRole("application", { name: "Drawing pad" });
const button = (page, name) => page.getByRole("button", { name, exact: true });

async function drawn(page, strokes, [left, top, side], read = true) {
  await pad(page).scrollIntoViewIfNeeded();
  const box = await pad(page).boundingBox();
  const place = ([x, y]) => [box.x + box.width * (left + side * x), box.y + box.height * (top + side * y)];
  const before = await count(page);
  for (const stroke of strokes) {
    await page.mouse.move(...place(stroke[0]));
    await page.mouse.down();
    for (const point of stroke.slice(1)) await page.mouse.move(...place(point), { steps: 4 });
    await page.mouse.up();
  }
  if (read) await again(page, before);
  await settled(page);
}
// A reading belongs to the end of the last stroke when no other follows it.
const settled = async (page) => {
  let before;
  do {
    before = await count(page);
    await page.waitForTimeout(200);
  } while ((await count(page)) !== before);
};
const cleared = async (page) => {
  await button(page, "Clear").click();
  await page.waitForFunction(() => !document.querySelector(".pad-name"));
};
const example = async (page) => {
  const before = await count(page);
  await button(page, "Show an example").click();
  await again(page, before);
};

check("the page opens without an error, small, with nothing from elsewhere", OWN, async (page, seen) => {
  await example(page);
  assert.deepEqual(seen.asked.filter((url) => !url.startsWith(at)), []);
  const sizes = await Promise.all(seen.answers.map(async (one) => [one.url(), (await one.body()).length]));
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  const network = sizes.find(([url]) => url.endsWith(".tflite"))[1];
  assert.ok(total < 15e6 && network < 1.5e6, `${total} bytes, network ${network}`);
  const first = await page.evaluate(() => performance.getEntriesByName("reading")[0].startTime);
  return { bytes: total, network, "ms to the first reading": Math.round(first) };
});

for (const [name, strokes] of Object.entries({ 7: SEVEN, R })) {
  check(`${name} is read, wherever and however large it is drawn`, {}, async (page) => {
    for (const [where, place] of Object.entries(PLACES)) {
      await drawn(page, strokes, place);
      assert.equal((await readings(page))[0], name, where);
      await cleared(page);
    }
  });
}

check("a drawing is answered at once", {}, async (page, { context }) => {
  // the processor's time, for other programs run beside this one; and what a clock shows
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const spent = async () => (await session.send("Performance.getMetrics")).metrics.find(({ name }) => name === "ScriptDuration").value;
  const before = await spent();
  const times = await page.evaluate(async () => {
    const found = [];
    const example = [...document.querySelectorAll("button")].find((one) => one.textContent === "Show an example");
    for (let i = 0; i < 20; i++) {
      const before = performance.getEntriesByName("reading").length;
      const start = performance.now();
      example.click();
      while (performance.getEntriesByName("reading").length === before) await new Promise((resolve) => setTimeout(resolve));
      found.push(Math.round(performance.now() - start));
    }
    return found.sort((one, other) => one - other);
  });
  const each = ((await spent()) - before) / times.length;
  return { "ms of the processor for a drawing": Math.round(1000 * each), "by the clock, fastest and median of 20": [times[0], times[10]] };
});

check("every step of the preparation is shown", {}, async (page) => {
  await example(page);
  const steps = page.locator("#steps canvas");
  assert.equal(await steps.count(), 8);
  for (const step of await steps.all()) {
    const shades = await step.evaluate((canvas) => new Set(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data).size);
    assert.ok(shades > 2, await step.getAttribute("aria-label"));
    assert.doesNotMatch(await step.getAttribute("aria-label"), /nothing yet/);
  }
  const [last, pads] = await page.evaluate(() =>
    ["#steps li:last-child canvas", ".pad-seen"].map((name) => document.querySelector(name).toDataURL()));
  assert.equal(last, pads);
  const lit = await page.locator("#maps").evaluate((canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.filter((value, i) => i % 4 === 0 && value > 60).length);
  assert.ok(lit > 100);
});

check("a finger draws on a phone, and the page stays where it is", PHONE, async (page, seen) => {
  const session = await seen.context.newCDPSession(page);
  await page.evaluate(() => scrollTo(0, 60));
  const box = await pad(page).boundingBox();
  const before = [await count(page), await page.evaluate(() => scrollY)];
  for (const stroke of R) {
    const points = stroke.map(([x, y]) => ({ x: box.x + box.width * (0.25 + 0.5 * x), y: box.y + box.height * (0.2 + 0.5 * y) }));
    await session.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [points[0]] });
    for (const point of points) await session.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: [point] });
    await session.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  }
  await again(page, before[0]);
  await settled(page);
  assert.equal((await readings(page))[0], "R");
  assert.equal(await page.evaluate(() => scrollY), before[1]);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), PHONE.viewport.width);
  const visible = await page.locator(".pad-readings").evaluate((list) => list.getBoundingClientRect().bottom <= innerHeight);
  assert.ok(visible, "the readings are below the screen");
});

check("the keyboard alone draws, undoes, clears and reaches all", OWN, async (page) => {
  const press = async (key, times = 1) => {
    for (let i = 0; i < times; i++) await page.keyboard.press(key);
  };
  for (let i = 0; i < 5 && !(await pad(page).evaluate((canvas) => canvas === document.activeElement)); i++) await press("Tab");
  await press("ArrowUp", 8);
  await press("ArrowLeft", 5);
  const before = await count(page);
  await press(" ");
  await press("ArrowDown", 16);
  await press("ArrowRight", 10);
  await press(" ");
  await again(page, before);
  await settled(page);
  assert.equal((await readings(page))[0], "L");
  assert.match(await page.getByRole("status").first().innerText(), /^Read as L/);
  await press("Control+z");
  await page.waitForFunction(() => !document.querySelector(".pad-name"));
  await press("Control+z"); // nothing is left to undo
  await press(" ");
  await press("ArrowUp", 9);
  await press(" ");
  await page.waitForSelector(".pad-name");
  await press("Delete");
  await page.waitForFunction(() => !document.querySelector(".pad-name"));
  const reached = new Set();
  for (let i = 0; i < 20; i++) {
    await press("Tab");
    reached.add(await page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.id));
  }
  for (const name of ["Undo", "Clear", "Show an example", "Load a picture", "all", "name"]) assert.ok(reached.has(name), name);
});

check("undo brings back what was cleared", {}, async (page) => {
  await example(page);
  await cleared(page);
  await button(page, "Undo").click();
  await page.waitForSelector(".pad-name");
  assert.equal((await readings(page))[0], "R");
});

check("digits alone, and characters that look alike", {}, async (page) => {
  const ring = Array.from({ length: 25 }, (_, i) => [0.5 + 0.45 * Math.sin(i / 3.9), 0.5 - 0.5 * Math.cos(i / 3.9)]);
  await drawn(page, [ring], PLACES.centred);
  const names = await readings(page);
  assert.ok("0Oo".includes(names[0]), names);
  assert.match(await page.locator(".pad-note").innerText(), /look alike; together they have \d/);
  assert.ok((await page.locator(".pad-kind").allInnerTexts()).includes("digit"));
  await page.getByLabel("a digit").check();
  assert.equal((await readings(page))[0], "0");
  for (const name of await readings(page)) assert.match(name, /^\d$/);
  await page.getByLabel("any of 62 characters").check();
});

check("two characters are refused with a reason", {}, async (page) => {
  await drawn(page, SEVEN, [0.05, 0.3, 0.3]);
  await drawn(page, SEVEN, [0.65, 0.3, 0.3], false);
  await page.waitForFunction(() => document.querySelector(".pad-note").textContent.includes("Expected one character, found 2"));
  assert.deepEqual(await readings(page), []);
});

check("a loaded picture is read, another file refused, a drawing replaces it", {}, async (page) => {
  const before = await count(page);
  await page.locator("#file").setInputFiles(picture);
  await again(page, before);
  assert.equal((await readings(page))[0], "R");
  await page.locator("#file").setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no picture") });
  await page.waitForFunction(() => document.querySelector(".pad-note").textContent.includes("notes.txt"));
  await drawn(page, SEVEN, PLACES.centred);
  assert.equal((await readings(page))[0], "7");
});

check("what is kept survives a reload and can be downloaded", OWN, async (page) => {
  for (const [name, strokes, saved] of [["R", R, "R.png"], ["7", SEVEN, "7.png"], ["R", R, "R2.png"]]) {
    await drawn(page, strokes, PLACES.centred);
    const [image] = await Promise.all([page.waitForEvent("download"), button(page, "Download 28 × 28").click()]);
    await image.saveAs(join(folder, saved));
    await page.getByLabel("It is the character").fill(name);
    await button(page, "Keep it").click();
    await page.waitForFunction(() => !document.querySelector(".pad-name"));
  }
  await page.reload();
  assert.equal(await page.locator("#kept li").count(), 3);
  const [file] = await Promise.all([page.waitForEvent("download"), button(page, "Download what is kept").click()]);
  await file.saveAs(join(folder, file.suggestedFilename()));
  await button(page, "Forget it").click();
  await page.reload();
  assert.equal(await page.locator("#kept li").count(), 0);
});

check("a network that cannot be loaded is told", { ...OWN, expected: /404|could not be|network\.tflite/ }, async (page) => {
  await page.route("**/network.tflite", (route) => route.fulfill({ status: 404 }));
  await page.reload();
  await page.waitForFunction(() => document.getElementById("state").textContent.includes("could not be loaded"));
});

for (const colorScheme of ["light", "dark"]) {
  for (const [size, options] of Object.entries({ desktop: {}, phone: PHONE })) {
    check(`axe finds no serious fault: ${size}, ${colorScheme}`, { ...options, colorScheme }, async (page) => {
      const found = {};
      for (const step of ["empty", "read"]) {
        if (step === "read") await example(page);
        found[step] = await faults(page, axe);
      }
      assert.deepEqual(found, { empty: [], read: [] });
    });
  }
}

async function opened(options) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options });
  context.setDefaultTimeout(120_000); // machines may be busy
  const page = await context.newPage();
  const seen = { context, asked: [], answers: [], errors: [] };
  page.on("request", (request) => seen.asked.push(request.url()));
  page.on("response", (answer) => seen.answers.push(answer));
  page.on("console", (message) => message.type() === "error" && seen.errors.push(`${message.text()} ${message.location().url}`));
  page.on("pageerror", (error) => seen.errors.push(`${error}`));
  await page.goto(`${at}/draw/index.html`);
  await page.waitForFunction(() => performance.getEntriesByName("ready").length);
  return [page, seen];
}

const shared = await opened({});
for (const { name, options: { expected, ...options }, run } of checks) {
  const own = Object.keys(options).length > 0;
  let problem = null;
  let measured;
  try {
    const [page, seen] = own ? await opened(options) : shared;
    if (!own) {
      seen.errors.length = 0;
      await cleared(page);
    }
    measured = await run(page, seen);
    assert.deepEqual(seen.errors.filter((error) => !expected?.test(error)), []);
    if (own) await seen.context.close();
  } catch (error) {
    problem = error.stack;
  }
  console.log(JSON.stringify({ name, problem, measured }));
}
await close();
