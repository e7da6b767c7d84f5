// The page of a generator: one state, drawn anew whenever something changes it.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const [height, width, channels] = data.shape, pixels = height * width * channels;
const numbers = unpack(data.weights);
const generate = makeNetwork(data.generator, numbers);
const judge = data.discriminator && makeNetwork(data.discriminator, numbers);
const turned = data.kind === "normal" || data.kind === "symmetric";
const WALL = 20, PAD = 96;

const state = { seed: 1, label: 0, spread: 1, z: null, hard: false, moves: data.directions.map(() => 0) };
const kept = [2, 3, 4, 5].map((seed) => ({ z: drawn(seed), label: 0 }));
// The class of the wall; -1 means all classes in turn.
let wallClass = -1, wallSeed = 1000, cursor = 0, padAt = [0.5, 0.5], walking = 0, others = null;

function drawn(seed) {
  return latentsOf(seed, data.dim, data.kind, state.spread);
}

// The latents that are shown: those of the seed, or `state.z`, moved by the sliders.
function latents(moves = state.moves) {
  const z = Float32Array.from(state.z || drawn(state.seed));
  moves.forEach((far, k) => data.directions[k].forEach((v, i) => { z[i] += far * v; }));
  return z;
}

// The class that is shown or, if a slider changes the classes, a weight for each of them.
function kind(moves = state.moves) {
  const moved = moves.map((far, k) => far && data.mixes[k] ? k : -1).filter((k) => k >= 0);
  if (!moved.length) return state.label;
  return data.classes.map((_, i) => moved.reduce((sum, k) =>
    sum + moves[k] * data.mixes[k][i], Number(i === state.label)));
}

// The second input of a network: for each example the number of its class, the weights of
// all classes, or the vector that its class stands for.
function given(labels) {
  const { conditions } = data;
  if (labels.some(Array.isArray)) return Float32Array.from(labels.flat());
  return Float32Array.from(conditions ? labels.flatMap((k) => conditions[k]) : labels);
}

// Outputs (n, h, w, c) of the generator for latents, each with its class.
function outputs(zs, labels) {
  const flat = new Float32Array(zs.length * data.dim);
  zs.forEach((z, i) => flat.set(z, i * data.dim));
  return generate(data.classes ? [flat, given(labels)] : [flat], zs.length);
}

// Convert outputs to pictures, in which 0 is black and 1 is white.
function picturesOf(values) {
  if (!data.picture) return values;
  const [factor, shift] = data.picture.map(([at, n]) => numbers.subarray(at, at + n));
  return values.map((v, i) => v * factor[i % factor.length] + shift[i % shift.length]);
}

// Put pictures side by side on a canvas of `columns`, the first one at place `first`.
function show(canvas, values, columns = 1, first = 0) {
  const context = canvas.getContext("2d");
  for (let e = 0; e < values.length / pixels; e++) {
    const image = context.createImageData(width, height);
    for (let p = 0; p < width * height; p++)
      for (let c = 0; c < 3; c++)
        image.data[4 * p + c] = 255 * values[e * pixels + p * channels + c % channels];
    for (let p = 0; p < width * height; p++) image.data[4 * p + 3] = 255;
    const at = first + e;
    context.putImageData(image, at % columns * width, Math.floor(at / columns) * height);
  }
}

function sized(canvas, columns = 1, rows = 1) {
  canvas.width = columns * width;
  canvas.height = rows * height;
  return canvas;
}

function drawFace() {
  const made = outputs([latents()], [kind()]), shown = picturesOf(made);
  show(byId("face"), shown);
  if (judge) tellOpinion(made);
  if (data.nearest) showNearest(shown);
}

function opinionsOf(made, labels) {
  const { labelled, outputs: per } = data.discriminator;
  const said = judge(labelled ? [made, given(labels)] : [made], labels.length);
  return said.filter((_, i) => i % per === 0);
}

