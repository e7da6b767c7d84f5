// The page of a network that makes pictures from pictures: the user can draw on the input,
// and each change makes a new output.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const numbers = unpack(data.weights), translate = makeNetwork(data.network, numbers);
const [inHeight, inWidth, inChannels] = data.input;
const masked = data.kind === "hole", painted = inChannels - (masked ? 1 : 0);
const [low, high] = data.range;

// `whole` is the picture before the user has drawn on it, and `input` is the input of the
// network; both are in [0, 1], as arrays of (height, width, channels).
const state = { whole: null, input: null, seed: 1, example: 0 };

const luma = (r, g, b) => 0.299 * r + 0.587 * g + 0.114 * b;

// From a picture of the shape data.source to the picture channels of the network's input,
// as the layers of gan/conditions compute them in training.
const MADE = {
  none: (x) => x,
  hole: (x) => x,
  grey: (x) => Float32Array.from({ length: x.length / 3 },
    (_, i) => luma(x[3 * i], x[3 * i + 1], x[3 * i + 2])),
  shrunk(x) {
    const [, w, c] = data.source, f = data.factor;
    const out = new Float32Array(inHeight * inWidth * c);
    for (let i = 0; i < x.length; i++) {
      const k = i % c, p = (i - k) / c, y = Math.floor(p / w), q = p % w;
      out[(Math.floor(y / f) * inWidth + Math.floor(q / f)) * c + k] += x[i] / (f * f);
    }
    return out;
  },
  edges(x) {
    const [h, w, c] = data.source, grey = c === 3 ? MADE.grey(x) : x;
    // At the border the picture is mirrored, without its outermost pixels.
    const at = (y, q) => grey[(y < 0 ? 1 : y >= h ? h - 2 : y) * w +
      (q < 0 ? 1 : q >= w ? w - 2 : q)];
    return Float32Array.from({ length: h * w }, (_, i) => {
      const y = Math.floor(i / w), q = i % w;
      let down = 0, across = 0;
      for (const d of [-1, 0, 1]) {
        const weight = d ? 1 : 2;
        down += weight * (at(y + 1, q + d) - at(y - 1, q + d));
        across += weight * (at(y + d, q + 1) - at(y + d, q - 1));
      }
      return 1 - Math.min(1, Math.sqrt(down * down + across * across + 1e-12) / 2);
    });
  },
};

// The network's input: the picture channels and, if it takes one, the mask.
function withMask(picture, mask) {
  if (!masked) return Float32Array.from(picture);
  const out = new Float32Array(inHeight * inWidth * inChannels);
  for (let p = 0; p < inHeight * inWidth; p++) {
    for (let k = 0; k < painted; k++)
      out[p * inChannels + k] = mask[p] ? 0.5 : picture[p * painted + k];
    out[p * inChannels + painted] = mask[p];
  }
  return out;
}

// What the network makes of the input, in [0, 1].
function outputs(input) {
  const given = input.map((v, i) =>
    masked && i % inChannels === painted ? v : low + (high - low) * v);
  const latents = data.latents && latentsOf(state.seed, ...data.latents);
  return translate(latents ? [latents, given] : [given], 1)
    .map((v) => Math.min(1, Math.max(0, (v - low) / (high - low))));
}

