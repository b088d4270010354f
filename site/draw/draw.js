// The page to draw on: what each part of it does when something is drawn.

import { keep, kept, members, zipped } from "./collection.js";
import { loadNetwork } from "./network.js";
import { SIDE, createPad, drawBytes, drawStrokes, element, kind } from "./pad.js";
import { Unreadable } from "./pictures.js";
import { prepare } from "./prepare.js";

const STEPS = {
  picture: ["As drawn", "brightness, made small"],
  invert: ["Dark on light", "light ink on dark is turned round"],
  light: ["Light taken away", "paper becomes white whatever the light"],
  ruling: ["Ruling taken away", "straight lines of the paper"],
  specks: ["Specks taken away", "the character alone is left"],
  crop: ["Cropped", "wherever it stood, however small"],
  stroke: ["Stroke made even", "neither hair nor marker"],
  seen: ["28 × 28 pixels", "blurred and centred; the network sees this"],
};
const EXAMPLE = [
  [[96, 60], [94, 110], [95, 160], [93, 222]],
  [[94, 64], [130, 54], [166, 62], [178, 90], [164, 118], [130, 132], [98, 138]],
  [[124, 136], [150, 168], [176, 200], [196, 224]],
];
const LARGEST = 64_000_000; // pixels of a picture that is loaded

const $ = (id) => document.getElementById(id);

// --- light or dark, as the rest of the site ---------------------------------------------------

const dark = matchMedia("(prefers-color-scheme: dark)");
function scheme() {
  const mode = localStorage.getItem("mode");
  const chosen = mode === "light" || mode === "dark" ? mode : dark.matches ? "dark" : "light";
  document.documentElement.dataset.scheme = chosen;
}
scheme();
dark.addEventListener("change", scheme);

// --- the parts of the page --------------------------------------------------------------------

$("starting").remove();
const pad = createPad($("pad"), changed);
const steps = Object.fromEntries(
  Object.entries(STEPS).map(([name, [title, what]]) => {
    const figure = element(element($("steps"), "li"), "figure");
    const canvas = element(figure, "canvas", "", { role: "img", "aria-label": `${title}: nothing yet` });
    const caption = element(figure, "figcaption");
    element(caption, "strong", title);
    const said = element(caption, "span", what);
    return [name, { canvas, said, title, what }];
  }),
);

let network; // once it is loaded
let picture = null; // a loaded picture, as a canvas; strokes otherwise
let strokes = [];
let last = null; // the last reading: bytes, probabilities, maps
let turn = 0;

const loading = loadNetwork().then(
  (loaded) => {
    network = loaded;
    performance.mark("ready");
    $("state").textContent = "The network is ready; nothing that you draw leaves this browser.";
    return read(true);
  },
  (error) => {
    $("state").textContent = `The network could not be loaded (${error.message}). Reload the page, or try another browser.`;
    throw error;
  },
);

// --- reading ----------------------------------------------------------------------------------

// What is drawn, dark on white, or the picture that was loaded.
function sheet() {
  if (picture) return picture;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, SIDE, SIDE);
  drawStrokes(context, strokes, "black");
  return canvas;
}

function changed(drawn) {
  ({ strokes, picture } = drawn);
  read(drawn.done);
}

// Prepares what is drawn, reads it, and shows both. Only `done` strokes are read aloud.
async function read(done) {
  const mine = ++turn;
  const traced = {};
  last = null;
  let problem = "";
  if (strokes.length || picture) {
    try {
      const drawn = sheet();
      const image = drawn.getContext("2d").getImageData(0, 0, drawn.width, drawn.height);
      last = { bytes: prepare(image, (name, grid) => (traced[name] = grid)) };
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      problem = error.message;
    }
  }
  if (last && network) {
    const answer = await network.read(last.bytes);
    if (mine !== turn) return; // drawn on meanwhile
    Object.assign(last, answer);
  }
  refusal = problem;
  showReading(done);
  if (last?.probabilities) performance.mark("reading");
  showSteps(traced);
  showMaps();
}

let refusal = ""; // why the drawing was not read

function showReading(aloud) {
  const predictions = last?.probabilities ? best(last.probabilities) : [];
  pad.show({ seen: last?.bytes, predictions, problem: refusal }, aloud);
  download.disabled = !last;
  $("keep").disabled = !last;
}

// The five most probable classes, of all or of the digits alone.
function best(probabilities) {
  const digits = $("digits").checked;
  const some = network.names.map((name, i) => [name, probabilities[i]]).filter(([name]) => !digits || kindOf(name) === "D");
  const total = some.reduce((sum, [, share]) => sum + share, 0);
  return some
    .map(([name, share]) => [name, share / total])
    .sort((one, other) => other[1] - one[1])
    .slice(0, 5);
}
const kindOf = (name) => (/\d/.test(name) ? "D" : "");

