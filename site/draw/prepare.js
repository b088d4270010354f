// A picture of one character as 28 × 28 pixels like EMNIST's: helpers/handwriting/prepare.py, in
// the browser. tests/site/test_draw.py compares the two.

import * as a from "./arrays.js";
import * as ink from "./ink.js";
import * as layout from "./layout.js";
import { Unreadable, brightness, load } from "./pictures.js";

const LEAST = 64;
const COARSE = 112;
const FINE = 320;
const LEAST_SHARP = 0.25;
const MOST_STEP = 0.15;

// Takes what a canvas's getImageData returns; gives 784 bytes, white ink on black. After each step
// trace(name, grid) gets what it left, 0 … 1; a small character is looked at twice.
export function prepare(image, trace = () => {}) {
  const picture = load(image);
  let [seen, density, mask] = look(picture, null, trace);
  const box = closer(mask, picture);
  if (box) [seen, density, mask] = look(picture, box, trace);
  if (ink.sharpness(density, mask) < LEAST_SHARP || ink.step(seen, mask) > MOST_STEP) {
    throw new Unreadable("NoInk", "Expected strokes, found a shade without an edge. Take the picture in focus.");
  }
  if (layout.crowded(mask)) {
    throw new Unreadable(
      "SeveralCharacters",
      "Expected one character, found what is as wide, or has as many strokes, as several. Draw one at a time.",
    );
  }
  return emnist(ink.scan(density, mask, trace));
}

function look(picture, box, trace) {
  const large = !box && Math.max(picture.height, picture.width) > 5 * COARSE;
  let seen = brightness(picture, box, large ? FINE : COARSE);
  seen = ink.scaled(seen, Math.max(1, LEAST / Math.max(seen.height, seen.width)));
  trace("picture", seen);
  seen = ink.darkOnLight(seen, Math.floor((2 * Math.max(seen.height, seen.width)) / 3));
  trace("invert", seen);
  try {
    const [density, mask] = find(seen, !box, false, trace);
    const [left, top, right, bottom] = a.bounds(mask);
    if (left && top && right < mask.width && bottom < mask.height) return [seen, density, mask];
  } catch (error) {
    if (error.kind !== "NoInk") throw error;
  }
  return [seen, ...find(seen, !box, true, trace)];
}

function find(seen, whole, tight, trace) {
  const side = Math.max(seen.height, seen.width);
  let density = ink.density(seen, Math.floor(side / 3), tight);
  trace("light", density);
  density = ink.withoutRuling(density, 0.95, 1 + Math.floor(side / 64), whole);
  trace("ruling", density);
  const dark = ink.darkness(density);
  let mask;
  try {
    mask = layout.only(ink.strokes(density, dark));
  } catch (error) {
    if (error.kind !== "SeveralCharacters") throw error;
    mask = layout.only(ink.strokes(density, 0.6 * dark));
  }
  density = ink.isolated(density, mask);
  trace("specks", density);
  return [density, mask];
}

// Where to look again if the character came out small, pixels of the picture.
function closer(mask, { height, width }) {
  const factor = Math.max(height, width) / Math.max(mask.height, mask.width);
  const [left, top, right, bottom] = a.bounds(mask);
  const long = Math.max(right - left, bottom - top);
  if (factor <= 1 || long > LEAST / 2) return null;
  const margin = 0.4 * long;
  const at = [left - margin, top - margin, right - 1 + margin, bottom - 1 + margin];
  const box = at.map((value) => a.round(value * factor));
  return [Math.max(box[0], 0), Math.max(box[1], 0), Math.min(box[2], width), Math.min(box[3], height)];
}

// Blur, crop to the ink, centre in a square, two pixels of border, 28 × 28 (Cohen et al., 2017).
function emnist(scan) {
  let soft = a.blurred(a.padded(scan, 4));
  soft = a.crop(soft, a.mask(soft, (value) => value > 0.5 / 255));
  const side = Math.max(soft.height, soft.width);
  const missing = [side - soft.height, side - soft.width];
  const [top, bottom, left, right] = missing.flatMap((n) => [Math.floor(n / 2) + 2, n - Math.floor(n / 2) + 2]);
  const small = a.resized(a.padded(soft, top, bottom, left, right), 28, 28, a.BICUBIC);
  const most = Math.max(a.highest(small.data), 1e-6);
  return Uint8Array.from(small.data, (value) => a.round(255 * a.clip(value / most, 0, 1)));
}
