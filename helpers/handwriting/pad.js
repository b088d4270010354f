// The drawing pad, in JupyterLab and on the site's page: strokes in, what a network sees and reads
// out. Who reads is no matter here: in JupyterLab Python does, on the site the browser itself.

export const SIDE = 280; // pixels of the sheet; Python draws the strokes on one of the same size
export const PEN = 16;
const EVERY = 150; // milliseconds between two answers while a stroke is being drawn
const STEP = 10; // pixels by which an arrow key moves the pen; with Shift a fifth of it
const FINE = 2; // pixels of the screen's canvas for each of the sheet
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ALIKE = ["0Oo", "1Il", "2Zz", "5Ss", "9gq", ..."CKMPUVWXY"].map((one) => (one.length > 1 ? one : one + one.toLowerCase()));

let pads = 0; // for names that are unique on a page

// A new element in another, with what it holds and its attributes.
export function element(parent, tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent.append(made);
  return made;
}

// Strokes on a canvas's context, in the pixels of the sheet.
export function drawStrokes(pen, strokes, colour) {
  Object.assign(pen, { strokeStyle: colour, lineWidth: PEN, lineCap: "round", lineJoin: "round" });
  for (const stroke of strokes) {
    pen.beginPath();
    stroke.forEach(([x, y]) => pen.lineTo(x, y));
    if (stroke.length === 1) pen.lineTo(stroke[0][0], stroke[0][1] + 0.01);
    pen.stroke();
  }
}

// Bytes, 28 × 28, as grey pixels.
export function drawBytes(canvas, bytes) {
  const pen = canvas.getContext("2d");
  const pixels = pen.createImageData(canvas.width, canvas.height);
  pixels.data.fill(255);
  for (let i = 0; i < canvas.width * canvas.height; i++)
    for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = bytes?.[i] ?? 0;
  pen.putImageData(pixels, 0, 0);
}

export const percent = (share) => (share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(share < 0.0995 || share >= 0.995 ? 1 : 0)} %`);

// What kind of character a name is: told where another looks like it.
export function kind(name) {
  if (!ALIKE.some((group) => group.includes(name))) return "";
  if (name >= "0" && name <= "9") return "digit";
  return name === name.toUpperCase() ? "capital" : "small";
}

// A sentence on those of the predictions that look alike, the best among them; "" if none does.
export function alike(predictions) {
  const group = ALIKE.find((one) => one.includes(predictions[0]?.[0])) ?? "";
  const found = predictions.filter(([name, share]) => group.includes(name) && share >= 0.01);
  if (found.length < 2) return "";
  const names = found.map(([name]) => name);
  const together = found.reduce((total, [, share]) => total + share, 0);
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)} look alike; together they have ${percent(together)}.`;
}

