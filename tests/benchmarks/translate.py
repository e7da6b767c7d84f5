"""Measures models that make pictures from pictures, and baselines without a network.

`--kind l1` trains a model by the distance alone, `--kind gan` with the discriminator;
`--kind trivial` takes the baselines. The script prints a line for each model or
baseline: the PSNR in dB (inside the hole, if there is one), the SSIM, how often the
nearest held-out target is the right one, the fine detail relative to that of the
targets, and kernel distances times 1,000. These compare the whole pictures by 256
whitened coordinates, and crops of 8×8 pixels by the pixels, by 49 whitened coordinates
and by all 192. The last of the 192 are the finest details, which hardly vary.

    python tests/benchmarks/translate.py enlarge --steps 8000 --kind l1 --seed 0
"""

import argparse
import json
import pathlib
import time

import keras
import numpy as np

import gan
from gan.data.pictures import read_pictures
from gan.metrics import pairs
from gan.schedules import LinearDecay

DATA = pathlib.Path(__file__).parents[3] / "shared" / "data"


def photographs():
    x = np.load(DATA / "faces_32.npz")["x"]
    return x[:8664], x[8664:]


def emoji():
    data = np.load(DATA / "emoji_pairs_64.npz")
    plain = data["skin"] == ""
    order = np.random.default_rng(0).permutation(int(plain.sum()))

    def halved(name):
        x = data[name][plain].astype(np.float32)
        x = x.reshape(len(x), 32, 2, 32, 2, 3).mean(axis=(2, 4)) / 255
        return x[order]

    google, twitter = halved("google"), halved("twitter")
    return (twitter[:-311], google[:-311]), (twitter[-311:], google[-311:])


def course():
    x = read_pictures(DATA / "small_res_faces_10000.npy").pictures
    return x[:9000], x[9000:]


TASKS = {
    "enlarge": (photographs, gan.conditions.Shrunk(4)),
    "hole": (photographs, gan.conditions.Hole(16)),
    "colour": (photographs, gan.conditions.Grey()),
    "emoji": (emoji, None),
    "faces-enlarge": (course, gan.conditions.Shrunk(4)),
    "faces-hole": (course, gan.conditions.Hole(8)),
}


def floats(pictures):
    some = np.asarray(pictures)
    return some / np.float32(255) if some.dtype == np.uint8 else np.float32(some)


def of_task(name):
    """The layer, then pairs (targets, inputs) for training, and held-out ones."""
    read, layer = TASKS[name]
    found = []
    for part in read():
        if layer is None:
            found.append(part)
        else:
            targets = floats(part)
            made = [layer(targets[i : i + 500]) for i in range(0, len(targets), 500)]
            found.append((targets, np.concatenate(made)))
    return layer, *found


def by_grey_level(train, held):
    """The mean colour of each grey level in the training pictures."""
    targets, inputs = train
    level = np.rint(255 * inputs[..., 0]).astype(int).ravel()
    counts = np.maximum(np.bincount(level, minlength=256), 1)
    sums = [np.bincount(level, targets[..., c].ravel(), 256) for c in range(3)]
    colours = np.stack(sums, 1) / counts[:, None]
    return colours[np.rint(255 * held[1][..., 0]).astype(int)].astype(np.float32)


def kernel_distances(reals, pictures):
    """From the training targets, because the outputs belong to the held-out ones."""
    whole = gan.metrics.principal_axes(reals, 256)
    both = [gan.metrics.whitened_coordinates(x, whole) for x in (reals, pictures)]
    cut = [pairs.crops(x) for x in (reals, pictures)]
    mean, axes = gan.metrics.principal_axes(cut[0][:50_000], 192)
    found = {"whitened": both, "crops": cut}
    for count in (49, 192):
        some = mean, axes[:, :count]
        white = [gan.metrics.whitened_coordinates(x, some) for x in cut]
        found[f"crops_{count}"] = white
    return {k: 1000 * gan.metrics.kernel_distance(*v)[0] for k, v in found.items()}


