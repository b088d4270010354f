// What the preparation needs of NumPy, SciPy and Pillow, done as they do it.
//
// A grid is {height, width, data}: numbers row by row, Float32Array for densities and brightness,
// Uint8Array of 0 and 1 for masks.

export function grid(height, width, data = new Float32Array(height * width)) {
  return { height, width, data };
}

export function map(one, f, Type = Float32Array) {
  const data = new Type(one.data.length);
  for (let i = 0; i < data.length; i++) data[i] = f(one.data[i], i);
  return { height: one.height, width: one.width, data };
}

export const mask = (one, f) => map(one, (value, i) => (f(value, i) ? 1 : 0), Uint8Array);

export function transposed({ height, width, data }) {
  const turned = grid(width, height, new data.constructor(data.length));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) turned.data[x * height + y] = data[y * width + x];
  return turned;
}

// The part from row `top` to `bottom`, column `left` to `right`, both ends outside it.
export function cut({ width, data }, top, bottom, left, right) {
  const part = grid(bottom - top, right - left, new data.constructor((bottom - top) * (right - left)));
  for (let y = 0; y < part.height; y++) {
    const from = (top + y) * width + left;
    part.data.set(data.subarray(from, from + part.width), y * part.width);
  }
  return part;
}

// With zeros around it.
export function padded({ height, width, data }, top, bottom = top, left = top, right = top) {
  const wide = left + width + right;
  const large = grid(top + height + bottom, wide, new data.constructor((top + height + bottom) * wide));
  for (let y = 0; y < height; y++)
    large.data.set(data.subarray(y * width, (y + 1) * width), (y + top) * wide + left);
  return large;
}

// --- numbers ----------------------------------------------------------------------------------

export const clip = (value, low, high) => Math.min(Math.max(value, low), high);

// Halves go to the even neighbour, as in Python.
export function round(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 ? low + 1 : low;
}

export const highest = (values) => values.reduce((a, b) => (a > b ? a : b), -Infinity);
export const lowest = (values) => values.reduce((a, b) => (a < b ? a : b), Infinity);
export const sum = (values) => values.reduce((a, b) => a + b, 0);

const sorted = (values) => Float64Array.from(values).sort();

// Numpy places a share among 4-byte numbers with 4-byte numbers.
const placed = (count, share) => Math.fround((count - 1) * Math.fround(share));

// The value that this share of the values is below: one of them.
export const quantile = (values, share) => sorted(values)[Math.floor(placed(values.length, share))];

// The same, between two of them.
export function between(values, share, place = placed(values.length, share)) {
  const ordered = sorted(values);
  const low = Math.floor(place);
  const high = Math.min(low + 1, ordered.length - 1);
  return ordered[low] + (place - low) * (ordered[high] - ordered[low]);
}

export const median = (values) => between(values, 0.5, (values.length - 1) / 2);

// Solves a · x = b by Gauss's elimination with pivots.
export function solve(a, b) {
  const rows = a.map((row, i) => [...row, b[i]]);
  const n = rows.length;
  for (let k = 0; k < n; k++) {
    const pivot = rows.slice(k).reduce((best, row, i) => (Math.abs(row[k]) > Math.abs(rows[best][k]) ? k + i : best), k);
    [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const share = rows[i][k] / rows[k][k];
      for (let j = k; j <= n; j++) rows[i][j] -= share * rows[k][j];
    }
  }
  return rows.map((row, i) => row[n] / row[i]);
}

// The direction in which a symmetric 3 × 3 matrix stretches most, by Jacobi's rotations.
export function mainDirection(matrix) {
  const a = matrix.map((row) => [...row]);
  const v = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
  for (let sweep = 0; sweep < 20; sweep++) {
    for (const [p, q] of [[0, 1], [0, 2], [1, 2]]) {
      if (a[p][q] === 0) continue;
      const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
      const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
      const c = 1 / Math.hypot(t, 1);
      const s = t * c;
      for (let k = 0; k < 3; k++) [a[k][p], a[k][q]] = [c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]];
      for (let k = 0; k < 3; k++) [a[p][k], a[q][k]] = [c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]];
      for (let k = 0; k < 3; k++) [v[k][p], v[k][q]] = [c * v[k][p] - s * v[k][q], s * v[k][p] + c * v[k][q]];
    }
  }
  const best = [0, 1, 2].reduce((i, j) => (a[j][j] > a[i][i] ? j : i));
  return v.map((row) => row[best]);
}

// --- another size, as Pillow's resize ---------------------------------------------------------

const cubic = (x) => {
  x = Math.abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
};

export const BOX = { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };
export const BILINEAR = { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) };
export const BICUBIC = { support: 2, weight: cubic };

// For each of `count` new pixels the first old one that counts, and how much it and the next do.
function shares(size, start, end, count, filter) {
  const scale = (end - start) / count;
  const wide = Math.max(scale, 1);
  return Array.from({ length: count }, (_, place) => {
    const centre = start + (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - filter.support * wide + 0.5));
    const last = Math.min(size, Math.trunc(centre + filter.support * wide + 0.5));
    const weights = [];
    for (let x = first; x < last; x++) weights.push(filter.weight((x - centre + 0.5) / wide));
    const total = sum(weights);
    return { first, weights: weights.map((weight) => weight / total) };
  });
}

