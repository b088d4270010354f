// From brightness to ink, and one character as a scan, as helpers/handwriting/ink.py finds it.

import * as a from "./arrays.js";
import { Unreadable } from "./pictures.js";

const FAINTEST = 0.05;
const EDGE = 0.4;
const LONG = 64;
const STROKE = [0.09, 0.2];
const FAINT = 0.65;
const FINE = 64;
const FEW = 0.3;

// --- density ----------------------------------------------------------------------------------

export function darkOnLight(brightness, window) {
  const values = brightness.data;
  const least = values.reduce((one, two) => Math.min(one, two));
  const most = values.reduce((one, two) => Math.max(one, two));
  const lighter = leaning(brightness, window, a.MIRRORED) > 0;
  const middle = (least + most) / 2;
  const ink = values.filter((value) => (lighter ? value > middle : value < middle));
  const few = ink.length < FEW * values.length;
  const lightInk = few ? lighter : leaning(brightness, window) > 0;
  return lightInk ? a.map(brightness, (value) => 1 - value) : brightness;
}

function leaning(brightness, window, outside) {
  const around = a.uniform(brightness, window, outside);
  return a.sum(brightness.data.map((value, i) => (value - around.data[i]) ** 3));
}

export function density(brightness, window, tight) {
  const step = Math.max(1, Math.floor(window / 16));
  const { height, width } = brightness;
  const small = resize(brightness, Math.ceil(height / step), Math.ceil(width / step));
  const size = Math.max(3, Math.floor(window / step));
  let paper = closed(small, size, tight);
  const plane = a.map(light(paper), (value) => Math.max(value, 0.02));
  const level = closed(a.map(small, (value, i) => value / plane.data[i]), size, tight);
  paper = a.map(paper, (value, i) => Math.min(value, plane.data[i] * level.data[i]));
  if (step > 1) paper = a.minimum(paper, 3);
  paper = resize(paper, height, width);
  const missing = a.map(brightness, (value, i) => 1 - value / Math.max(paper.data[i], 0.02));
  const most = a.quantile(everySecond(missing), 0.25);
  return a.map(missing, (value) => value - most);
}

const everySecond = ({ width, data }) =>
  data.filter((_, i) => i % width % 2 === 0 && Math.floor(i / width) % 2 === 0);

// A plane of light, fitted to most of the pixels.
function light({ height, width, data }) {
  const places = (side) => {
    const count = Math.min(side, 12);
    return Array.from({ length: count }, (_, i) => (count > 1 ? Math.trunc((i * (side - 1)) / (count - 1)) : 0));
  };
  const points = places(height).flatMap((y) => places(width).map((x) => [1, y, x, data[y * width + x]]));
  let used = points;
  let plane;
  for (let round = 0; round < 2; round++) {
    const product = (i, j) => a.sum(used.map((point) => point[i] * point[j]));
    const terms = [0, 1, 2].map((i) => [0, 1, 2].map((j) => product(i, j) + (i === j ? 1e-9 : 0)));
    plane = a.solve(terms, [0, 1, 2].map((i) => product(i, 3)));
    const off = points.map(([one, y, x, seen]) => Math.abs(seen - plane[0] * one - plane[1] * y - plane[2] * x));
    const most = 2 * a.median(off) + 1e-6;
    used = points.filter((_, i) => off[i] <= most);
  }
  const made = a.grid(height, width);
  return a.map(made, (_, i) => plane[0] + plane[1] * Math.floor(i / width) + plane[2] * (i % width));
}

// Fills up what is dark and narrower than `size`.
function closed(one, size, tight) {
  const { height, width } = one;
  const most = a.highest(one.data);
  const rim = tight ? a.map(one, () => most) : a.maximum(one, 3);
  const large = a.padded(one, size);
  for (let y = 0; y < large.height; y++) {
    for (let x = 0; x < large.width; x++) {
      const [i, j] = [y - size, x - size];
      if (i >= 0 && i < height && j >= 0 && j < width) continue;
      large.data[y * large.width + x] = rim.data[a.clip(i, 0, height - 1) * width + a.clip(j, 0, width - 1)];
    }
  }
  const filled = a.minimum(a.maximum(large, size | 1), size | 1);
  return a.cut(filled, size, size + height, size, size + width);
}

// --- ruling -----------------------------------------------------------------------------------