function tellOpinion(made) {
  if (!others) {
    const labels = Array.from({ length: 100 }, (_, i) => i % (data.classes || [0]).length);
    others = opinionsOf(outputs(labels.map((_, i) => drawn(5000 + i)), labels), labels);
  }
  const [value] = opinionsOf(made, [state.label]);
  const below = others.filter((v) => v < value).length;
  byId("opinion").textContent = `The discriminator gives this picture the score ` +
    `${value.toFixed(2)}: it looks more real than ${below} of 100 other fakes.`;
}

function showNearest(shown) {
  const bytes = data.seen || (data.seen = Uint8Array.from(atob(data.nearest),
    (c) => c.charCodeAt(0)));
  let best = 0, least = Infinity;
  for (let e = 0; e < bytes.length / pixels; e++) {
    let sum = 0;
    for (let i = 0; i < pixels && sum < least; i++)
      sum += (bytes[e * pixels + i] / 255 - shown[i]) ** 2;
    if (sum < least) [best, least] = [e, sum];
  }
  const found = bytes.slice(best * pixels, (best + 1) * pixels);
  show(byId("nearest"), Float32Array.from(found, (v) => v / 255));
}

// Draw a small picture at both ends of each slider.
function drawEnds() {
  data.directions.forEach((_, k) => {
    ["low", "high"].forEach((end, i) => {
      const far = data.names[k] ? 2 : 4, moves = state.moves.with(k, i ? far : -far);
      show(byId(`${end}${k}`), picturesOf(outputs([latents(moves)], [kind(moves)])));
    });
  });
}

function labelAt(place) {
  return wallClass < 0 ? place % (data.classes || [0]).length : wallClass;
}

// Draw the wall in parts, between which the page can react to the user.
function drawWall() {
  const canvas = sized(byId("wall"), WALL, WALL), begun = drawWall.begun = {};
  const part = 2 * WALL, count = WALL * WALL;
  drawWall.started = performance.now();
  (function next(first) {
    if (drawWall.begun !== begun) return;
    const seeds = Array.from({ length: part }, (_, i) => wallSeed + first + i);
    const labels = seeds.map((_, i) => labelAt(first + i));
    show(canvas, picturesOf(outputs(seeds.map(drawn), labels)), WALL, first);
    if (first + part < count) setTimeout(next, 0, first + part);
    else drawWall.took = performance.now() - drawWall.started;
  })(0);
}

// Latents between the four kept ones. Normal and spheric latents get the mean length of the
// four, because a shorter vector would be unusual.
function mixed([x, y]) {
  const shares = [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y];
  const z = new Float32Array(data.dim);
  kept.forEach((one, k) => one.z.forEach((v, i) => { z[i] += shares[k] * v; }));
  if (data.kind !== "normal" && data.kind !== "spheric") return z;
  const wanted = kept.reduce((sum, one, k) => sum + shares[k] * Math.hypot(...one.z), 0);
  const length = Math.hypot(...z) || 1;
  return z.map((v) => v * wanted / length);
}

function drawPad() {
  const canvas = sized(byId("pad"), 5, 5), steps = [0, 0.25, 0.5, 0.75, 1];
  const zs = steps.flatMap((y) => steps.map((x) => mixed([x, y])));
  show(canvas, picturesOf(outputs(zs, zs.map(() => state.label))), 5);
  const context = canvas.getContext("2d");
  context.strokeStyle = getComputedStyle(document.body).getPropertyValue("--accent");
  context.lineWidth = Math.max(1, width / 16);
  const [x, y] = padAt.map((v, i) => (0.1 + 0.8 * v) * [canvas.width, canvas.height][i]);
  context.strokeRect(x - width / 8, y - height / 8, width / 4, height / 4);
}

function drawCorners() {
  kept.forEach(({ z, label }, k) => show(byId(`corner${k}`), picturesOf(outputs([z], [label]))));
}

function setMoves(values) {
  state.moves = data.directions.map((_, k) => values[k] || 0);
  state.moves.forEach((v, k) => { byId(`move${k}`).value = v; });
}

// Show another picture: that of a seed, or that of given latents.
function choose({ seed = null, z = null, moves = [] }) {
  if (seed !== null) state.seed = seed >>> 0;
  state.z = z && Float32Array.from(z);
  setMoves(moves);
  changed();
}

