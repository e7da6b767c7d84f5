"""Measures generated digits or clothes with a classifier trained on real ones.

    python tests/benchmarks/digits.py --data mnist_10k.npz RUN [RUN ...]
    python tests/benchmarks/digits.py --data fashion_10k.npz --least 0.87 RUN [RUN ...]

RUN is a folder of `python main.py train`, with its `model.keras`. A small convolutional
network is trained on four fifths of the labelled pictures in `--data` and must classify
at least 97% of the others correctly, or the share `--least`. Then it classifies 5,000
fakes of each run. The script prints:

- if the model has classes: the share of fakes that have the requested class, over all
  classes and for each;
- for every model: how many of the ten classes there are (each at least 1% of the
  fakes), the entropy of the predicted classes in nats (log 10 = 2.303 if all are
  equally frequent), precision and recall, density and coverage, and the kernel distance
  to the reals, times 1,000. It also prints the kernel distance of two halves of the
  reals.
"""

import argparse
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402

import gan  # noqa: E402
from gan.data.pictures import read_pictures  # noqa: E402
from gan.generators.trained import TrainedGenerator  # noqa: E402
from gan.metrics.classes import Classifier  # noqa: E402

FAKES = 5000


def draw(model):
    """Fakes `(FAKES, 28, 28)` in [0, 1] and the classes asked for, or None."""
    parts, asked = [], None
    if model.classes:
        asked = np.repeat(np.arange(10), FAKES // 10)
    with model.stream.restarted(0):
        for start in range(0, FAKES, 500):
            if asked is None:
                parts.append(model.get_fake_sample(500))
            else:
                labels = asked[start : start + 500]
                parts.append(model.get_fake_sample(labels=labels)[0])
    fakes = np.concatenate(parts)[..., 0]
    return TrainedGenerator.of(model).pictures(fakes), asked


def judge(classifier, pictures, model):
    """Lines of a table about one model."""
    fakes, asked = draw(model)
    found = classifier.classify(fakes[..., None], asked)
    distance, error = gan.metrics.kernel_distance(pictures, fakes)
    lines = [str(found)]
    if found.right is not None:
        lines.append("each: " + " ".join(f"{value:.3f}" for value in found.right))
    lines.append("frequencies: " + " ".join(f"{share:.3f}" for share in found.shares))
    real = pictures[:FAKES]
    precision, recall = gan.metrics.precision_recall(real, fakes)
    lines.append(f"precision {precision:.3f}, recall {recall:.3f}")
    density, coverage = gan.metrics.density_coverage(real, fakes)
    lines.append(f"density {density:.3f}, coverage {coverage:.3f}")
    lines.append(f"kernel distance {1000 * distance:.2f} ± {1000 * error:.2f}")
    return lines


def main():
    """Measure the runs that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="labelled pictures")
    parser.add_argument("--least", type=float, default=0.97, help="accuracy on reals")
    parser.add_argument("runs", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    data = read_pictures(arguments.data, (28, 28), False)
    pictures = data.floats()
    classifier = Classifier(pictures[..., None], data.labels)
    print(f"classifier: {classifier.accuracy:.4f} of held-out pictures")
    if classifier.accuracy < arguments.least:
        raise SystemExit(f"too little: at least {arguments.least} is needed")
    halves = np.array_split(np.random.default_rng(0).permutation(pictures), 2)
    floor, error = gan.metrics.kernel_distance(*halves)
    print(f"reals: kernel distance {1000 * floor:.2f} ± {1000 * error:.2f}")
    for path in arguments.runs:
        print(f"\n{path}")
        model = gan.load_model(path / "model.keras")
        print(*judge(classifier, pictures, model), sep="\n")


if __name__ == "__main__":
    main()
