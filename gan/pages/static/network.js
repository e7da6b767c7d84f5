// Runs the networks that gan/pages/describe.py describes, in plain JavaScript.
// Maps are Float32Arrays of (examples, height, width, channels), channels last.
"use strict";

// The half float of IEEE 754 that these 16 bits mean.
function fromHalf(h) {
  const sign = h & 0x8000 ? -1 : 1, exponent = (h >> 10) & 31, fraction = h & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

// The weights of a page: base64 of little-endian half floats.
function unpack(text) {
  const bytes = atob(text), numbers = new Float32Array(bytes.length / 2);
  for (let i = 0; i < numbers.length; i++)
    numbers[i] = fromHalf(bytes.charCodeAt(2 * i) | (bytes.charCodeAt(2 * i + 1) << 8));
  return numbers;
}

const ACTIVATIONS = {
  linear: (x) => x,
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  relu: (x) => Math.max(0, x),
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  softplus: (x) => Math.max(0, x) + Math.log1p(Math.exp(-Math.abs(x))),
};

function activate(values, layer) {
  if (layer.activation === "leaky_relu") {
    const slope = layer.slope;
    for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] *= slope;
  } else if (layer.activation === "softmax") {
    const n = layer.shape[layer.shape.length - 1];
    for (let i = 0; i < values.length; i += n) {
      const row = values.subarray(i, i + n), most = Math.max(...row);
      let sum = 0;
      for (let k = 0; k < n; k++) sum += row[k] = Math.exp(row[k] - most);
      for (let k = 0; k < n; k++) row[k] /= sum;
    }
  } else if (layer.activation !== "linear") {
    const f = ACTIVATIONS[layer.activation];
    for (let i = 0; i < values.length; i++) values[i] = f(values[i]);
  }
  return values;
}

// out += x · kernel, for one row of x and a kernel (inputs, outputs) that begins at `k`.
function addRow(out, o, x, i, inputs, kernel, k, outputs) {
  for (let c = 0; c < inputs; c++, k += outputs) {
    const v = x[i + c];
    if (v !== 0) for (let f = 0; f < outputs; f++) out[o + f] += v * kernel[k + f];
  }
}

function withBias(size, bias) {
  const out = new Float32Array(size);
  if (bias) for (let o = 0; o < size; o += bias.length) out.set(bias, o);
  return out;
}

// A convolution or, with `spread`, a transposed one. The kernel slides over the larger map,
// and each of its positions belongs to one pixel of the smaller map.
function slide([x], layer, [kernel, bias], n, spread) {
  const [h, w, f] = layer.shape, [ih, iw, c] = layer.input;
  const [kh, kw] = layer.size, [sy, sx] = layer.strides, [top, left] = layer.before;
  const [sh, sw, lh, lw] = spread ? [ih, iw, h, w] : [h, w, ih, iw];
  const out = withBias(n * h * w * f, bias);
  for (let e = 0; e < n; e++)
    for (let y = 0; y < sh; y++)
      for (let i = 0; i < kh; i++) {
        const row = y * sy + i - top;
        if (row < 0 || row >= lh) continue;
        for (let q = 0; q < sw; q++)
          for (let j = 0; j < kw; j++) {
            const column = q * sx + j - left;
            if (column < 0 || column >= lw) continue;
            const small = (e * sh + y) * sw + q, large = (e * lh + row) * lw + column;
            const from = spread ? small : large, to = spread ? large : small;
            addRow(out, to * f, x, from * c, c, kernel, (i * kw + j) * c * f, f);
          }
      }
  return activate(out, layer);
}