function changed() {
  drawFace();
  drawEnds();
  history.replaceState(null, "", hash());
}

function hash() {
  const parts = [state.z ? `z=${Array.from(state.z, (v) => +v.toFixed(4))}`
    : `seed=${state.seed}`];
  if (data.classes) parts.push(`class=${encodeURIComponent(data.classes[state.label])}`);
  if (state.spread !== 1) parts.push(`spread=${state.spread}`);
  if (state.hard) parts.push("pixels=1");
  if (state.moves.some((v) => v)) parts.push(`move=${state.moves}`);
  return `#${parts.join("&")}`;
}

// Read the state from the link; parts that are not valid are ignored.
function readHash() {
  const said = new URLSearchParams(location.hash.slice(1));
  const list = (name) => (said.get(name) || "").split(",").map(Number).filter(isFinite);
  const spread = Number(said.get("spread") || 1), asked = said.get("class") || 0;
  // Look for a name first, because names can be numbers, such as the digits 1 to 9.
  const names = data.classes || [], place = names.indexOf(asked);
  const label = place < 0 ? Number(asked) : place;
  if (label in names) state.label = label;
  setHard(said.get("pixels") === "1");
  if (turned && spread >= 0 && spread <= 2) state.spread = spread;
  byId("class").value = state.label;
  byId("spread").value = state.spread;
  const z = said.has("z") ? list("z") : [];
  const seed = Number(said.get("seed") || 1);
  const whole = z.length === data.dim;
  choose({ seed: isFinite(seed) ? seed : 1, z: whole ? z : null, moves: list("move") });
}

// Show the picture smoothly, or each pixel as a square.
function setHard(hard) {
  state.hard = hard;
  byId("face").classList.toggle("smooth", !hard);
  byId("pixels").setAttribute("aria-pressed", String(hard));
}

function newSeed() {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}

// Walk from one random picture to the next; each way takes about two seconds.
function walk() {
  walking = walking ? 0 : requestAnimationFrame(step);
  byId("walk").setAttribute("aria-pressed", String(!!walking));
  if (walking) Object.assign(walk, { from: latents(), to: drawn(newSeed()), begun: 0 });
}

function step(now) {
  if (!walking) return;
  if (!walk.begun) walk.begun = now;
  const t = Math.min(1, (now - walk.begun) / 2000), s = t * t * (3 - 2 * t);
  choose({ z: walk.from.map((v, i) => (1 - s) * v + s * walk.to[i]) });
  if (t === 1) Object.assign(walk, { from: walk.to, to: drawn(newSeed()), begun: now });
  walking = requestAnimationFrame(step);
}

function save() {
  const large = document.createElement("canvas"), times = Math.ceil(512 / width);
  large.width = width * times;
  large.height = height * times;
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = !state.hard;
  context.imageSmoothingQuality = "high";
  context.drawImage(byId("face"), 0, 0, large.width, large.height);
  const link = document.createElement("a");
  link.download = `${hash().slice(1, 40).replace(/[^\w.=-]/g, "_")}.png`;
  link.href = large.toDataURL();
  link.click();
  return link;
}

function copyLink() {
  const told = (text) => { byId("link").textContent = text; };
  navigator.clipboard.writeText(location.href).then(() => told("Copied"),
    () => told("Copy it from the address bar"));
}

// The position of the pointer on a canvas, as shares of the canvas's sides.
function shares(event) {
  const box = event.target.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

function pick(place) {
  cursor = place;
  if (data.classes) byId("class").value = state.label = labelAt(place);
  choose({ seed: wallSeed + place });
}

function mixAt(x, y) {
  const inside = (v) => Math.min(1, Math.max(0, v));
  padAt = [inside(x), inside(y)];
  choose({ z: mixed(padAt) });
  drawPad();
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1],
  ArrowDown: [0, 1] };

