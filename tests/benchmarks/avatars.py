"""Smiles, glasses and beards for drawn faces: projections and edits against the truth.

    python tests/benchmarks/avatars.py --data avatars_64.npz --output avatars.keras

The pictures become 32×32 by the mean of 2×2. The class of a picture says whether its
mouth is serious, smiling or another one, and whether it has glasses and a beard. R3GAN
trains with the options of `train` for colour pictures, but with half the gamma and with
`sharp=True`, because a mouth has few pixels. If the file exists already, its model is
only measured.

The data have pairs that differ only in the mouth. The serious faces are projected with
their class known, and the same latents are drawn with the smiling class. The benchmark
prints how often this edit is nearer to the true smiling face, in the box around the
mouth, than the serious face and than the projection are, and the PSNR outside of the
box. Then it gives attributes to fakes, by another class and along directions found from
the labels, and prints how often classifiers see each attribute change.
"""

import argparse
import dataclasses
import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the commands do

import numpy as np  # noqa: E402

import gan  # noqa: E402
from gan.data.pictures import Pictures  # noqa: E402
from gan.metrics.classes import Classifier  # noqa: E402
from gan.recipes import r3gan  # noqa: E402

BOX = np.zeros((32, 32), bool)
BOX[16:19, 13:19] = True
MOUTHS = ("serious", "smiling", "other")
# Numbers of the values in avatars_64.npz.
SMILE, SERIOUS = 0, 1
PATCH, BEARDS = 7, (1, 2, 3)


def halved(pictures):
    """uint8 `(N, 32, 32, 3)`, the mean of 2×2 pixels."""
    some = pictures.reshape(len(pictures), 32, 2, 32, 2, 3).mean(axis=(2, 4))
    return np.rint(some).astype(np.uint8)


def read(path):
    """The training faces, and the serious and the smiling faces of the pairs.

    The first two are tuples of pictures, class numbers and a dict of the attributes'
    bool arrays; the smiling faces are pictures only.
    """
    with np.load(path) as file:
        names = list(file["attribute_names"])
        found = {}
        for key, rows in (("x", "attributes"), ("serious", "pair_attributes")):
            mouth, glasses, hair = (
                file[rows][:, names.index(n)]
                for n in ("mouth", "accessories", "facialHair")
            )
            if key == "serious":
                # The attributes of a pair are those of its smiling face.
                mouth = np.full_like(mouth, SERIOUS)
            has = {
                "smiling": mouth == SMILE,
                "glasses": (glasses > 0) & (glasses != PATCH),
                "beard": np.isin(hair, BEARDS),
            }
            kind = np.where(mouth == SMILE, 1, np.where(mouth == SERIOUS, 0, 2))
            labels = 4 * kind + 2 * has["glasses"] + has["beard"]
            found[key] = halved(file[key]), labels, has
        smiling = halved(file["smiling"])
    return found["x"], found["serious"], smiling


def class_names():
    return [
        mouth + glasses + beard
        for mouth in MOUTHS
        for glasses in ("", " glasses")
        for beard in ("", " beard")
    ]


def networks(data):
    shape, classes = data.pictures.shape[1:], len(data.names)
    return gan.strided_GenDiscr(shape, width=16, classes=classes, sharp=True)


def train(pictures, labels, options):
    """Train a model, and save it as the file `--output`."""
    data = Pictures(pictures, np.int32(labels), class_names())
    recipe = dataclasses.replace(r3gan.COLOUR, networks=networks)
    gamma = r3gan.gamma_for(pictures) / 2
    model = recipe.make_model(data, options.seed, options.steps, gamma=gamma)
    start = time.process_time()
    model.fit(epochs=1, steps_per_epoch=options.steps, verbose=0)
    print(f"{options.steps} steps, {time.process_time() - start:.0f} CPU seconds")
    model.save(options.output)


