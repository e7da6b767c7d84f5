// The film of a training: the weights of some epochs, and linear interpolations of them.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const SIDE = 400, CELLS = 40, LINES = 13;
const COLOURS = ["#b4431f", "#2a6f97", "#6a8d2f", "#8a5a9e"];
let time = 1, playing = 0;

for (const run of data.runs) {
  run.numbers = unpack(run.weights);
  run.latents = Array.from({ length: 300 }, (_, i) => latentsOf(i, run.dim, run.kind));
}

// The inputs of a network: points or latents and, if it takes labels, the given label or
// those of all classes in turn.
function inputs(points, classes, n, label) {
  if (!classes) return [points];
  return [points, Float32Array.from({ length: n }, (_, i) => label ?? i % classes)];
}

// Both networks as they were at a time in [0, 1], and their weights.
function networksAt(run, t) {
  const last = run.epochs.length - 1, at = t * last, k = Math.min(Math.floor(at), last);
  const part = (j) => run.numbers.subarray(j * run.size, (j + 1) * run.size);
  const a = part(k), b = part(Math.min(k + 1, last));
  const weights = a.map((v, i) => v + (at - k) * (b[i] - v));
  const drawn = makeNetwork(run.generator, weights);
  const judged = makeNetwork(run.discriminator, weights);
  const generate = ([z], n) => drawn(inputs(z, run.classes, n), n);
  const judge = ([x], n, label) => judged(inputs(x, judgedClasses(run), n, label), n);
  return { generate, judge, weights };
}

// The number of classes if the discriminator takes labels, otherwise 0, as for AC-GAN.
function judgedClasses(run) {
  return run.labelled ? run.classes : 0;
}

// The share of the discriminator's weights that have the largest absolute value: in
// WGAN_clip, these are clipped.
function clipped(weights) {
  const most = weights.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  return weights.filter((v) => Math.abs(v) > 0.999 * most).length / weights.length;
}

// The share of the outputs of tanh and sigmoid units in the discriminator that are close
// to a bound, where the activation is flat.
function saturated(run, weights, fakes, n) {
  let flat = 0, all = 0;
  run.discriminator.layers.forEach((layer, i) => {
    if (layer.activation !== "tanh" && layer.activation !== "sigmoid") return;
    const low = layer.activation === "tanh" ? -1 : 0;
    const network = { ...run.discriminator, output: i + 1 };
    const given = inputs(fakes, judgedClasses(run), n);
    for (const v of makeNetwork(network, weights)(given, n)) {
      all++;
      if (v > 0.99 || v < low + 0.01) flat++;
    }
  });
  return all && flat / all;
}

// The position of point `i` on the canvas. In one dimension the points lie on a band, and
// the number of a point gives its height there.
function placeOf(run, points, i, band) {
  const [low, high] = run.bounds, to = (v) => ((v - low) / (high - low)) * SIDE;
  if (run.points === 2) return [to(points[2 * i]), SIDE - to(points[2 * i + 1])];
  return [to(points[i]), SIDE * (band + 0.25 * ((i * 0.618) % 1))];
}

function drawField(context, run, judge) {
  const [low, high] = run.bounds, step = (high - low) / CELLS, cell = SIDE / CELLS;
  const rows = run.points === 1 ? 1 : CELLS, points = [];
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < CELLS; x++) {
      points.push(low + (x + 0.5) * step);
      if (run.points === 2) points.push(high - (y + 0.5) * step);
    }
  // If the discriminator takes labels, draw the mean of its outputs over the classes.
  const grid = Float32Array.from(points), classes = judgedClasses(run) || 1;
  const values = new Float32Array(CELLS * rows);
  for (let label = 0; label < classes; label++)
    judge([grid], CELLS * rows, label).forEach((v, i) => { values[i] += v / classes; });
  const sorted = values.slice().sort(), middle = sorted[values.length >> 1];
  const reach = Math.max(sorted.at(-1) - middle, middle - sorted[0]) || 1;
  values.forEach((v, i) => {
    const far = (v - middle) / reach, y = Math.floor(i / CELLS) * cell;
    context.fillStyle = far > 0 ? `rgba(42,111,151,${far})` : `rgba(180,67,31,${-far})`;
    context.fillRect((i % CELLS) * cell, y, cell, rows === 1 ? SIDE : cell);
  });
}

function drawPoints(context, run, points, colour, band) {
  context.fillStyle = colour;
  for (let i = 0; i < points.length / run.points; i++) {
    const [x, y] = placeOf(run, points, i, band);
    context.fillRect(x - 1.5, y - 1.5, 3, 3);
  }
}

// Draw the gradients of the discriminator at some fakes, by finite differences.
function drawArrows(context, run, judge, fakes) {
  const eps = (run.bounds[1] - run.bounds[0]) / 1000, some = fakes.subarray(0, 60 * run.points);
  const slopes = Array.from({ length: run.points }, (_, axis) => {
    const moved = (by) => some.map((v, i) => v + (i % run.points === axis ? by : 0));
    const up = judge([moved(eps)], 60), down = judge([moved(-eps)], 60);
    return up.map((v, i) => v - down[i]);
  });
  const longest = Math.max(...slopes[0].map((v, i) => Math.hypot(v, slopes.at(-1)[i])), 1e-12);
  context.strokeStyle = "#111";
  context.beginPath();
  for (let i = 0; i < 60; i++) {
    const [x, y] = placeOf(run, some, i, 0.7), far = slopes.map((s) => (30 * s[i]) / longest);
    context.moveTo(x, y);
    context.lineTo(x + far[0], y - (far[1] || 0));
  }
  context.stroke();
}