export function withoutRuling(ink, share, slack, longStrokes) {
  const turned = a.transposed(ink);
  const rows = runs(ink, share, slack);
  const columns = runs(turned, share, slack);
  const rest = a.transposed(without(a.transposed(without(ink, rows, slack)), columns, slack));
  if (!longStrokes) return rest;
  const seen = ink.data.filter((value) => value > FAINTEST);
  const dark = seen.length ? a.quantile(seen, 0.9) : 0;
  const written = a.mask(rest, (value) => value > EDGE * dark);
  const across = straightStrokes(rows, ink, written, dark, false);
  const down = a.transposed(straightStrokes(columns, turned, a.transposed(written), dark, true));
  return a.map(rest, (value, i) => (across.data[i] || down.data[i] ? ink.data[i] : value));
}

// How dense straight runs along rows are, at their palest place; 0 where there are none.
function runs(ink, share, slack) {
  const length = Math.trunc(share * ink.width);
  const wide = a.transposed(a.rowMaximum(a.transposed(ink), 2 * slack + 1));
  const line = a.rowMaximum(a.rowMinimum(wide, length | 1, 0), length | 1, 0);
  return a.map(line, (value) => (value > FAINTEST / 2 ? value : 0));
}

function without(ink, runs, slack) {
  if (!runs.data.some((value) => value > 0)) return ink;
  const size = 2 * slack + 3;
  const across = a.transposed(a.rowMaximum(a.rowMinimum(a.transposed(ink), size), size));
  return a.map(ink, (value, i) =>
    runs.data[i] > 0 ? Math.max(value - 1.5 * runs.data[i], Math.min(value, across.data[i])) : value);
}

// Where runs along rows are strokes: as dark as ink, not repeated, not long.
function straightStrokes(runs, ink, written, dark, upright) {
  const { labels, boxes } = a.label(a.mask(runs, (value) => value > 0.3 * dark), false);
  if (!boxes.length) return a.mask(labels, () => false);
  const values = boxes.map(() => []);
  labels.data.forEach((number, i) => number && values[number - 1].push(ink.data[i]));
  const repeats = [];
  const faint = values.map((line) => a.between(line, 0.75) < FAINT * dark);
  const middles = boxes.map((box) => (box[1] + box[3]) / 2);
  const wide = boxes.map((box, i) => !faint[i] && box[2] - box[0] > ink.width / 2);
  const even = repeated(middles.filter((_, i) => wide[i]));
  boxes.forEach((_, i) => (repeats[i] = wide[i] && even));
  let ruling = boxes.map((_, i) => faint[i] || repeats[i]);
  const line = values.flat().filter((value) => value > EDGE * dark).length / boxes.length;
  if (a.sum(Array.from(written.data)) > 0.5 * line) {
    const tooLong = long(boxes, written, upright);
    ruling = ruling.map((is, i) => is || tooLong[i]);
  }
  return a.mask(labels, (number) => number > 0 && !ruling[number - 1]);
}

// Are these rows four or more at even distances, some perhaps missing?
function repeated(rows) {
  if (rows.length < 4) return false;
  rows = rows.sort((one, other) => one - other);
  const apart = rows.slice(1).map((row, i) => row - rows[i]);
  const step = Math.max(a.median(apart), 1);
  return apart.every((gap) => Math.abs(gap / step - a.round(gap / step)) < 0.2);
}

// Which runs along rows are long against what else is written.
function long(boxes, written, upright) {
  const { width } = written;
  const around = a.bounds(written);
  const margin = 0.15 * width;
  const side = typicalSide(written);
  return boxes.map(([start, , stop]) => {
    const beyond = around && start + margin < around[0] && around[2] - 1 + margin < stop
      && stop - start > 0.9 * width && (!upright || boxes.length > 2);
    return stop - start > (beyond ? 1.5 : 4) * side;
  });
}

const typicalSide = (mask) =>
  typical(a.label(mask).boxes.map(([left, top, right, bottom]) => Math.max(right - left, bottom - top)));

// The side of which all smaller ones together make up half.
export function typical(sides) {
  const ordered = [...sides].sort((one, other) => one - other);
  const half = a.sum(ordered) / 2;
  let total = 0;
  for (const side of ordered) if ((total += side) >= half) return side;
  return 0;
}

// --- mask -------------------------------------------------------------------------------------

export function darkness(ink) {
  const noise = -a.quantile(everySecond(ink), 0.05);
  const least = Math.max(FAINTEST, 6 * noise);
  const seen = ink.data.filter((value) => value > least);
  if (!seen.length) throw new Unreadable("NoInk", "Expected ink, found nothing that stands out. Draw larger or darker.");
  return a.quantile(seen, 0.75);
}

export const strokes = (ink, dark) =>
  a.propagated(a.mask(ink, (value) => value > 0.55 * dark), a.mask(ink, (value) => value > EDGE * dark));

