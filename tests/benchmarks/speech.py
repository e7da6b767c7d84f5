"""Measures generated sounds with a classifier that was trained on recordings.

    python tests/benchmarks/speech.py --data RECORDINGS RUN

RUN is a folder of `python main.py train --recipe speech --pictures RECORDINGS`. A small
convolutional network is trained on the spectrograms of half of the recordings. Then it
classifies those of the other half, and 1,000 fakes. It classifies both a second time
("heard"), after the Griffin-Lim algorithm has turned them into sounds.
"""

import argparse
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402

import gan  # noqa: E402
from gan.data.sounds import read_sounds, to_pictures, to_sounds  # noqa: E402
from gan.metrics.classes import Classifier  # noqa: E402

FAKES = 1000


def main():
    """Measure the run that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder of recordings")
    parser.add_argument("run", type=pathlib.Path)
    arguments = parser.parse_args()
    data = read_sounds(arguments.data)
    order = np.random.default_rng(0).permutation(len(data.labels))
    learnt, others = np.array_split(order, 2)
    pictures, labels = data.floats(), data.labels
    classifier = Classifier(pictures[learnt][..., None], labels[learnt])
    scale = np.load(arguments.run / "spectrograms.npy")

    def heard(drawn):
        return to_pictures(to_sounds(drawn, scale), scale)

    def tell(name, drawn, asked):
        found = classifier.classify(drawn[..., None], asked)
        times = np.bincount(asked, minlength=len(data.names))
        mean = np.average(found.right, weights=times)
        print(f"{name:36} {mean:.1%}, worst {np.nanmin(found.right):.1%}")

    tell("recordings", pictures[others], labels[others])
    tell("recordings, heard", heard(pictures[others]), labels[others])
    generator = gan.load_generator(arguments.run)
    asked = np.arange(FAKES) % len(data.names)
    fakes = generator.draw(FAKES, asked).clip(0, 1)
    tell("fakes, the digit asked for", fakes, asked)
    tell("fakes, heard", heard(fakes), asked)
    halves = pictures[others], pictures[learnt]
    floor, error = gan.metrics.kernel_distance(*halves)
    print(f"two halves: kernel distance {1000 * floor:.1f} ± {1000 * error:.1f}")
    distance, error = gan.metrics.kernel_distance(pictures, fakes)
    print(f"fakes: kernel distance {1000 * distance:.1f} ± {1000 * error:.1f}")
    precision, recall = gan.metrics.precision_recall(pictures[:FAKES], fakes)
    print(f"precision {precision:.2f}, recall {recall:.2f}")
    _, near = generator.nearest(fakes, pictures)
    _, usual = generator.nearest(*halves)
    said = f"nearest recording: fakes {np.median(near):.3f}, other recordings "
    print(f"{said}{np.median(usual):.3f}")


if __name__ == "__main__":
    main()
