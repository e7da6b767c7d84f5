"""Measures whether fakes show the words of captions, in held-out combinations.

    taskset -c 0 python tests/benchmarks/words.py --data avatars_64.npz --minutes 20 \\
        --seeds 0 1 2 --output runs

The pictures are shrunk to 32×32 pixels by means over 2×2. A seventh of the pairs of a
hair colour and a mouth is held out: no training picture has such a pair. The networks
and options are those of `train` for pictures with captions: `gan.CaptionGAN`, with a
frozen network that predicts the words. The minutes are CPU minutes of one core.

Then the model draws six fakes for each of the first 100 captions with a held-out pair.
Linear discriminants of the 5,548 training pictures predict the words of the fakes. For
each attribute, the script prints the share of the fakes that show the requested word,
the same share of the real pictures with these captions, which were held out, and the
share of the most frequent word. At the end it prints the share of the fakes that show
both words of the pair, for these captions and for prompts that contain only the pair.
"""

import argparse
import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the commands do

import numpy as np  # noqa: E402

import gan  # noqa: E402
from gan.data.pictures import Pictures  # noqa: E402
from gan.recipes import r3gan  # noqa: E402

EPOCHS = 20
FAKES = 6  # of each caption


def attributes(captions):
    """Dict from attributes to arrays of each caption's word for it, or "none"."""
    found = {name: [] for name in ("hair", "style", "mouth", "eyes", "glasses", "face")}
    for caption in map(str, captions):
        parts = [part.split() for part in caption.split(", ")]
        of = {part[-1]: part[:-1] for part in parts}
        top = parts[0]
        found["hair"].append(" ".join(top[:-2]) if top[-1] == "hair" else "none")
        found["style"].append(top[-2] if top[-1] == "hair" else top[-1])
        found["mouth"].append(of["mouth"][0])
        found["eyes"].append(of["eyes"][0])
        for name, words in (
            ("glasses", ("glasses", "sunglasses", "eyepatch")),
            ("face", ("beard", "moustache")),
        ):
            there = [part[-1] for part in parts if part[-1] in words]
            found[name].append(there[0] if there else "none")
    return {name: np.array(words) for name, words in found.items()}


