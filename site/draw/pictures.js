// A picture as brightness, as helpers/handwriting/pictures.py sees it. A picture is {height, width,
// channels}: one grid of bytes, or three for red, green and blue.

import * as a from "./arrays.js";

const SIDE = 2000; // larger pictures are reduced to a longer side of so many pixels

// A picture that cannot be read; `kind` is the name of Python's error.
export class Unreadable extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

// What a canvas's getImageData returns, without transparency, at most SIDE pixels long.
export function load({ height, width, data }) {
  if (Math.max(height, width) < 8) {
    throw new Unreadable("TooSmall", `Expected a longer side of at least 8 pixels, found ${width} × ${height}.`);
  }
  let channels = [0, 1, 2, 3].map((c) => {
    const bytes = new Uint8Array(height * width);
    for (let i = 0; i < bytes.length; i++) bytes[i] = data[4 * i + c];
    return a.grid(height, width, bytes);
  });
  const scale = SIDE / Math.max(height, width);
  if (scale < 1) {
    const size = [height, width].map((side) => Math.max(1, a.round(side * scale)));
    channels = channels.map((one) => a.resized(one, ...size, a.BOX));
  }
  const [red, green, blue] = onPaper(channels);
  const grey = red.data.every((value, i) => value === green.data[i] && value === blue.data[i]);
  return { height: red.height, width: red.width, channels: grey ? [red] : [red, green, blue] };
}

// Transparent parts become paper: the opaque part's own colour, or ink's opposite.
function onPaper([red, green, blue, opacity]) {
  const opaque = opacity.data.map((value) => value > 127);
  const count = a.sum(opaque);
  const colours = [red, green, blue];
  if (count === opaque.length) return colours;
  if (!count) throw new Unreadable("NoInk", "Expected a character, found a wholly transparent picture.");
  const seen = colours.map((one) => one.data.filter((_, i) => opaque[i]));
  const percentile = (values, share) => a.between(values, share, (values.length - 1) * share);
  const spread = seen.map((values) => percentile(values, 0.95) - percentile(values, 0.05));
  let paper;
  if (count < opaque.length / 2 || Math.max(...spread) < 48) {
    const mean = a.sum(seen.map((values) => a.sum(Array.from(values)))) / (3 * count);
    paper = seen.map(() => (mean < 128 ? 255 : 0));
  } else {
    paper = seen.map((values) => Math.trunc(percentile(values, 0.5)));
  }
  return colours.map((one, c) => {
    const over = (value, i) => Math.round((value * opacity.data[i] + paper[c] * (255 - opacity.data[i])) / 255);
    return a.map(one, over, Uint8Array);
  });
}

// Brightness 0 … 1 of a picture or of a box of it (left, top, right, bottom), at most `side` long.
export function brightness({ height, width, channels }, box, side) {
  const [left, top, right, bottom] = box ?? [0, 0, width, height];
  const scale = Math.min(1, side / Math.max(right - left, bottom - top));
  const size = [bottom - top, right - left].map((one) => Math.max(1, a.round(one * scale)));
  if (scale < 1 || box) channels = channels.map((one) => a.reduced(one, ...size, [left, top, right, bottom]));
  const parts = channels.map((one) => a.map(one, (value) => value / 255));
  if (parts.length === 1) return parts[0];
  const [r, g, b] = weights(parts);
  return a.map(parts[0], (value, i) => r * value + g * parts[1].data[i] + b * parts[2].data[i]);
}

// How much red, green and blue count: their direction of greatest spread, sum of sizes 1.
function weights(parts) {
  const step = Math.max(1, Math.floor(parts[0].data.length / 1000));
  const some = parts.map(({ data }) => Array.from(data).filter((_, i) => i % step === 0));
  const off = some.map((values) => {
    const mean = a.sum(values) / values.length;
    return values.map((value) => value - mean);
  });
  const spread = off.map((one) => off.map((other) => a.sum(one.map((value, i) => value * other[i])) + 1e-6));
  const main = a.mainDirection(spread);
  const sign = Math.sign(a.sum(main)) || 1;
  const size = a.sum(main.map(Math.abs));
  return main.map((value) => (sign * value) / size);
}