def with_attribute(labels, wanted):
    """The class numbers with an attribute, the others as they are."""
    mouth, glasses, beard = labels // 4, labels // 2 % 2, labels % 2
    mouth = 1 if wanted == "smiling" else mouth
    glasses = 1 if wanted == "glasses" else glasses
    return 4 * mouth + 2 * glasses + (1 if wanted == "beard" else beard)


def apart(some, others, where):
    return np.sqrt(np.mean((some - others)[:, where] ** 2, axis=(1, 2)))


def edits(generator, serious, smiling, labels):
    """Print how near edits of serious faces are to the true smiling ones."""
    real, truth = (np.float32(x / 255) for x in (serious, smiling))
    names = [name for name in map(str, np.array(class_names())[labels])]
    found = generator.project(real, labels=names)
    plain = generator.draw(found.latents, found.labels).clip(0, 1)
    before = np.mean(-20 * np.log10(apart(plain, real, ~BOX)))
    print(f"projections: median {np.median(found.psnr):.2f} dB, outside {before:.2f}")
    other = [name.replace("serious", "smiling") for name in names]
    made = {"none": plain, "other class": generator.draw(found.latents, other)}
    pair = [[class_names().index(name) for name in some] for some in (names, other)]
    share = np.zeros((len(real), len(class_names())), np.float32)
    rows = np.arange(len(real))
    share[rows, pair[0]], share[rows, pair[1]] = 0.2, 0.8
    made["four fifths of it"] = generator.draw_mixed(found.latents, share)
    for amount in (1, 2):
        made[f"towards smiling {amount}"] = generator.edit(
            found.latents, "smiling", amount, found.labels, keep=["glasses", "beard"]
        )
    for name, edited in made.items():
        edited = edited.clip(0, 1)
        near = apart(edited, truth, BOX)
        than = [near < apart(some, truth, BOX) for some in (real, plain)]
        after = np.mean(-20 * np.log10(apart(edited, real, ~BOX)))
        print(
            f"{name}: nearer than the serious face {than[0].mean():.1%}, than the "
            f"projection {than[1].mean():.1%}; outside {after:.2f} dB",
            flush=True,
        )


def matrix(generator, pictures, has):
    """Print which attributes change if one of them is wanted."""
    real = np.float32(pictures / 255)
    judges = {name: Classifier(real, yes.astype(int)) for name, yes in has.items()}
    accuracies = {name: f"{judge.accuracy:.1%}" for name, judge in judges.items()}
    print("accuracy on held-out faces:", accuracies, flush=True)

    def seen(name, some):
        network = judges[name]._network
        return network.predict(some.clip(0, 1), 500, verbose=0).argmax(1) == 1

    latents, labels = generator.latents(1000, seed=3), generator.labels(1000)
    plain = generator.draw(latents, labels)
    before = {name: seen(name, plain) for name in has}

    def told(kind, wanted, edited, some):
        after = {n: (seen(n, edited) != before[n][some]).mean() for n in has}
        row = ", ".join(f"{n} {share:.1%}" for n, share in after.items())
        print(f"{kind}, wanted {wanted}: changed {row}", flush=True)

    for wanted in has:
        some = ~before[wanted]
        new = with_attribute(labels[some], wanted)
        told("other class", wanted, generator.draw(latents[some], new), some)
    for wanted in has:
        some = ~before[wanted]
        given = latents[some], wanted, 1, labels[some]
        edited = generator.edit(*given, keep=list(has))
        told("direction, amount 1", wanted, edited, some)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="avatars_64.npz")
    parser.add_argument("--steps", type=int, default=18_000)
    parser.add_argument("--count", type=int, default=200, help="pairs to edit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=pathlib.Path, required=True, help="a .keras")
    options = parser.parse_args()
    (pictures, labels, has), (serious, kinds, _), smiling = read(options.data)
    if not options.output.exists():
        train(pictures, labels, options)
    generator = gan.load_generator(options.output)
    for name, yes in has.items():
        generator.directions.named(name, pictures, labels=yes)
    rows = slice(options.count)
    edits(generator, serious[rows], smiling[rows], kinds[rows])
    matrix(generator, pictures, has)


if __name__ == "__main__":
    main()