// Along rows. Bytes are weighed with whole numbers, in units of 2^-22, and rounded.
function resizedRows({ height, width, data }, start, end, count, filter) {
  const bytes = data instanceof Uint8Array;
  const made = grid(height, count, new data.constructor(height * count));
  const parts = shares(width, start, end, count, filter);
  if (bytes) for (const part of parts) part.weights = part.weights.map((w) => Math.trunc(w * 2 ** 22 + (w < 0 ? -0.5 : 0.5)));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < count; x++) {
      const { first, weights } = parts[x];
      let total = 0;
      for (let k = 0; k < weights.length; k++) total += weights[k] * data[y * width + first + k];
      made.data[y * count + x] = bytes ? clip(Math.floor((total + 2 ** 21) / 2 ** 22), 0, 255) : total;
    }
  }
  return made;
}

// A grid, or a part of it: box is left, top, right, bottom.
export function resized(one, height, width, filter, box = [0, 0, one.width, one.height]) {
  const [left, top, right, bottom] = box;
  if (width !== one.width || left || right !== width) one = resizedRows(one, left, right, width, filter);
  if (height !== one.height || top || bottom !== height)
    one = transposed(resizedRows(transposed(one), top, bottom, height, filter));
  return one;
}

// A part reduced to so many pixels by averages; of large parts, whole blocks are averaged first.
export function reduced(one, height, width, [left, top, right, bottom]) {
  const across = Math.trunc((right - left) / width / 3) || 1;
  const down = Math.trunc((bottom - top) / height / 3) || 1;
  if (across === 1 && down === 1) return resized(one, height, width, BOX, [left, top, right, bottom]);
  const blocks = grid(Math.ceil((bottom - top) / down), Math.ceil((right - left) / across), new Uint8Array(
    Math.ceil((bottom - top) / down) * Math.ceil((right - left) / across)));
  for (let y = 0; y < blocks.height; y++) {
    for (let x = 0; x < blocks.width; x++) {
      let total = 0;
      let count = 0;
      for (let i = top + y * down; i < Math.min(bottom, top + (y + 1) * down); i++)
        for (let j = left + x * across; j < Math.min(right, left + (x + 1) * across); j++, count++)
          total += one.data[i * one.width + j];
      blocks.data[y * blocks.width + x] = Math.floor(total / count + 0.5);
    }
  }
  return resized(blocks, height, width, BOX, [0, 0, (right - left) / across, (bottom - top) / down]);
}

// --- filters ----------------------------------------------------------------------------------

export const MIRRORED = "mirrored";

// Each row's values, each with `before` and `after` neighbours, through f(line, out), a row at a
// time. Beyond the edge a row goes on as its last pixel, mirrored, or as the number `outside`.
function alongRows({ height, width, data }, before, after, f, outside) {
  const made = grid(height, width);
  const line = new Float64Array(before + width + after);
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width, (y + 1) * width);
    if (outside === MIRRORED) {
      for (let i = 0; i < line.length; i++) {
        const at = (((i - before) % (2 * width)) + 2 * width) % (2 * width);
        line[i] = row[at < width ? at : 2 * width - 1 - at];
      }
    } else {
      line.fill(outside ?? row[0], 0, before);
      line.set(row, before);
      line.fill(outside ?? row[width - 1], before + width);
    }
    f(line, made.data.subarray(y * width, (y + 1) * width), before + after + 1);
  }
  return made;
}

const alongColumns = (one, filter) => transposed(filter(transposed(one)));

let queue = new Int32Array(1024);

// The largest of each window: places of ever smaller values wait in a queue.
function windowMaximum(line, out, size) {
  if (queue.length < line.length) queue = new Int32Array(line.length);
  let head = 0;
  let tail = 0;
  for (let i = 0; i < line.length; i++) {
    while (tail > head && line[queue[tail - 1]] <= line[i]) tail--;
    queue[tail++] = i;
    if (queue[head] <= i - size) head++;
    if (i >= size - 1) out[i - size + 1] = line[queue[head]];
  }
}

function windowMinimum(line, out, size) {
  for (let i = 0; i < line.length; i++) line[i] = -line[i];
  windowMaximum(line, out, size);
  for (let i = 0; i < out.length; i++) out[i] = -out[i];
}

const extreme = (f) => (one, size, outside) => alongRows(one, size >> 1, size >> 1, f, outside);
export const rowMaximum = extreme(windowMaximum);
export const rowMinimum = extreme(windowMinimum);
export const maximum = (one, size) => alongColumns(rowMaximum(one, size), (t) => rowMaximum(t, size));
export const minimum = (one, size) => alongColumns(rowMinimum(one, size), (t) => rowMinimum(t, size));