// Each layer: (its inputs, itself, its weights, how many examples) -> its outputs.
const LAYERS = {
  dense([x], layer, [kernel, bias], n) {
    const outputs = layer.shape[layer.shape.length - 1];
    const inputs = kernel.length / outputs, rows = x.length / inputs;
    const out = withBias(rows * outputs, bias);
    for (let r = 0; r < rows; r++)
      addRow(out, r * outputs, x, r * inputs, inputs, kernel, 0, outputs);
    return activate(out, layer);
  },

  reshape: ([x]) => x,

  upsample([x], layer, _, n) {
    const [h, w, c] = layer.shape, [sy, sx] = layer.size;
    const lh = h / sy, lw = w / sx, out = new Float32Array(n * h * w * c);
    // Bilinear interpolation is between the centres of pixels; edges are repeated.
    const places = (size, low, scale) => Array.from({ length: size }, (_, i) => {
      const at = layer.bilinear ? (i + 0.5) / scale - 0.5 : Math.floor(i / scale);
      const first = Math.floor(at), inside = (j) => Math.min(low - 1, Math.max(0, j));
      return [inside(first), inside(first + 1), at - first];
    });
    const ys = places(h, lh, sy), xs = places(w, lw, sx);
    for (let e = 0, o = 0; e < n; e++)
      for (const [y0, y1, ty] of ys)
        for (const [x0, x1, tx] of xs) {
          const at = (y, x) => ((e * lh + y) * lw + x) * c;
          const a = at(y0, x0), b = at(y0, x1), d = at(y1, x0), f = at(y1, x1);
          for (let k = 0; k < c; k++)
            out[o++] = (1 - ty) * ((1 - tx) * x[a + k] + tx * x[b + k]) +
              ty * ((1 - tx) * x[d + k] + tx * x[f + k]);
        }
    return out;
  },

  // Resize by two matrices: one for the rows (ih, h) and one for the columns (iw, w).
  resize([x], layer, [rows, columns], n) {
    const [h, w, c] = layer.shape, [ih, iw] = layer.input;
    const out = new Float32Array(n * h * w * c), half = new Float32Array(ih * w * c);
    for (let e = 0; e < n; e++) {
      half.fill(0);
      for (let y = 0; y < ih; y++)
        for (let j = 0; j < iw; j++)
          for (let q = 0; q < w; q++)
            for (let k = 0; k < c; k++)
              half[(y * w + q) * c + k] +=
                columns[j * w + q] * x[((e * ih + y) * iw + j) * c + k];
      for (let i = 0; i < ih; i++)
        for (let y = 0; y < h; y++)
          for (let k = 0; k < w * c; k++)
            out[(e * h + y) * w * c + k] += rows[i * h + y] * half[i * w * c + k];
    }
    return out;
  },

  crop([x], layer, _, n) {
    const [h, w, c] = layer.shape, [ih, iw] = layer.input, [top, left] = layer.before;
    const out = new Float32Array(n * h * w * c);
    for (let e = 0, o = 0; e < n; e++)
      for (let y = 0; y < h; y++, o += w * c) {
        const from = ((e * ih + y + top) * iw + left) * c;
        out.set(x.subarray(from, from + w * c), o);
      }
    return out;
  },

  conv: (inputs, layer, weights, n) => slide(inputs, layer, weights, n, false),

  // Each pixel of the input is spread over the output; kernel (h, w, inputs, outputs).
  transposed: (inputs, layer, weights, n) => slide(inputs, layer, weights, n, true),

  pool([x], layer, _, n) {
    const [h, w, c] = layer.shape, [ih, iw] = layer.input, [kh, kw] = layer.size;
    const [sh, sw] = layer.strides, [top, left] = layer.before;
    const out = new Float32Array(n * h * w * c).fill(layer.mean ? 0 : -Infinity);
    for (let e = 0; e < n; e++)
      for (let y = 0; y < h; y++)
        for (let q = 0; q < w; q++) {
          // Pixels beyond the edges are not counted, not even in a mean.
          const y0 = Math.max(y * sh - top, 0), y1 = Math.min(y * sh - top + kh, ih);
          const q0 = Math.max(q * sw - left, 0), q1 = Math.min(q * sw - left + kw, iw);
          const to = ((e * h + y) * w + q) * c, count = (y1 - y0) * (q1 - q0);
          for (let i = y0; i < y1; i++)
            for (let j = q0; j < q1; j++) {
              const from = ((e * ih + i) * iw + j) * c;
              for (let k = 0; k < c; k++)
                if (layer.mean) out[to + k] += x[from + k] / count;
                else out[to + k] = Math.max(out[to + k], x[from + k]);
            }
        }
    return out;
  },

  permute([x], layer, _, n) {
    const { input, shape, order } = layer, out = new Float32Array(x.length);
    const steps = input.map((_, i) => input.slice(i + 1).reduce((a, b) => a * b, 1));
    const size = x.length / n, place = shape.map(() => 0);
    for (let i = 0, from = 0; i < size; i++) {
      for (let e = 0; e < n; e++) out[e * size + i] = x[e * size + from];
      // Go to the next place of the output, the last axis first, and to the place of the
      // input from which its number comes.
      for (let a = shape.length - 1; a >= 0; a--) {
        from += steps[order[a]];
        if (++place[a] < shape[a]) break;
        from -= steps[order[a]] * shape[a];
        place[a] = 0;
      }
    }
    return out;
  },

  // Batch normalisation in inference, and rescaling: each channel has a factor and a shift.
  affine([x], layer, [factor, shift]) {
    const out = new Float32Array(x.length), c = factor.length;
    for (let i = 0; i < x.length; i++) out[i] = x[i] * factor[i % c] + shift[i % c];
    return out;
  },

  activation: ([x], layer) => activate(Float32Array.from(x), layer),

  add: (inputs) => inputs.reduce((a, b) => a.map((v, i) => v + b[i])),

  multiply: (inputs) => inputs.reduce((a, b) => a.map((v, i) => v * b[i])),

  dot([a, b], layer, _, n) {
    const out = new Float32Array(n), d = a.length / n;
    for (let i = 0; i < a.length; i++) out[Math.floor(i / d)] += a[i] * b[i];
    return out;
  },

  concatenate(inputs, layer, _, n) {
    const total = layer.shape[layer.shape.length - 1];
    const widths = layer.widths, rows = inputs[0].length / widths[0];
    const out = new Float32Array(rows * total);
    let at = 0;
    inputs.forEach((x, k) => {
      for (let r = 0; r < rows; r++)
        out.set(x.subarray(r * widths[k], (r + 1) * widths[k]), r * total + at);
      at += widths[k];
    });
    return out;
  },

  // The input holds one label for each example, or one weight for each class.
  embedding([x], layer, [table], n) {
    const d = layer.shape[layer.shape.length - 1], classes = table.length / d;
    const mixed = x.length > n, out = new Float32Array((mixed ? n : x.length) * d);
    if (mixed) for (let e = 0; e < n; e++)
      addRow(out, e * d, x, e * classes, classes, table, 0, d);
    else x.forEach((label, i) => out.set(table.subarray(label * d, (label + 1) * d), i * d));
    return out;
  },
};