function listen() {
  byId("new").onclick = () => choose({ seed: newSeed() });
  byId("walk").onclick = walk;
  byId("save").onclick = save;
  byId("link").onclick = copyLink;
  byId("pixels").onclick = () => { setHard(!state.hard); changed(); };
  byId("reset").onclick = () => { setMoves([]); changed(); };
  byId("others").onclick = () => { wallSeed = newSeed(); drawWall(); };
  byId("class").onchange = (event) => {
    state.label = Number(event.target.value);
    changed();
    drawPad();
  };
  byId("wallclass").onchange = (event) => {
    wallClass = Number(event.target.value);
    drawWall();
  };
  byId("spread").oninput = (event) => {
    state.spread = Number(event.target.value);
    changed();
  };
  byId("spread").onchange = drawWall;
  byId("wall").onclick = (event) => {
    const [x, y] = shares(event).map((v) => Math.min(WALL - 1, Math.floor(v * WALL)));
    pick(y * WALL + x);
  };
  byId("wall").onkeydown = (event) => {
    const [x, y] = ARROWS[event.key] || [0, 0], next = cursor + x + WALL * y;
    if (!(event.key in ARROWS) && event.key !== "Enter") return;
    event.preventDefault();
    pick(next >= 0 && next < WALL * WALL ? next : cursor);
  };
  byId("pad").onpointerdown = byId("pad").onpointermove = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    mixAt(...shares(event).map((v) => (v - 0.1) / 0.8));
  };
  byId("pad").onkeydown = (event) => {
    if (!(event.key in ARROWS)) return;
    event.preventDefault();
    const [x, y] = ARROWS[event.key];
    mixAt(padAt[0] + x / 8, padAt[1] + y / 8);
  };
  const keys = { n: "new", w: "walk", s: "save", l: "link", p: "pixels" };
  document.onkeydown = (event) => {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (plain && event.target.tagName !== "SELECT" && event.key in keys)
      byId(keys[event.key]).click();
  };
  window.onhashchange = readHash;
}

function build() {
  byId("title").textContent = document.title;
  byId("size").textContent = `${numbers.length.toLocaleString("en")} parameters`;
  ["face", "nearest"].forEach((id) => sized(byId(id)));
  byId("beside").hidden = !data.nearest;
  byId("opinion").hidden = !judge;
  byId("spreading").hidden = !turned;
  (data.classes || []).forEach((name, i) => {
    byId("class").append(new Option(name, i));
    byId("wallclass").append(new Option(name, i));
  });
  ["class", "wallclass"].forEach((id) => { byId(id).hidden = !data.classes; });
  data.directions.forEach((_, k) => {
    const label = document.createElement("label");
    label.className = "slider";
    label.innerHTML = `<canvas id="low${k}"></canvas><input id="move${k}" type="range"
      min="-4" max="4" step="0.1" value="0" aria-label="direction ${k + 1}">
      <canvas id="high${k}"></canvas>`;
    const name = data.names[k];
    if (name) {
      const said = document.createElement("span");
      said.textContent = name;
      label.prepend(said);
      const move = label.querySelector("input");
      Object.assign(move, { min: -2, max: 2, ariaLabel: name });
    }
    byId("sliders").append(label);
    ["low", "high"].forEach((end) => sized(byId(`${end}${k}`)));
    byId(`move${k}`).oninput = (event) => {
      state.moves[k] = Number(event.target.value);
      drawFace();
      history.replaceState(null, "", hash());
    };
    byId(`move${k}`).onchange = drawEnds;
  });
  kept.forEach((_, k) => {
    const button = document.createElement("button");
    button.innerHTML = `<canvas id="corner${k}" class="corner"></canvas>`;
    button.ariaLabel = `keep the picture in corner ${k + 1}`;
    button.onclick = () => {
      kept[k] = { z: latents(), label: state.label };
      drawCorners();
      drawPad();
    };
    byId("corners").append(button);
    sized(byId(`corner${k}`));
  });
}

build();
listen();
readHash();
const firstAfter = performance.now();
requestAnimationFrame(() => setTimeout(() => { drawCorners(); drawPad(); drawWall(); }));
