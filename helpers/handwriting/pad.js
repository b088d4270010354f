// The drawing pad: strokes go to Python, what the network sees and reads comes back.

const SIDE = 280; // pixels of the pad; Python draws the strokes anew on a sheet of this size
const PEN = 16;
const EVERY = 150; // milliseconds between two answers while a stroke is being drawn

function element(parent, tag, style = "", text = "") {
  const made = document.createElement(tag);
  made.style.cssText = style;
  made.textContent = text;
  parent.appendChild(made);
  return made;
}

function drawStrokes(canvas, strokes) {
  const pen = canvas.getContext("2d");
  pen.fillStyle = "white";
  pen.fillRect(0, 0, SIDE, SIDE);
  Object.assign(pen, { lineWidth: PEN, lineCap: "round", lineJoin: "round" });
  for (const stroke of strokes) {
    pen.beginPath();
    stroke.forEach(([x, y]) => pen.lineTo(x, y));
    if (stroke.length === 1) pen.lineTo(stroke[0][0], stroke[0][1] + 0.01);
    pen.stroke();
  }
}

function drawSeen(canvas, bytes) {
  const pen = canvas.getContext("2d");
  const pixels = pen.createImageData(28, 28);
  for (let i = 0; i < 784; i++) {
    const ink = bytes && bytes.byteLength === 784 ? bytes.getUint8(i) : 0;
    pixels.data.set([ink, ink, ink, 255], 4 * i);
  }
  pen.putImageData(pixels, 0, 0);
}

function drawPredictions(list, predictions) {
  list.replaceChildren();
  for (const [name, probability] of predictions) {
    const row = element(list, "div", "display:flex;align-items:center;gap:8px;height:22px");
    element(row, "span", "width:2.2em;font:bold 16px monospace", name);
    const width = Math.round(140 * probability);
    element(row, "span", `width:${width}px;height:12px;background:currentColor;opacity:0.6`);
    element(row, "span", "font:13px sans-serif", `${(100 * probability).toFixed(1)} %`);
  }
}

function render({ model, el }) {
  const box = element(el, "div", "display:flex;flex-wrap:wrap;gap:20px;padding:4px");
  const left = element(box, "div");
  const right = element(box, "div", "min-width:240px");
  const canvas = element(left, "canvas", "border:1px solid gray;touch-action:none;cursor:crosshair");
  canvas.width = canvas.height = SIDE;
  canvas.setAttribute("aria-label", "Drawing pad: draw one character");
  const buttons = element(left, "div", "display:flex;gap:8px;margin-top:6px");
  element(right, "div", "font:13px sans-serif", "What the network sees");
  const seen = element(right, "canvas", "width:112px;height:112px;image-rendering:pixelated");
  seen.width = seen.height = 28;
  const list = element(right, "div", "margin-top:8px");
  const problem = element(right, "div", "font:13px sans-serif;max-width:240px");
  list.setAttribute("aria-live", "polite");

  let strokes = [];
  let drawing = false;
  let told = 0;

  function tell(always) {
    if (!always && Date.now() - told < EVERY) return;
    told = Date.now();
    model.set("strokes", strokes.map((stroke) => stroke.slice()));
    model.save_changes();
  }
  function change(next) {
    strokes = next;
    drawStrokes(canvas, strokes);
    tell(true);
  }
  function point(event) {
    const frame = canvas.getBoundingClientRect();
    const place = (at, from, length) => Math.round((10 * SIDE * (at - from)) / length) / 10;
    return [
      place(event.clientX, frame.left + 1, frame.width - 2),
      place(event.clientY, frame.top + 1, frame.height - 2),
    ];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    drawing = true;
    strokes.push([point(event)]);
    drawStrokes(canvas, strokes);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drawing || !event.isPrimary) return;
    const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    strokes.at(-1).push(...(events.length ? events : [event]).map(point));
    drawStrokes(canvas, strokes);
    tell(false);
  });
  const end = (event) => {
    if (!drawing || !event.isPrimary) return;
    drawing = false;
    tell(true);
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);

  element(buttons, "button", "", "Undo").onclick = () => change(strokes.slice(0, -1));
  element(buttons, "button", "", "Clear").onclick = () => change([]);
  element(buttons, "button", "", "Save as PNG").onclick = () => {
    const link = document.createElement("a");
    link.href = canvas.toDataURL("image/png");
    link.download = "drawing.png";
    link.click();
  };

  function show() {
    drawSeen(seen, model.get("seen"));
    drawPredictions(list, model.get("predictions"));
    problem.textContent = model.get("problem");
  }
  function redraw() {
    if (drawing) return; // the answer to an earlier part of a stroke in progress
    strokes = model.get("strokes").map((stroke) => stroke.slice());
    drawStrokes(canvas, strokes);
  }
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