// A 3×3 convolution of doubled pixels equals a transposed convolution of stride 2, whose
// kernel of 4×4 holds sums of the 3×3 weights.
function doubledKernel(kernel, size) {
  const taps = [[2], [1, 2], [0, 1], [0]], out = new Float32Array(16 * size);
  taps.forEach((rows, i) => taps.forEach((columns, j) => {
    for (const a of rows)
      for (const b of columns)
        for (let k = 0; k < size; k++)
          out[(4 * i + j) * size + k] += kernel[(3 * a + b) * size + k];
  }));
  return out;
}

// A network from its description and its weights: inputs (arrays), n -> outputs.
function makeNetwork(description, numbers) {
  const layers = description.layers.map((layer) => ({
    ...layer,
    weights: layer.weights.map(([at, size]) => numbers.subarray(at, at + size)),
  }));
  for (const layer of layers)
    if (layer.doubled)
      layer.weights[0] = doubledKernel(layer.weights[0], layer.weights[0].length / 9);
  return function run(inputs, n) {
    const values = [...inputs];
    // Start from the output, so that only those layers are computed that it needs.
    function valueOf(i) {
      if (values[i] === undefined) {
        const layer = layers[i - inputs.length];
        values[i] = LAYERS[layer.op](layer.from.map(valueOf), layer, layer.weights, n);
      }
      return values[i];
    }
    return valueOf(description.output);
  };
}

// Random numbers of a seed, the same on every machine: mulberry32.
function randomOf(seed) {
  let a = seed >>> 0;
  return function next() {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// Latents of a seed, from the same distribution as those of the model's own sampler.
function latentsOf(seed, dim, kind, spread = 1) {
  const next = randomOf(seed), z = new Float32Array(dim);
  for (let i = 0; i < dim; i++) {
    if (kind === "uniform") z[i] = next();
    else if (kind === "symmetric") z[i] = 2 * next() - 1;
    else z[i] = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  }
  if (kind === "spheric") {
    const length = Math.hypot(...z);
    return z.map((v) => v / length);
  }
  return kind === "uniform" ? z : z.map((v) => v * spread);
}