function show(canvas, values, [h, w, c], channels = c) {
  canvas.width = w;
  canvas.height = h;
  const context = canvas.getContext("2d"), image = context.createImageData(w, h);
  for (let p = 0; p < w * h; p++) {
    for (let k = 0; k < 3; k++)
      image.data[4 * p + k] = Math.round(255 * values[p * c + k % channels]);
    image.data[4 * p + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

function changed() {
  const begun = performance.now(), made = outputs(state.input);
  show(byId("given"), state.input, data.input, painted);
  show(byId("made"), made, data.output);
  byId("told").textContent = `Made in ${Math.ceil(performance.now() - begun)} ms.`;
}

// Start with a picture of the shape data.source.
function start(picture) {
  state.whole = MADE[data.kind](picture);
  reset();
}

function reset() {
  state.input = withMask(state.whole, data.hole);
  changed();
}

function startWithExample() {
  const bytes = Uint8Array.from(atob(data.examples), (c) => c.charCodeAt(0));
  const size = data.source.reduce((a, b) => a * b, 1), count = bytes.length / size;
  if (!count) return start(new Float32Array(size).fill(1));
  const at = (state.example++ % count) * size;
  start(Float32Array.from(bytes.subarray(at, at + size), (v) => v / 255));
}

// Take a picture of any size: crop it around its middle, and put it on white.
function take(image) {
  const [h, w, c] = data.source, canvas = document.createElement("canvas");
  canvas.width = w;
  canvas.height = h;
  const context = canvas.getContext("2d"), unit = Math.min(image.width / w, image.height / h);
  context.imageSmoothingQuality = "high";
  context.fillStyle = "white";
  context.fillRect(0, 0, w, h);
  context.drawImage(image, (image.width - unit * w) / 2, (image.height - unit * h) / 2,
    unit * w, unit * h, 0, 0, w, h);
  const bytes = context.getImageData(0, 0, w, h).data, out = new Float32Array(h * w * c);
  for (let p = 0; p < h * w; p++) {
    const [r, g, b] = bytes.subarray(4 * p, 4 * p + 3);
    if (c === 1) out[p] = luma(r, g, b) / 255;
    else [r, g, b].forEach((v, k) => { out[p * c + k] = v / 255; });
  }
  start(out);
}

function takeFile(file) {
  if (!file) return;
  createImageBitmap(file).then(take, () => {
    byId("told").textContent = `Your browser cannot read ${file.name} as a picture.`;
  });
}

// Draw at a pixel of the input: make a hole, or paint with the brush.
function mark(x, y) {
  const wide = masked ? Math.max(1, Math.round(inWidth / 16)) : 0;
  const code = parseInt(byId("brush").value.slice(1), 16);
  const colour = [code >> 16, (code >> 8) & 255, code & 255].map((v) => v / 255);
  for (let j = y - wide; j <= y + wide; j++)
    for (let i = x - wide; i <= x + wide; i++) {
      if (i < 0 || j < 0 || i >= inWidth || j >= inHeight) continue;
      const at = (j * inWidth + i) * inChannels;
      for (let k = 0; k < painted; k++)
        state.input[at + k] = masked ? 0.5 : painted === 1 ? luma(...colour) : colour[k];
      if (masked) state.input[at + painted] = 1;
    }
}

function save() {
  const link = document.createElement("a");
  link.download = "made.png";
  link.href = byId("made").toDataURL();
  link.click();
  return link;
}

function listen() {
  const given = byId("given");
  let begun = false;
  given.onpointerdown = given.onpointermove = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    if (event.type === "pointerdown") {
      // The user's own hole replaces the one with which the page began.
      if (masked && !begun) state.input = withMask(state.whole, new Float32Array(inHeight * inWidth));
      begun = true;
      if (event.pointerId) given.setPointerCapture(event.pointerId);
    }
    const box = given.getBoundingClientRect();
    mark(Math.floor((event.clientX - box.left) / box.width * inWidth),
      Math.floor((event.clientY - box.top) / box.height * inHeight));
    changed();
  };
  byId("choose").onclick = () => byId("file").click();
  byId("file").onchange = (event) => takeFile(event.target.files[0]);
  byId("example").onclick = () => { begun = false; startWithExample(); };
  byId("back").onclick = () => { begun = false; reset(); };
  byId("save").onclick = save;
  byId("again").onclick = () => { state.seed += 1; changed(); };
  document.ondragover = (event) => { event.preventDefault(); document.body.classList.add("over"); };
  document.ondragleave = () => document.body.classList.remove("over");
  document.ondrop = (event) => {
    event.preventDefault();
    document.body.classList.remove("over");
    begun = false;
    takeFile(event.dataTransfer.files[0]);
  };
  const keys = { n: "example", s: "save", a: "again" };
  document.onkeydown = (event) => {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (plain && event.key in keys && !byId(keys[event.key]).hidden) byId(keys[event.key]).click();
  };
}

const HINTS = {
  none: "Drop a picture anywhere on the page. You can also draw on this one.",
  shrunk: "Drop a picture anywhere: the page shrinks it. You can also draw on this one.",
  hole: "Drop a picture anywhere on the page, and draw a hole with the mouse or a finger.",
  grey: "Drop a picture anywhere: the page turns it grey. You can also draw on this one.",
  edges: "Drop a picture anywhere: the page finds its lines. You can also draw lines.",
};

byId("title").textContent = document.title;
byId("size").textContent = `${numbers.length.toLocaleString("en")} parameters`;
byId("hint").textContent = HINTS[data.kind];
byId("painting").hidden = masked;
byId("example").hidden = !data.examples;
byId("again").hidden = !data.latents;
listen();
startWithExample();