// A pad in `parent`. `changed({strokes, picture, done})` is called while a stroke is drawn, and at
// its end with done = true; the picture is a canvas that was put in the strokes' place, or null.
export function createPad(parent, changed) {
  const frame = element(parent, "div", "", { class: "pad", "data-lm-suppress-shortcuts": "true" });
  const pad = element(frame, "div", "", { class: "pad-parts" });
  const name = `pad-${++pads}`;
  const sheet = element(pad, "div", "", { class: "pad-sheet" });
  const canvas = element(sheet, "canvas", "", {
    class: "pad-canvas",
    tabindex: "0",
    role: "application",
    "aria-label": "Drawing pad: draw one character",
    "aria-describedby": `${name}-keys`,
  });
  canvas.width = canvas.height = FINE * SIDE;
  element(sheet, "div", "Draw one character here", { class: "pad-hint", "aria-hidden": "true" });
  const right = element(pad, "div", "", { class: "pad-read" });
  const figure = element(right, "figure", "", { class: "pad-figure" });
  const seen = element(figure, "canvas", "", { class: "pad-seen", role: "img", "aria-label": "What the network sees: nothing yet" });
  seen.width = seen.height = 28;
  element(figure, "figcaption", "What the network sees: 28 × 28 pixels");
  const list = element(right, "ol", "", { class: "pad-readings", "aria-label": "The five best readings" });
  const note = element(right, "p", "", { class: "pad-note" });
  const buttons = element(pad, "div", "", { class: "pad-buttons" });
  const keys = "Keys: arrows move the pen (with Shift less), Space puts it down and lifts it, Ctrl+Z undoes, Delete clears.";
  element(pad, "p", keys, { class: "pad-keys", id: `${name}-keys` });
  const status = element(pad, "p", "", { class: "pad-said", role: "status" });

  let strokes = [];
  let picture = null; // a canvas in the strokes' place, if one was loaded
  let before = []; // what undo goes back to
  let drawing = ""; // "pointer" or "keys" while a stroke is being drawn
  let told = 0;
  let pen = [SIDE / 2, SIDE / 2]; // where the keys' pen is
  let penShown = false;

  const say = (text) => (status.textContent = text);

  function draw() {
    const context = canvas.getContext("2d");
    context.setTransform(FINE, 0, 0, FINE, 0, 0);
    context.clearRect(0, 0, SIDE, SIDE);
    if (picture) {
      const scale = SIDE / Math.max(picture.width, picture.height);
      const [width, height] = [picture.width * scale, picture.height * scale];
      context.drawImage(picture, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
    }
    drawStrokes(context, strokes, getComputedStyle(canvas).color);
    pad.classList.toggle("pad-empty", !strokes.length && !picture);
    if (!penShown) return;
    Object.assign(context, { strokeStyle: getComputedStyle(pad).color, lineWidth: drawing ? 3 : 1.5 });
    context.beginPath();
    context.arc(...pen, PEN / 2 + 2, 0, 2 * Math.PI);
    for (const [dx, dy] of Object.values(ARROWS)) {
      context.moveTo(pen[0] + 5 * dx, pen[1] + 5 * dy);
      context.lineTo(pen[0] + 16 * dx, pen[1] + 16 * dy);
    }
    context.stroke();
  }
  function tell(done) {
    draw();
    if (!done && Date.now() - told < EVERY) return;
    told = Date.now();
    changed({ strokes: strokes.map((stroke) => [...stroke]), picture, done });
  }
  const remember = () => before.push([strokes.map((stroke) => [...stroke]), picture]);
  function begin(how, point) {
    remember();
    if (picture) strokes = [];
    picture = null;
    drawing = how;
    strokes.push([point]);
  }
  function end() {
    if (!drawing) return;
    drawing = "";
    tell(true);
  }
  function undo() {
    drawing = "";
    if (before.length) [strokes, picture] = before.pop();
    tell(true);
  }
  function replace(nextStrokes, nextPicture = null) {
    drawing = "";
    if (strokes.length || picture) remember();
    [strokes, picture] = [nextStrokes, nextPicture];
    tell(true);
  }

  // --- mouse, pen, finger

  function point(event) {
    const frame = canvas.getBoundingClientRect();
    const place = (at, from, length) => Math.round((10 * SIDE * (at - from)) / length) / 10;
    return [place(event.clientX, frame.left, frame.width), place(event.clientY, frame.top, frame.height)];
  }
  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    event.preventDefault(); // else a long press selects text
    canvas.focus({ preventScroll: true }); // so that Ctrl+Z is for the pad
    canvas.setPointerCapture(event.pointerId);
    end();
    penShown = false;
    begin("pointer", point(event));
    draw();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drawing !== "pointer" || !event.isPrimary) return;
    const events = event.getCoalescedEvents?.() ?? [];
    strokes.at(-1).push(...(events.length ? events : [event]).map(point));
    tell(false);
  });
  for (const type of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(type, (event) => event.isPrimary && drawing === "pointer" && end());
  }

  // --- keys

  function move([dx, dy], fine) {
    const step = fine ? STEP / 5 : STEP;
    pen = [pen[0] + step * dx, pen[1] + step * dy].map((at) => Math.min(Math.max(at, 0), SIDE));
    if (drawing) strokes.at(-1).push([...pen]);
    say(`${drawing ? "Drawing" : "Pen"} at ${Math.round(pen[0] / STEP)} across, ${Math.round(pen[1] / STEP)} down, of 28`);
    drawing ? tell(false) : draw();
  }
  function toggle() {
    if (drawing) {
      end();
      return;
    }
    begin("keys", [...pen]);
    say("Pen down");
    draw();
  }
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || drawing === "pointer") return;
    if (event.key in ARROWS || event.key === " ") {
      penShown = true;
      event.key === " " ? toggle() : move(ARROWS[event.key], event.shiftKey);
    } else if (event.key === "Delete") replace([]);
    else if (event.key === "Backspace") undo();
    else return;
    event.preventDefault();
  });
  canvas.addEventListener("focus", () => {
    penShown = canvas.matches(":focus-visible");
    draw();
  });
  canvas.addEventListener("blur", () => {
    penShown = false;
    end();
    draw();
  });
  pad.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the notebook has keys of its own
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    if (event.target.matches("input, textarea")) return;
    event.preventDefault();
    undo();
  });

  // --- buttons and answers

  function button(text, act) {
    const made = element(buttons, "button", text, { type: "button", class: "pad-button" });
    made.addEventListener("click", act);
    return made;
  }
  button("Undo", undo);
  button("Clear", () => replace([]));

  // What is seen (784 bytes or nothing), the best predictions as [name, probability], or a problem.
  function show({ seen: bytes, predictions = [], problem = "" }, aloud = true) {
    drawBytes(seen, bytes);
    const names = predictions.map(([name, share]) => `${name}${kind(name) && ` (${kind(name)})`} ${percent(share)}`);
    list.replaceChildren();
    for (const [name, share] of predictions) {
      const row = element(list, "li");
      element(row, "span", name, { class: "pad-name" });
      element(row, "span", kind(name), { class: "pad-kind" });
      element(element(row, "span", "", { class: "pad-track" }), "span", "", { class: "pad-bar", style: `width: ${100 * share}%` });
      element(row, "span", percent(share), { class: "pad-share" });
    }
    note.textContent = problem || (names.length ? alike(predictions) : "The five best readings appear here.");
    seen.setAttribute("aria-label", `What the network sees: ${bytes ? "your character, centred and scaled" : "nothing yet"}`);
    if (aloud) say(problem || (names.length ? `Read as ${names.slice(0, 3).join(", ")}. ${alike(predictions)}` : ""));
  }
  // Others' strokes, such as the kernel's; a stroke in progress goes on.
  function setStrokes(next) {
    if (drawing) return;
    strokes = next.map((stroke) => [...stroke]);
    draw();
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
  show({}, false);
  return { canvas, button, show, setStrokes, replace };
}

// --- JupyterLab -------------------------------------------------------------------------------

function render({ model, el }) {
  const pad = createPad(el, ({ strokes }) => {
    model.set("strokes", strokes);
    model.save_changes();
  });
  pad.button("Save as PNG", () => {
    const sheet = document.createElement("canvas");
    sheet.width = sheet.height = SIDE;
    const context = sheet.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, SIDE, SIDE);
    drawStrokes(context, model.get("strokes"), "black");
    element(el, "a", "", { href: sheet.toDataURL("image/png"), download: "drawing.png" }).click();
    el.lastChild.remove();
  });
  const bytes = (view) => view?.byteLength && new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const show = () =>
    pad.show({ seen: bytes(model.get("seen")), predictions: model.get("predictions"), problem: model.get("problem") });
  const redraw = () => pad.setStrokes(model.get("strokes"));
  model.on("change:seen change:predictions change:problem", show);
  model.on("change:strokes", redraw);
  redraw();
  show();
  return () => {
    model.off("change:seen change:predictions change:problem", show);
    model.off("change:strokes", redraw);
  };
}

export default { render };