export function sharpness(ink, mask) {
  const inside = a.shrunk(mask);
  const outline = mask.data.map((value, i) => value && !inside.data[i]);
  if (!outline.some(Boolean)) return 0;
  const [high, low] = [a.maximum(ink, 3), a.minimum(ink, 3)];
  const change = high.data.map((value, i) => value - low.data[i]).filter((_, i) => outline[i]);
  return a.median(change) / usual(ink, mask);
}

// How much of what is beside ink is as dark as the ink: a step of brightness, no stroke.
export function step(brightness, mask) {
  const { height, width: wide, data } = mask;
  const last = (height - 1) * wide;
  const rim = [data.slice(0, wide), data.slice(last), data.filter((_, i) => i % wide === 0), data.filter((_, i) => i % wide === wide - 1)];
  const covered = rim.flatMap((side) => Array.from(side));
  if (a.sum(covered) / covered.length > 0.25 && width(mask) > STROKE[1] * Math.max(height, wide)) return 1;
  const around = (i, reach, f) => {
    const [x, y] = [i % wide, Math.floor(i / wide)];
    for (let row = Math.max(y - reach, 0); row <= Math.min(y + reach, height - 1); row++)
      for (let column = Math.max(x - reach, 0); column <= Math.min(x + reach, wide - 1); column++)
        if (data[row * wide + column]) f(row * wide + column, (row - y) ** 2 + (column - x) ** 2);
  };
  let [beside, dark] = [0, 0];
  data.forEach((ink, i) => {
    if (ink) return;
    let [nearest, least] = [-1, 25];
    around(i, 4, (at, square) => square < least && ([nearest, least] = [at, square]));
    if (nearest < 0 || least < 4) return;
    let darkest = Infinity;
    around(nearest, 2, (at) => (darkest = Math.min(darkest, brightness.data[at])));
    beside++;
    if (brightness.data[i] < darkest + 0.1 * (1 - darkest)) dark++;
  });
  return beside ? dark / beside : 0;
}

const usual = (ink, mask) => a.quantile(ink.data.filter((_, i) => mask.data[i]), 0.75);

// --- scan -------------------------------------------------------------------------------------

export function isolated(ink, mask) {
  const near = a.grown(mask);
  return a.map(ink, (value, i) => (near.data[i] ? value : 0));
}

// One character, its longer side 64 pixels, its strokes as wide as EMNIST's.
export function scan(ink, mask, trace) {
  const character = a.crop(isolated(ink, mask), mask, 1);
  let large = scaled(character, Math.max(1, FINE / Math.max(character.height, character.width)));
  const edge = EDGE * usual(ink, mask);
  trace("crop", large);
  large = evenStrokes(a.mask(large, (value) => value > edge));
  large = a.crop(large, a.mask(large, (value) => value > 0.5));
  large = scaled(large, LONG / Math.max(large.height, large.width));
  trace("stroke", large);
  return large;
}

function evenStrokes(shape) {
  const [left, top, right, bottom] = a.bounds(shape);
  const side = Math.max(right - left, bottom - top);
  const before = width(shape);
  const wanted = a.clip(before / side, ...STROKE);
  const growth = (wanted * (side - before)) / (1 - wanted) - before;
  if (Math.abs(growth) < 0.1) return a.map(shape, (value) => value);
  shape = a.padded(shape, 2 + Math.max(0, Math.trunc(growth)));
  const inside = a.distances(shape);
  const outside = a.distances(a.mask(shape, (value) => !value));
  return a.map(shape, (value, i) => {
    const edge = value ? inside.data[i] - 0.5 : 0.5 - outside.data[i];
    return a.clip(edge + growth / 2 + 0.5, 0, 1);
  });
}

// The mean width of strokes: twice their area by the length of their outline.
export function width(mask) {
  const { height, width, data } = a.padded(mask, 1);
  let crossings = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      if (x && data[at] !== data[at - 1]) crossings++;
      if (y && data[at] !== data[at - width]) crossings++;
    }
  }
  return (2 * a.sum(Array.from(data))) / Math.max((Math.PI / 4) * crossings, 1);
}

// --- another size -----------------------------------------------------------------------------

const resize = (one, height, width) => a.resized(one, height, width, a.BILINEAR);

export function scaled(one, factor) {
  const size = [one.height, one.width].map((side) => Math.max(1, a.round(factor * side)));
  const [low, high] = [a.lowest(one.data), a.highest(one.data)];
  return a.map(a.resized(one, ...size, a.BICUBIC), (value) => a.clip(value, low, high));
}