def measured(reals, truth, answers, mask):
    found = pairs.compare_pairs(truth, answers, mask)
    for name, pictures in ({"truth": truth} | answers).items():
        clipped = np.clip(pictures, 0, 1)
        row = found.setdefault(name, {})
        row |= kernel_distances(reals, clipped)
        if mask is not None:
            # Measure the detail inside the hole, a square in the middle.
            rows, columns = (np.flatnonzero(mask[0, ..., 0].any(a)) for a in (1, 0))
            inside = (slice(None), slice(rows[0], rows[-1] + 1))
            inside += (slice(columns[0], columns[-1] + 1),)
            row["detail"] = pairs.detail(truth[inside], clipped[inside])
            some = kernel_distances(reals[inside], clipped[inside])
            row |= {f"inside_{k}": v for k, v in some.items() if k != "whitened"}
    return found


def told(name, row, more=""):
    cells = ", ".join(f"{k} {v:.3f}" for k, v in row.items())
    print(f"{name}: {cells}{more}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--kind", choices=("l1", "gan", "trivial"), default="l1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--l1", type=float, default=10.0)
    parser.add_argument("--gamma", type=float, default=0.2)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--mirror", action="store_true", help="half of the pairs")
    parser.add_argument("--begin", help="model whose generator to begin with")
    parser.add_argument("--save")
    given = parser.parse_args()
    layer, train, held = of_task(given.task)
    mask = held[1][..., -1:] if getattr(layer, "masked", False) else None
    if given.kind == "trivial":
        answers = pairs.trivial_answers(held[1], held[0], train[::-1])
        if given.task == "colour":
            answers["by grey level"] = by_grey_level(train, held)
        for name, row in measured(train[0][:4000], held[0], answers, mask).items():
            told(name, row)
        return
    if given.mirror:
        train = tuple(np.concatenate([x, x[:, :, ::-1]]) for x in train)
    keras.utils.set_random_seed(given.seed)
    start, cpu = time.perf_counter(), time.process_time()
    adversarial = given.kind == "gan"
    options = {"batch_size": given.batch, "gamma": given.gamma, "penalty_every": 8}
    options |= {"l1_weight": given.l1, "ema": 0.999, "pixel_range": (0.0, 1.0)}
    shapes = layer or held[1].shape[1:], held[0].shape[1:]
    networks = gan.unet_GenDiscr(*shapes, width=given.width)
    model = gan.TranslationGAN(*networks, condition=layer, **options)
    if given.begin:
        earlier = gan.load_model(given.begin).averaged_generator.get_weights()
        for network in (model.generator, model.averaged_generator):
            network.set_weights(earlier)
    model.adversarial = adversarial
    rates = LinearDecay(given.rate, given.steps, 0.3)
    # Use momentum for the distance alone, but not if two networks are trained.
    beta = 0.0 if adversarial else 0.9
    adams = [keras.optimizers.Adam(rates, beta, 0.99) for _ in range(2)]
    model.compile(g_optimizer=adams[0], d_optimizer=adams[1])
    real = train[0] if layer else train
    history = model.fit(real, epochs=1, steps_per_epoch=given.steps, verbose=0).history
    said = {k: round(v[0], 4) for k, v in history.items()}
    spent = time.perf_counter() - start, time.process_time() - cpu
    made = [model.translate(held[1][i : i + 500]) for i in range(0, len(held[1]), 500)]
    answers = {given.kind: np.concatenate(made)}
    row = measured(train[0][:4000], held[0], answers, mask)[given.kind]
    weights = model.generator.count_params()
    told(f"{given.kind} {given.task} seed {given.seed}", row)
    print(json.dumps(vars(given)), said, f"{weights} weights", end=" ")
    print(f"{spent[0]:.0f} s, {spent[1]:.0f} s of processor", flush=True)
    if given.save:
        model.save(given.save)


if __name__ == "__main__":
    main()