def read(path):
    """Pictures uint8 `(N, 32, 32, 3)`, captions, attributes, and which are withheld."""
    with np.load(path) as file:
        pictures, captions = file["x"], file["caption"]
    small = pictures.reshape(len(pictures), 32, 2, 32, 2, 3).mean(axis=(2, 4))
    known = attributes(captions)
    pairs = np.char.add(np.char.add(known["hair"], "+"), known["mouth"])
    kinds = np.unique(pairs)
    kinds = kinds[~np.char.startswith(kinds, "none")]
    withheld = np.random.default_rng(0).permutation(kinds)[: len(kinds) // 7]
    return np.rint(small).astype(np.uint8), captions, known, np.isin(pairs, withheld)


def seconds_a_step(make):
    """CPU seconds of a step, after the graph is traced."""
    model = make(0, 1000)
    model.fit(epochs=1, steps_per_epoch=32, verbose=0)
    start = time.process_time()
    model.fit(epochs=1, steps_per_epoch=80, verbose=0)
    return (time.process_time() - start) / 80


class Reader:
    """Predicts each attribute's word from pictures, by linear discriminants of pixels.

    The hair colour is that of the nearest class mean among training pictures of the
    predicted style, over the hundred pixel values that distinguish colours best.
    """

    def __init__(self, pictures, known):
        x = flat(pictures / 255)
        self.rules = {k: discriminant(x, v) for k, v in known.items() if k != "hair"}
        self.hair = {
            style: nearest_mean(x[rows], known["hair"][rows])
            for style in np.unique(known["style"])
            for rows in [known["style"] == style]
        }

    def read(self, pictures):
        """Dict from attributes to arrays of words, of float pictures in [0, 1]."""
        x = flat(np.clip(pictures, 0, 1))
        found = {name: rule(x) for name, rule in self.rules.items()}
        hair = [
            self.hair[s](one[None])[0] for s, one in zip(found["style"], x, strict=True)
        ]
        return found | {"hair": np.array(hair)}


def flat(pictures):
    return np.reshape(pictures, (len(pictures), -1)).astype(np.float32)


def discriminant(x, words, ridge=1e-2):
    """A function from pictures to words: linear discriminants, equal priors."""
    names = np.unique(words)
    means = np.array([x[words == name].mean(axis=0) for name in names])
    rest = x - means[np.searchsorted(names, words)]
    within = rest.T @ rest / len(x) + ridge * np.eye(x.shape[1], dtype=np.float32)
    weights = np.linalg.solve(within, means.T)
    bias = -0.5 * np.einsum("ij,ji->i", means, weights)
    return lambda pictures: names[(pictures @ weights + bias).argmax(axis=1)]


def nearest_mean(x, words, count=100):
    """A function from pictures to words: nearest mean over the best pixel values."""
    names = np.unique(words)
    means = np.array([x[words == name].mean(axis=0) for name in names])
    rest = x - means[np.searchsorted(names, words)]
    within = np.mean(rest**2, axis=0)
    best = np.argsort(-means.var(axis=0) / (within + 1e-4))[:count]
    means, scale = means[:, best], within[best] + 1e-3

    def rule(pictures):
        squares = (pictures[:, None, best] - means) ** 2 / scale
        return names[squares.sum(axis=2).argmin(axis=1)]

    return rule


def shares(read, asked):
    """Dict from attributes to the shares of pictures that show the requested word."""
    return {name: np.mean(read[name] == words) for name, words in asked.items()}


def both(read, asked):
    """The share of pictures that show both words of the pair."""
    return np.mean((read["hair"] == asked["hair"]) & (read["mouth"] == asked["mouth"]))


def judge(folder, data, reader):
    """Lines of a table about one run."""
    pictures, captions, known, withheld = data
    generator = gan.load_generator(folder)
    chosen = np.flatnonzero(withheld)[:100]
    asked = {name: words[chosen] for name, words in known.items()}
    many = {name: np.repeat(words, FAKES) for name, words in asked.items()}
    vectors = np.repeat(generator.words(captions[chosen].tolist()), FAKES, axis=0)
    fakes = generator.draw(len(vectors), condition=vectors)
    read, real = reader.read(fakes), reader.read(pictures[chosen] / 255)
    common = {k: max(np.mean(v == one) for one in {*v}) for k, v in asked.items()}
    ceiling, found = shares(real, asked), shares(read, many)
    lines = [
        f"{name:8} fakes {found[name]:.3f}, reals {ceiling[name]:.3f}, most frequent "
        f"word {common[name]:.3f}"
        for name in known
    ]
    means = [np.mean([*part.values()]) for part in (found, ceiling)]
    lines.append(f"all      fakes {means[0]:.3f}, reals {means[1]:.3f}")
    pair = f"{both(read, many):.3f}, reals {both(real, asked):.3f}"
    lines.append(f"withheld pair: fakes {pair}")
    pairs = sorted({*zip(asked["hair"], asked["mouth"], strict=True)})
    hits = []
    for hair, mouth in pairs:
        drawn = generator.draw(20, condition=f"{hair} hair, {mouth} mouth")
        told = {"hair": np.array([hair] * 20), "mouth": np.array([mouth] * 20)}
        hits.append(both(reader.read(drawn), told))
    lines.append(
        f"prompts of the pair alone: {np.mean(hits):.3f} of {len(pairs)} pairs"
    )
    return lines


def main():
    """Train the models whose files do not exist yet, and measure all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="avatars with their captions")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--output", type=pathlib.Path, default="runs")
    options = parser.parse_args()
    data = pictures, captions, known, withheld = read(options.data)
    print(f"{withheld.sum()} of {len(pictures)} pictures withheld", flush=True)

    part = Pictures(pictures[~withheld], captions=captions[~withheld].tolist())

    def make(seed, steps):
        return r3gan.recipe_for(part).make_model(part, seed, steps)

    cost = None
    for seed in options.seeds:
        folder = options.output / f"words-{seed}"
        if (folder / "model.keras").exists():
            continue
        cost = cost or seconds_a_step(make)
        steps = int(60 * options.minutes / cost / EPOCHS)
        print(f"{EPOCHS} × {steps} steps of {1000 * cost:.1f} ms", flush=True)
        start, model = time.process_time(), make(seed, EPOCHS * steps)
        callbacks = [gan.callbacks.Checkpoint(folder / "checkpoints")]
        callbacks += [gan.callbacks.SampleGrid(folder, count=64)]
        model.fit(epochs=EPOCHS, steps_per_epoch=steps, verbose=0, callbacks=callbacks)
        model.save(folder / "model.keras")
        print(f"{folder}: {(time.process_time() - start) / 60:.1f} min", flush=True)
    reader = Reader(
        pictures[~withheld], {name: words[~withheld] for name, words in known.items()}
    )
    for seed in options.seeds:
        folder = options.output / f"words-{seed}"
        print(f"\n{folder}", *judge(folder, data, reader), sep="\n", flush=True)


if __name__ == "__main__":
    main()