// The mean of a square window, mirrored at the edge; one of even side reaches further left and up.
export function uniform(one, size, outside) {
  const mean = (line, out) => {
    let total = 0;
    for (let i = 0; i < line.length; i++) {
      total += line[i] - (i >= size ? line[i - size] : 0);
      if (i >= size - 1) out[i - size + 1] = total / size;
    }
  };
  const rows = (grid) => alongRows(grid, size >> 1, size - 1 - (size >> 1), mean, outside);
  return rows(alongColumns(one, rows));
}

// Gaussian blur with a standard deviation of one pixel.
export function blurred(one) {
  const bell = Array.from({ length: 9 }, (_, i) => Math.exp(-0.5 * (i - 4) ** 2));
  const weights = bell.map((weight) => weight / sum(bell));
  const rows = (grid) =>
    alongRows(grid, 4, 4, (line, out) => {
      for (let x = 0; x < out.length; x++) {
        let total = 0;
        for (let k = 0; k < 9; k++) total += weights[k] * line[x + k];
        out[x] = total;
      }
    });
  return rows(alongColumns(one, rows));
}

// --- masks ------------------------------------------------------------------------------------

export const grown = (one) => mask(maximum(one, 3), (value) => value > 0);
export const shrunk = (one) => mask(minimum(one, 3), (value) => value > 0);

const FOUR = [[0, -1], [-1, 0], [1, 0], [0, 1]];
const EIGHT = [...FOUR, [-1, -1], [1, -1], [-1, 1], [1, 1]];

// Numbers the connected parts 1, 2, … in the order of their first pixels; boxes are left, top,
// right, bottom. Pixels connect at corners too if `eight`.
export function label(one, eight = true) {
  const { height, width, data } = one;
  const labels = new Int32Array(data.length);
  const boxes = [];
  const areas = [];
  const waiting = [];
  for (let start = 0; start < data.length; start++) {
    if (!data[start] || labels[start]) continue;
    const number = boxes.length + 1;
    const box = [width, height, 0, 0];
    let area = 0;
    labels[start] = number;
    waiting.push(start);
    while (waiting.length) {
      const at = waiting.pop();
      const x = at % width;
      const y = (at - x) / width;
      area++;
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x + 1);
      box[3] = Math.max(box[3], y + 1);
      for (const [dx, dy] of eight ? EIGHT : FOUR) {
        const [i, j] = [x + dx, y + dy];
        const next = j * width + i;
        if (i < 0 || j < 0 || i >= width || j >= height || !data[next] || labels[next]) continue;
        labels[next] = number;
        waiting.push(next);
      }
    }
    boxes.push(box);
    areas.push(area);
  }
  return { labels: { height, width, data: labels }, boxes, areas };
}

// The parts of `within` that hold a pixel of `seeds`.
export function propagated(seeds, within) {
  const { labels } = label(within);
  const kept = new Set();
  seeds.data.forEach((value, i) => value && kept.add(labels.data[i]));
  kept.delete(0);
  return mask(labels, (number) => kept.has(number));
}

// From each pixel the distance to the nearest 0, pixels (Felzenszwalb and Huttenlocher, 2012).
export function distances({ height, width, data }) {
  const far = 1e12;
  const square = Float64Array.from(data, (value) => (value ? far : 0));
  const longest = Math.max(height, width);
  const line = new Float64Array(longest);
  const places = new Int32Array(longest);
  const edges = new Float64Array(longest + 1);
  const pass = (offset, step, count) => {
    for (let i = 0; i < count; i++) line[i] = square[offset + i * step];
    let k = 0;
    places[0] = 0;
    edges[0] = -Infinity;
    edges[1] = Infinity;
    for (let q = 1; q < count; q++) {
      let at;
      do at = (line[q] + q * q - line[places[k]] - places[k] ** 2) / (2 * (q - places[k]));
      while (at <= edges[k] && k-- > 0);
      places[++k] = q;
      edges[k] = at;
      edges[k + 1] = Infinity;
    }
    k = 0;
    for (let q = 0; q < count; q++) {
      while (edges[k + 1] < q) k++;
      square[offset + q * step] = (q - places[k]) ** 2 + line[places[k]];
    }
  };
  for (let x = 0; x < width; x++) pass(x, width, height);
  for (let y = 0; y < height; y++) pass(y * width, 1, width);
  return { height, width, data: square.map(Math.sqrt) };
}

// Where a mask has anything: left, top, right, bottom; null where nothing.
export function bounds({ height, width, data }) {
  const box = [width, height, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!data[y * width + x]) continue;
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x + 1);
      box[3] = y + 1;
    }
  }
  return box[2] ? box : null;
}

// The part of a grid where a mask is true, and a margin where there is one.
export function crop(one, mask, margin = 0) {
  const [left, top, right, bottom] = bounds(mask);
  return cut(
    one,
    Math.max(top - margin, 0),
    Math.min(bottom + margin, one.height),
    Math.max(left - margin, 0),
    Math.min(right + margin, one.width),
  );
}
