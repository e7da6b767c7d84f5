"""Measures projections and edits of the demo set and of grey faces.

    python tests/benchmarks/projections.py own demo
    python tests/benchmarks/projections.py real demo --count 300
    python tests/benchmarks/projections.py pairs --count 1000
    python tests/benchmarks/projections.py matrix

The script prints the numbers in faces/README.md. Seeds that are not given are 0.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import gan
from gan.data import pixel_faces
from gan.metrics.classes import Classifier

BOX = np.zeros((16, 16), bool)
BOX[9:11, 6:10] = True
NAMES = ["smiling", "glasses", "long hair", "hat", "beard"]


def demo():
    """The demo's generator, and a direction for beards, which it hardly draws."""
    generator, faces = gan.load_generator("demo"), pixel_faces()
    named = generator.directions.named
    named("beard", faces.pictures, labels=faces.having("beard"))
    return generator


def told(name, found, start):
    psnr = np.sort(found.psnr)
    print(
        f"{name}: median {np.median(psnr):.2f} dB, 5% {np.quantile(psnr, 0.05):.1f}, "
        f"least {psnr[0]:.1f}, {np.mean(psnr >= 35):.1%} of at least 35; within reach "
        f"{found.within_reach.mean():.1%}; {time.process_time() - start:.1f} CPU s",
        flush=True,
    )


def own(options):
    generator = gan.load_generator(options.model)
    pictures = generator.draw(options.count, seed=5).clip(0, 1)
    start = time.process_time()
    told("own", generator.project(pictures), start)


def real(options):
    generator = gan.load_generator(options.model)
    if options.pictures:
        every = np.load(options.pictures)[-2 * options.count :]
        sets = {"first": every[: options.count], "last": every[options.count :]}
    else:
        rows = slice(options.count)
        sets = {p: pixel_faces(p).pictures[rows] for p in ("train", "test")}
        sets["upside down"] = sets["test"][:, ::-1]
    for name, pictures in sets.items():
        start = time.process_time()
        told(name, generator.project(pictures), start)


def pairs(options):
    generator = demo()
    rows = slice(options.count)
    sad, happy = (pixel_faces(p).pictures[rows] / 255 for p in ("sad", "happy"))
    start = time.process_time()
    known = pixel_faces("sad") if options.known else None
    labels = None if known is None else known.labels[rows]
    found = generator.project(np.float32(sad), labels=labels)
    told("sad faces", found, start)
    names = np.array(generator.names)[found.labels]
    print(f"class found with sad in it: {np.mean([n[:3] == 'sad' for n in names]):.1%}")

    def apart(some, others, where):
        return np.sqrt(np.mean((some - others)[:, where] ** 2, axis=(1, 2)))

    plain = generator.draw(found.latents, found.labels).clip(0, 1)
    before = -20 * np.log10(apart(plain, sad, ~BOX))
    edits = {
        f"smiling {amount}": generator.edit(
            found.latents, "smiling", amount, found.labels
        )
        for amount in (1, 1.5, 2, 3)
    }
    edits["smiling 2, others kept"] = generator.edit(
        found.latents, "smiling", 2, found.labels, keep=NAMES[1:]
    )
    other = [name.replace("sad", "happy") for name in names]
    edits["other class"] = generator.draw(found.latents, other)
    pair = [generator.labels(len(some), list(some)) for some in (names, other)]
    share = np.zeros((len(sad), generator.classes), np.float32)
    each = np.arange(len(sad))
    share[each, pair[0]], share[each, pair[1]] = 0.3, 0.7
    edits["seven tenths of the way"] = generator.draw_mixed(found.latents, share)
    edits["none"] = plain
    for name, edited in edits.items():
        edited = edited.clip(0, 1)
        nearer = apart(edited, happy, BOX) < apart(sad, happy, BOX)
        than = apart(edited, happy, BOX) < apart(edited, sad, BOX)
        after = -20 * np.log10(apart(edited, sad, ~BOX))
        print(
            f"{name}: nearer to the happy one than the sad one is {nearer.mean():.1%}, "
            f"than to the sad one {than.mean():.1%}; outside the box "
            f"{np.mean(before):.2f} -> {np.mean(after):.2f} dB",
            flush=True,
        )
        moved = np.clip(sad + edited - plain, 0, 1)
        nearer = apart(moved, happy, BOX) < apart(sad, happy, BOX)
        outside = -20 * np.log10(np.maximum(apart(moved, sad, ~BOX), 1e-6))
        print(
            f"    its difference added to the sad one: {nearer.mean():.1%}, "
            f"outside {np.mean(outside):.2f} dB",
            flush=True,
        )


def matrix(options):
    generator, faces = demo(), pixel_faces()
    real = np.float32(faces.pictures / 255)
    judges = {n: Classifier(real, faces.having(n).astype(int)) for n in NAMES}
    accuracies = {n: round(100 * judge.accuracy, 1) for n, judge in judges.items()}
    print("accuracy on withheld, %:", accuracies, flush=True)

    def has(name, pictures):
        network = judges[name]._network
        return network.predict(pictures.clip(0, 1), 500, verbose=0).argmax(1) == 1

    latents, labels = generator.latents(1000, seed=3), generator.labels(1000)
    plain = generator.draw(latents, labels)
    before = {name: has(name, plain) for name in NAMES}
    for amount in (1, 2):
        for keep in ((), NAMES):
            print(f"amount {amount}, keep={bool(keep)}; changed, %:", *NAMES)
            for wanted in NAMES:
                some = ~before[wanted]
                edited = generator.edit(
                    latents[some], wanted, amount, labels[some], keep=keep
                )
                after = {n: has(n, edited) != before[n][some] for n in NAMES}
                row = " ".join(f"{100 * after[n].mean():5.1f}" for n in NAMES)
                print(f"{wanted:>10} {row}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["own", "real", "pairs", "matrix"])
    parser.add_argument("model", nargs="?")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--pictures")
    parser.add_argument("--known", action="store_true", help="the sad faces' classes")
    options = parser.parse_args()
    globals()[options.what](options)