function showSteps(traced) {
  let before = null;
  for (const [name, { canvas, said, title, what }] of Object.entries(steps)) {
    if (name === "seen") {
      canvas.width = canvas.height = 28;
      drawBytes(canvas, last?.bytes);
      canvas.setAttribute("aria-label", `${title}: ${last ? "what the network sees" : "nothing yet"}`);
      continue;
    }
    const grid = traced[name];
    canvas.width = grid?.width ?? 28;
    canvas.height = grid?.height ?? 28;
    const seen = name === "picture" || name === "invert";
    drawBytes(canvas, grid?.data.map((value) => 255 * Math.min(Math.max(seen ? value : 1 - value, 0), 1)) ?? new Uint8Array(784).fill(255));
    const same = before && grid && before.data.length === grid.data.length && grid.data.every((value, i) => Math.abs(value - before.data[i]) < 0.02);
    said.textContent = same && name !== "light" ? "nothing to do here" : what;
    canvas.setAttribute("aria-label", `${title}: ${grid ? said.textContent : "nothing yet"}`);
    before = grid;
  }
}

// Feature maps side by side, each as bright as its strongest answer, unless all of them are weak.
function showMaps() {
  const canvas = $("maps");
  const { height, width, count, data } = last?.maps ?? { height: 14, width: 14, count: 32, data: null };
  const columns = 8;
  canvas.width = columns * (width + 1) - 1;
  canvas.height = Math.ceil(count / columns) * (height + 1) - 1;
  const context = canvas.getContext("2d");
  const largest = (values) => values.reduce((one, other) => Math.max(one, other), 1e-6);
  const least = data ? 0.2 * largest(data) : 1;
  const tile = document.createElement("canvas");
  [tile.width, tile.height] = [width, height];
  for (let map = 0; map < count; map++) {
    const answers = Array.from({ length: height * width }, (_, i) => data?.[i * count + map] ?? 0);
    const most = Math.max(largest(answers), least);
    drawBytes(tile, Uint8Array.from(answers, (answer) => (255 * answer) / most));
    context.drawImage(tile, (map % columns) * (width + 1), Math.floor(map / columns) * (height + 1));
  }
}

for (const id of ["all", "digits"]) $(id).addEventListener("change", () => showReading(true));

// --- pictures in and out ----------------------------------------------------------------------

function save(blob, name) {
  const link = element(document.body, "a", "", { href: URL.createObjectURL(blob), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
  link.remove();
}

async function open(file) {
  try {
    const found = await createImageBitmap(file);
    if (found.width * found.height > LARGEST) throw new Error("more than 64 million pixels");
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [found.width, found.height];
    canvas.getContext("2d", { willReadFrequently: true }).drawImage(found, 0, 0);
    pad.replace([], canvas);
  } catch (error) {
    pad.show({ problem: `Expected a picture, as PNG or JPEG; “${file.name}” cannot be opened as one (${error.message}).` });
  }
}

pad.button("Show an example", () => pad.replace(EXAMPLE));
pad.button("Load a picture", () => $("file").click());
const download = pad.button("Download 28 × 28", () => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 28;
  drawBytes(canvas, last.bytes);
  canvas.toBlob((blob) => save(blob, "28x28.png"));
});
$("file").addEventListener("change", () => {
  if ($("file").files.length) open($("file").files[0]);
  $("file").value = ""; // so that the same file can be loaded again
});
$("pad").addEventListener("dragover", (event) => event.preventDefault());
$("pad").addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length) open(event.dataTransfer.files[0]);
});

// --- what was it really -----------------------------------------------------------------------

function showKept() {
  const all = kept();
  $("kept").replaceChildren();
  for (const { name, png } of all) {
    const item = element($("kept"), "li");
    element(item, "img", "", { src: png, alt: "" });
    element(item, "span", [name, kind(name)].filter(Boolean).join(", "));
  }
  $("count").textContent = all.length ? `${all.length} kept in this browser.` : "Nothing kept yet.";
  for (const id of ["download", "forget"]) $(id).disabled = !all.length;
}

$("really").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("name").value;
  if (!last || !/^[0-9A-Za-z]$/.test(name)) return;
  const drawn = sheet();
  const scale = Math.min(1, SIDE / Math.max(drawn.width, drawn.height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [drawn.width, drawn.height].map((side) => Math.max(1, Math.round(side * scale)));
  canvas.getContext("2d").drawImage(drawn, 0, 0, canvas.width, canvas.height);
  try {
    keep([...kept(), { name, png: canvas.toDataURL("image/png") }]);
  } catch {
    $("count").textContent = "This browser keeps no more: download what there is, then forget it.";
    return;
  }
  $("name").value = "";
  showKept();
  pad.replace([]);
  pad.canvas.focus();
});
$("download").addEventListener("click", () => save(zipped(members(kept())), "my_characters.zip"));
$("forget").addEventListener("click", () => {
  keep([]);
  showKept();
});

showKept();
read(false);
