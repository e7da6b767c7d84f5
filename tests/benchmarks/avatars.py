"""Smiles, glasses and beards for drawn faces: projections and edits against the truth.

    python tests/benchmarks/avatars.py --data avatars_64.npz --output avatars.keras

The pictures become 32×32 by the mean of 2×2. The caption of a picture says whether its
mouth is serious, smiling or another one, and whether it has glasses and a beard, such
as "smiling, glasses". `gan.CaptionGAN` trains with the networks and options of `train`
for pictures with captions, but with 128 latents, from which more pictures can be
reproduced. If the file exists already, its model is only measured.

The data have pairs that differ only in the mouth. The serious faces are projected with
their words known, and the same latents are drawn with "smiling" instead of "serious".
The benchmark prints how often this edit is nearer to the true smiling face, in the box
around the mouth, than the serious face and than the projection are, and the PSNR
outside of the box. Then it adds a word to the captions of fakes, and prints how often
classifiers see each attribute change.
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
# Numbers of the values in avatars_64.npz.
SMILE, SERIOUS = 0, 1
PATCH, BEARDS = 7, (1, 2, 3)


def halved(pictures):
    """uint8 `(N, 32, 32, 3)`, the mean of 2×2 pixels."""
    some = pictures.reshape(len(pictures), 32, 2, 32, 2, 3).mean(axis=(2, 4))
    return np.rint(some).astype(np.uint8)


def read(path):
    """The training faces, and the serious and the smiling faces of the pairs.

    The first two are tuples of pictures, captions and a dict of the attributes' bool
    arrays; the smiling faces are pictures only.
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
            mouths = np.where(has["smiling"], "smiling", "other")
            mouths = np.where(mouth == SERIOUS, "serious", mouths)
            captions = [
                ", ".join([one] + ["glasses"] * bool(two) + ["beard"] * bool(three))
                for one, two, three in zip(
                    mouths, has["glasses"], has["beard"], strict=True
                )
            ]
            found[key] = halved(file[key]), captions, has
        smiling = halved(file["smiling"])
    return found["x"], found["serious"], smiling


def networks(data):
    """As `train` makes them, but with twice as many latents."""
    words = gan.conditions.Words(data.captions)
    reader = gan.conditions.fit_reader(data.pictures, words.of_captions(data.captions))
    options = {"width": 16, "condition": len(words), "reader": reader, "sharp": True}
    return gan.strided_GenDiscr(data.pictures.shape[1:], 128, **options)


def train(pictures, captions, options):
    """Train a model, and save it as the file `--output`."""
    data = Pictures(pictures, captions=captions)
    start = time.process_time()
    recipe = dataclasses.replace(r3gan.recipe_for(data), networks=networks)
    model = recipe.make_model(data, options.seed, options.steps)
    model.fit(epochs=1, steps_per_epoch=options.steps, verbose=0)
    print(f"{options.steps} steps, {time.process_time() - start:.0f} CPU seconds")
    model.save(options.output)


def with_attribute(caption, wanted):
    """The caption with an attribute, the others as they are."""
    words = caption.split(", ")
    if wanted == "smiling":
        return ", ".join(["smiling", *words[1:]])
    return caption if wanted in words else f"{caption}, {wanted}"


def apart(some, others, where):
    return np.sqrt(np.mean((some - others)[:, where] ** 2, axis=(1, 2)))


def edits(generator, serious, smiling, captions):
    """Print how near edits of serious faces are to the true smiling ones."""
    real, truth = (np.float32(x / 255) for x in (serious, smiling))
    told = generator.words(captions)
    found = generator.project(real, condition=told)
    plain = generator.draw(found.latents, condition=told).clip(0, 1)
    before = np.mean(-20 * np.log10(apart(plain, real, ~BOX)))
    print(f"projections: median {np.median(found.psnr):.2f} dB, outside {before:.2f}")
    other = generator.words([with_attribute(one, "smiling") for one in captions])
    made = {"none": plain}
    for share in (0.5, 0.8, 1.0):
        mixed = (1 - share) * told + share * other
        made[f"smiling {share}"] = generator.draw(found.latents, condition=mixed)
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


def matrix(generator, pictures, captions, has):
    """Print which attributes change if one of them is wanted."""
    real = np.float32(pictures / 255)
    judges = {name: Classifier(real, yes.astype(int)) for name, yes in has.items()}
    accuracies = {name: f"{judge.accuracy:.1%}" for name, judge in judges.items()}
    print("accuracy on held-out faces:", accuracies, flush=True)

    def seen(name, some):
        network = judges[name]._network
        return network.predict(some.clip(0, 1), 500, verbose=0).argmax(1) == 1

    latents, told = generator.latents(1000, seed=3), generator.words(captions)
    plain = generator.draw(latents, condition=told)
    before = {name: seen(name, plain) for name in has}

    for wanted in has:
        some = ~before[wanted]
        new = [with_attribute(captions[i], wanted) for i in np.flatnonzero(some)]
        edited = generator.draw(latents[some], condition=generator.words(new))
        after = {n: (seen(n, edited) != before[n][some]).mean() for n in has}
        row = ", ".join(f"{n} {share:.1%}" for n, share in after.items())
        print(f"wanted {wanted}: changed {row}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="avatars_64.npz")
    parser.add_argument("--steps", type=int, default=18_000)
    parser.add_argument("--count", type=int, default=200, help="pairs to edit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=pathlib.Path, required=True, help="a .keras")
    options = parser.parse_args()
    (pictures, captions, has), (serious, kinds, _), smiling = read(options.data)
    if not options.output.exists():
        train(pictures, captions, options)
    generator = gan.load_generator(options.output)
    rows = slice(options.count)
    edits(generator, serious[rows], smiling[rows], kinds[rows])
    matrix(generator, pictures, captions[:1000], has)


if __name__ == "__main__":
    main()
