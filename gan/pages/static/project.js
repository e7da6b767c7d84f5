// Finds the latents that draw a user's picture best, by the Levenberg-Marquardt method, as
// gan/generators/polish.py does. It starts from the nearest of some random pictures.
const TRIED = 320, STARTS = 3, ROUNDS = 12, STEP = 0.01;

// The pictures of some latents, clipped to [0, 1] as on the screen, each in an array.
function seen(zs, labels) {
  const shown = picturesOf(outputs(zs, labels)).map((v) => Math.min(1, Math.max(0, v)));
  return zs.map((_, e) => shown.subarray(e * pixels, (e + 1) * pixels));
}

function meanSquare(a, b) {
  let sum = 0;
  for (let i = 0; i < pixels; i++) sum += (a[i] - b[i]) ** 2;
  return sum / pixels;
}

// Move latents back to the range of the sampler.
function held(z) {
  if (data.kind === "uniform") return z.map((v) => Math.min(1, Math.max(0, v)));
  if (data.kind === "symmetric") return z.map((v) => Math.min(1, Math.max(-1, v)));
  if (data.kind !== "spheric") return z;
  const length = Math.hypot(...z) || 1;
  return z.map((v) => v / length);
}

// The loss includes how unusual the length of normal latents is, with the weight PRIOR.
const PRIOR = data.kind === "normal" ? 1.5e-5 * data.dim : 0;
const excess = (z) => z.reduce((sum, v) => sum + v * v, 0) / z.length - 1;

// Solve matrix · x = right by Cholesky's method, for a symmetric positive definite matrix,
// of which the diagonal and the part below it are read.
function solve(matrix, right) {
  const n = right.length, low = matrix.map(() => new Float64Array(n));
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i][j];
      for (let k = 0; k < j; k++) sum -= low[i][k] * low[j][k];
      low[i][j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / low[j][j];
    }
  const x = Float64Array.from(right);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] -= low[i][k] * x[k];
    x[i] /= low[i][i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] -= low[k][i] * x[k];
    x[i] /= low[i][i];
  }
  return x;
}

// One step of the method for a start {z, label, drawn, loss, damping}, which it changes.
function improve(start, target) {
  const { z, label } = start, n = data.dim, sides = Math.sqrt(pixels);
  const near = Array.from(z, (_, i) => z.map((v, k) => v + (k === i ? STEP : 0)));
  const moved = seen(near, near.map(() => label)), long = excess(z);
  const slopes = moved.map((one, i) => {
    const row = new Float64Array(pixels + 1);
    for (let p = 0; p < pixels; p++) row[p] = (one[p] - start.drawn[p]) / (STEP * sides);
    row[pixels] = Math.sqrt(PRIOR) * 2 * z[i] / n;
    return row;
  });
  const missing = new Float64Array(pixels + 1);
  for (let p = 0; p < pixels; p++) missing[p] = (start.drawn[p] - target[p]) / sides;
  missing[pixels] = Math.sqrt(PRIOR) * long;
  const dot = (a, b) => {
    let sum = 0;
    for (let p = 0; p <= pixels; p++) sum += a[p] * b[p];
    return sum;
  };
  const normal = slopes.map((a, i) => slopes.map((b, j) => (j <= i ? dot(a, b) : 0)));
  const size = normal.reduce((sum, row, i) => sum + row[i], 0) / n + 1e-12;
  normal.forEach((row, i) => { row[i] += start.damping * size; });
  const step = solve(normal, slopes.map((row) => dot(row, missing)));
  const tried = held(z.map((v, i) => v - step[i])), [drawn] = seen([tried], [label]);
  const loss = meanSquare(drawn, target) + PRIOR * excess(tried) ** 2;
  const better = loss < start.loss;
  if (better) Object.assign(start, { z: tried, drawn, loss });
  start.damping *= better ? 0.2 : 5;
}

// The start {z, label, …} that ends nearest to a picture. `tell` is called with the share
// of the search that is done, from 0 to 1.
async function project(target, tell) {
  const pause = () => new Promise((go) => setTimeout(go)), starts = [];
  const kinds = (data.classes || [0]).length, part = 20;
  for (let first = 0; first < TRIED; first += part) {
    const zs = Array.from({ length: part }, (_, i) =>
      latentsOf(70000 + first + i, data.dim, data.kind));
    const labels = zs.map((_, i) => (first + i) % kinds);
    seen(zs, labels).forEach((drawn, i) => starts.push({ z: zs[i], label: labels[i],
      drawn: drawn.slice(), loss: meanSquare(drawn, target), damping: 0.01 }));
    tell(0.3 * first / TRIED);
    await pause();
  }
  const best = starts.sort((a, b) => a.loss - b.loss).slice(0, STARTS);
  for (let round = 0; round < ROUNDS; round++)
    for (const [k, start] of best.entries()) {
      improve(start, target);
      tell(0.3 + 0.7 * (round + (k + 1) / STARTS) / ROUNDS);
      await pause();
    }
  return best.sort((a, b) => a.loss - b.loss)[0];
}

// Read a picture file as numbers in [0, 1], cropped and resized to the page's pictures.
async function readPicture(file) {
  const image = await createImageBitmap(file), canvas = sized(byId("given"));
  const unit = Math.min(image.width / width, image.height / height);
  const [w, h] = [unit * width, unit * height], context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, (image.width - w) / 2, (image.height - h) / 2, w, h,
    0, 0, width, height);
  const { data: bytes } = context.getImageData(0, 0, width, height);
  const found = new Float32Array(pixels);
  for (let p = 0; p < width * height; p++) {
    const [r, g, b] = [0, 1, 2].map((c) => bytes[4 * p + c] / 255);
    if (channels === 1) found[p] = 0.299 * r + 0.587 * g + 0.114 * b;
    else found.set([r, g, b], 3 * p);
  }
  if (channels === 1) show(canvas, found);
  canvas.hidden = false;
  return found;
}

async function takeOwn(file) {
  const told = byId("found"), begun = takeOwn.begun = {};
  let target;
  try {
    target = await readPicture(file);
  } catch {
    told.textContent = "Your browser cannot read this file as a picture.";
    return;
  }
  const found = await project(target, (share) => {
    if (takeOwn.begun === begun) told.textContent = `Searching … ${Math.round(100 * share)}%`;
  });
  // Another picture may have been chosen in between.
  if (takeOwn.begun !== begun) return;
  state.label = found.label;
  byId("class").value = found.label;
  choose({ z: found.z });
  const error = Math.sqrt(meanSquare(found.drawn, target));
  told.textContent = "Found. The root mean square difference is " +
    `${(100 * error).toFixed(1)}% of the range from black to white.`;
}

byId("own").onchange = (event) => {
  if (event.target.files.length) takeOwn(event.target.files[0]);
};
document.ondragover = (event) => event.preventDefault();
document.ondrop = (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length) takeOwn(event.dataTransfer.files[0]);
};