// Draw the lines of a grid of latents where the generator puts them.
function drawFolds(context, run, generate) {
  if (run.dim !== 2 || run.points !== 2) return;
  const high = run.kind === "normal" ? 2 : 1, low = run.kind === "uniform" ? 0 : -high;
  const along = (i, n) => low + ((high - low) * i) / (n - 1);
  context.strokeStyle = "#8a5a9e";
  context.beginPath();
  for (let line = 0; line < 2 * LINES; line++) {
    const axis = line % 2, z = new Float32Array(80);
    for (let i = 0; i < 40; i++) {
      z[2 * i + axis] = along(Math.floor(line / 2), LINES);
      z[2 * i + 1 - axis] = along(i, 40);
    }
    const points = generate([z], 40);
    for (let i = 0; i < 40; i++)
      context[i ? "lineTo" : "moveTo"](...placeOf(run, points, i));
  }
  context.stroke();
}

function drawCurves(run, t) {
  const canvas = run.curves, context = canvas.getContext("2d"), { width, height } = canvas;
  const names = Object.keys(run.logs), all = names.flatMap((name) => run.logs[name]);
  const least = Math.min(...all), most = Math.max(...all, least + 1e-9);
  context.clearRect(0, 0, width, height);
  context.font = "12px system-ui";
  names.forEach((name, k) => {
    context.strokeStyle = context.fillStyle = COLOURS[k % COLOURS.length];
    context.fillText(name, 4 + 90 * k, 12);
    context.beginPath();
    run.logs[name].forEach((v, i, { length }) => {
      const y = height - ((height - 18) * (v - least)) / (most - least);
      context[i ? "lineTo" : "moveTo"]((width * (i + 1)) / length, y);
    });
    context.stroke();
  });
  context.fillStyle = "#888";
  context.fillRect(t * width - 1, 16, 2, height - 16);
}

function drawRun(run, t) {
  const { generate, judge, weights } = networksAt(run, t);
  const context = run.canvas.getContext("2d"), n = run.latents.length;
  const z = new Float32Array(n * run.dim);
  run.latents.forEach((one, i) => z.set(one, i * run.dim));
  const fakes = generate([z], n);
  context.fillStyle = "#fbfaf8";
  context.fillRect(0, 0, SIDE, SIDE);
  if (byId("field").checked) drawField(context, run, judge);
  if (byId("folds").checked) drawFolds(context, run, generate);
  drawPoints(context, run, Float32Array.from(run.real), "#1d1b19", 0.15);
  drawPoints(context, run, fakes, "#ffd23f", 0.7);
  if (byId("arrows").checked) drawArrows(context, run, judge, fakes);
  const shares = [clipped(weights.subarray(run.first)), saturated(run, weights, fakes, n)];
  const [clip, flat] = shares.map((share) => `${(100 * share).toFixed(0)}%`);
  run.told.textContent = `clipped weights ${clip}, saturated units ${flat}`;
  drawCurves(run, t);
}

function draw() {
  data.runs.forEach((run) => drawRun(run, time));
  const { epochs } = data.runs[0], epoch = epochs[0] + time * (epochs.at(-1) - epochs[0]);
  byId("now").textContent = `epoch ${epoch.toFixed(1)}`;
  byId("time").value = time;
}

// The whole film takes ten seconds at speed 1.
function play() {
  playing = playing ? 0 : performance.now();
  if (playing && time >= 1) time = 0;
  byId("play").setAttribute("aria-pressed", String(!!playing));
  if (playing) requestAnimationFrame(step);
}

function step() {
  if (!playing) return;
  const now = performance.now(), speed = Number(byId("speed").value);
  time = Math.min(1, time + ((now - playing) / 10000) * speed);
  playing = now;
  draw();
  if (time < 1) requestAnimationFrame(step);
  else play();
}

byId("title").textContent = document.title;
for (const run of data.runs) {
  const section = document.createElement("section");
  section.innerHTML = `<h2></h2><canvas class="plot"></canvas><p></p><canvas class="plot"
    width="400" height="140"></canvas>`;
  section.firstChild.textContent = run.name;
  [run.canvas, run.curves] = section.querySelectorAll("canvas");
  run.told = section.querySelector("p");
  run.canvas.width = run.canvas.height = SIDE;
  byId("runs").append(section);
}
byId("play").onclick = play;
byId("time").oninput = (event) => { time = Number(event.target.value); draw(); };
["field", "arrows", "folds"].forEach((id) => { byId(id).onchange = draw; });
document.onkeydown = (event) => {
  if (event.key !== " " || event.target.matches("input, button, select")) return;
  event.preventDefault();
  play();
};
draw();
