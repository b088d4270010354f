// Which marks make one character, as helpers/handwriting/layout.py joins them. Boxes are left,
// top, right, bottom.

import * as a from "./arrays.js";
import * as ink from "./ink.js";
import { Unreadable } from "./pictures.js";

const MOST = 5000;
const WIDEST = 2.7;

const side = (box) => Math.max(box[2] - box[0], box[3] - box[1]);
const order = (values) => values.map((_, i) => i).sort((i, j) => values[i] - values[j] || i - j);

// The characters of a picture: box, and the numbers of their marks.
function characters({ labels, boxes, areas }, mask) {
  if (boxes.length > MOST) throw several(boxes.length);
  const stroke = ink.width(mask);
  const size = ink.typical(boxes.map(side).filter((one) => one > 2.1 * stroke));
  if (!size) return [];
  const large = areas.map((area) => area > 0.3 * stroke ** 2);
  return joined(boxes, large, size, labels)
    .map((marks) => ({ marks, box: around(marks.map((mark) => boxes[mark])), area: a.sum(marks.map((mark) => areas[mark])) }))
    .filter(({ box }) => side(box) > Math.max(0.35 * size, 2 * stroke));
}

const several = (count) =>
  new Unreadable("SeveralCharacters", `Expected one character, found ${count}. Draw one at a time.`);

// The pixels of the only character.
export function only(mask) {
  const parts = a.label(mask);
  let found = characters(parts, mask);
  if (!found.length) throw new Unreadable("NoInk", "Expected a character, found specks only. Draw it larger.");
  const edges = [0, 0, mask.width, mask.height];
  const most = Math.max(...found.map(({ area }) => area));
  const cut = found.map(({ box }) => box.map((at, i) => at === edges[i]));
  let amidst = found.map(({ area }, i) => !cut[i].some(Boolean) && area > 0.1 * most);
  if (cut.some((at) => at[1] && at[3]) || !amidst.some(Boolean)) amidst = found.map(({ area }) => area > 0.35 * most);
  found = found.filter((_, i) => amidst[i]);
  if (found.length > 1 && !dotted(found.map(({ box }) => box))) throw several(found.length);
  const kept = new Set(found.flatMap(({ marks }) => marks.map((mark) => mark + 1)));
  return a.mask(parts.labels, (number) => kept.has(number));
}

// Is this ink as wide as several characters, or has it as many strokes side by side?
export function crowded(mask) {
  mask = a.crop(mask, mask);
  const { height, width, data } = mask;
  const strokes = Array.from({ length: height }, (_, y) => {
    let count = 0;
    for (let x = 0; x < width; x++) if (data[y * width + x] && !(x && data[y * width + x - 1])) count++;
    return count;
  });
  return width > WIDEST * height || a.between(strokes, 0.7, 0.7 * (height - 1)) > 4;
}

// --- which marks belong together --------------------------------------------------------------

// Are these a stem and its dot?
function dotted(boxes) {
  if (boxes.length !== 2) return false;
  const [dot, stem] = [...boxes].sort((one, other) => one[1] - other[1]);
  const high = stem[3] - stem[1];
  const over = dot[0] < stem[2] && stem[0] < dot[2] && dot[3] <= stem[1] + 1;
  return over && stem[2] - stem[0] < 0.75 * high && side(dot) < 0.75 * high;
}

const around = (boxes) => [0, 1, 2, 3].map((i) => (i < 2 ? Math.min : Math.max)(...boxes.map((box) => box[i])));

// Lists of marks that make one character each: each mark, from the smallest on, joins the nearest
// one that it can belong to.
function joined(marks, large, size, labels) {
  const group = marks.map((_, i) => i);
  for (const mark of order(marks.map(side))) {
    if (!large[mark]) continue;
    const others = group.map((_, i) => i).filter((i) => large[i] && group[i] !== group[mark]);
    const gaps = others.map((other) => gap(marks[mark], marks[other], size));
    for (const place of order(gaps.map(([distance]) => distance))) {
      const [distance, touching] = gaps[place];
      if (distance === Infinity) break;
      const other = others[place];
      if (touching && !near(labels, marks, mark, other, size)) continue;
      const [from, to] = [group[mark], group[other]];
      group.forEach((one, i) => one === from && (group[i] = to));
      break;
    }
  }
  const all = group.filter((_, i) => large[i]);
  return [...new Set(all)].map((one) => group.map((_, i) => i).filter((i) => large[i] && group[i] === one));
}

// Is the ink of two marks a hair's breadth apart, or more where one is amidst the other?
function near(labels, marks, one, other, size) {
  const [first, second] = [marks[one], marks[other]];
  const shared = [0, 1].map((i) => Math.max(0, Math.min(first[i + 2], second[i + 2]) - Math.max(first[i], second[i])));
  const areas = [first, second].map((box) => (box[2] - box[0]) * (box[3] - box[1]));
  const reach = size * (0.05 + (0.2 * shared[0] * shared[1]) / Math.min(...areas));
  const far = Math.trunc(reach) + 1;
  const part = a.cut(
    labels,
    Math.max(first[1] - far, 0),
    Math.min(first[3] + far, labels.height),
    Math.max(first[0] - far, 0),
    Math.min(first[2] + far, labels.width),
  );
  if (!part.data.includes(other + 1)) return false;
  const away = a.distances(a.mask(part, (number) => number !== other + 1));
  return away.data.some((distance, i) => part.data[i] === one + 1 && distance - 1 <= reach);
}

// How far a mark is from another, and whether it has to touch to belong to it; Infinity if it
// cannot. A dot belongs to what it stands above, a bar to what it lies over or under.
function gap(mark, other, size) {
  const [left, top, right, bottom] = other;
  const beside = Math.max(left - mark[2], mark[0] - right);
  const apart = Math.max(top - mark[3], mark[1] - bottom);
  const narrower = Math.min(right - left, mark[2] - mark[0]);
  const middle = (left + right - mark[0] - mark[2]) / 2;
  const lower = Math.min(bottom - top, mark[3] - mark[1]);
  const own = side(mark);
  const short = Math.min(mark[2] - mark[0], mark[3] - mark[1]);
  const small = own < 0.45 * size && apart < 0.6 * size;
  const smaller = own < 0.6 * side(other) && own < 2.5 * short && apart < 0.4 * size;
  const dot = (small || smaller) && top >= mark[1] && beside < 0.25 * size && Math.abs(middle) < 0.6 * size;
  const bar = lower < 0.4 * size && beside < -0.5 * narrower && apart < 0.5 * size
    && own > 0.4 * size && side(other) > 0.4 * size;
  const touch = Math.max(beside, apart) < 0.05 * size;
  return [dot || bar || touch ? Math.max(apart, 0) + Math.max(beside, 0) : Infinity, !(dot || bar)];
}
