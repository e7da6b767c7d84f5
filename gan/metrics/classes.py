"""Measures of fakes with a small classifier that is trained on real pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from gan.errors import require
from gan.latent import seeded
from gan.metrics.distances import frechet_distance, kernel_distance
from gan.metrics.report import comparable

# Classes with fewer pictures cannot be both learnt and tested.
LEAST = 5


@dataclasses.dataclass(frozen=True)
class Classes:
    """The classes that a classifier predicts for fakes.

    Attributes:
        accuracy: float in [0, 1], the classifier's accuracy on held-out real pictures.
        right: float array `(classes,)` in [0, 1], for each class the share of its fakes
            that are classified as it; NaN for classes without fakes. `None` if the
            fakes have no classes.
        shares: float array `(classes,)` in [0, 1], shares of the predicted classes.
    """

    accuracy: float
    right: np.ndarray | None
    shares: np.ndarray

    @property
    def entropy(self) -> float:
        """Entropy of the predicted classes in nats, at most log(classes)."""
        some = self.shares[self.shares > 0]
        return float(-(some * np.log(some)).sum())

    def __str__(self) -> str:
        count, present = (
            len(self.shares),
            int((self.shares >= 0.1 / len(self.shares)).sum()),
        )
        text = f"{present} of {count} classes are drawn, with an entropy of "
        text += f"{self.entropy:.3f} nats (at most {np.log(count):.3f}), by a "
        text += f"classifier whose accuracy is {self.accuracy:.1%} on held-out pictures"
        if self.right is None:
            return text
        asked = f"in the requested class: {np.nanmean(self.right):.1%} of the fakes, "
        return f"{asked}{np.nanmin(self.right):.1%} in the worst class; {text}"


@dataclasses.dataclass(frozen=True)
class Features:
    """Distances between fakes and real pictures in the features of a classifier.

    These distances detect fakes that are composed of parts of two real pictures, or are
    the mean of two, even if each pixel is close to that of a real picture. Distances
    between pixels detect noise in single pixels better.

    Attributes:
        count: int, number of pictures in each set.
        kid: pair of floats, the kernel distance and its standard error.
        kid_floor: float, the kernel distance between two sets of real pictures.
        fd: float, at least 0, the Fréchet distance.
        fd_floor: float, at least 0, the Fréchet distance between the two real sets.
    """

    count: int
    kid: tuple[float, float]
    kid_floor: float
    fd: float
    fd_floor: float

    def __str__(self) -> str:
        value, error = self.kid
        return (
            f"by the features of the classifier, for sets of {self.count} pictures: "
            f"kernel distance {1000 * value:.1f} ± {1960 * error:.1f} · 10⁻³, for "
            f"other reals {1000 * self.kid_floor:.1f}; "
            f"FD {self.fd / self.fd_floor:.1f} times that of other reals"
        )


class Classifier:
    """A convolutional classifier, trained on four fifths of labelled pictures.

    Args:
        pictures: float array `(N, h, w, c)` in [0, 1], sides of at least 4.
        labels: int array `(N,)` from 0, every class at least `LEAST` times.
        seed: int, seed of the split, the weights and the order of training.

    Attributes:
        accuracy: float in [0, 1], accuracy on the last fifth.
    """

    def __init__(self, pictures: np.ndarray, labels: np.ndarray, seed: int = 0) -> None:
        counts = np.bincount(labels)
        require(
            counts.min() >= LEAST,
            f"Each class in labels must have at least {LEAST} pictures, but class "
            f"{counts.argmin()} has {counts.min()}: leave it out.",
            "labels",
        )
        require(
            min(pictures.shape[1:3]) >= 4,
            "The pictures must have sides of at least 4 pixels, but their shape is "
            f"{pictures.shape[1:]}.",
            "pictures",
        )
        with seeded(seed):
            parts = [keras.Input(pictures.shape[1:])]
            for filters in (32, 64):
                parts += [layers.Conv2D(filters, 3, activation="relu", padding="same")]
                parts += [layers.MaxPooling2D()]
            parts += [layers.Flatten(), layers.Dropout(0.4)]
            parts += [layers.Dense(len(counts), "softmax")]
            self._network = keras.Sequential(parts)
        self._network.compile(
            "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(labels))
        learnt, held_out = np.split(order, [len(order) * 4 // 5])
        for _ in range(8):
            # Keras would use TensorFlow's global random state to shuffle.
            some = rng.permutation(learnt)
            self._network.fit(pictures[some], labels[some], shuffle=False, verbose=0)
        _, accuracy = self._network.evaluate(
            pictures[held_out], labels[held_out], verbose=0
        )
        self.accuracy: float = accuracy
        self._held_out = pictures[held_out], labels[held_out]

    def features(self, pictures: np.ndarray) -> np.ndarray:
        """The features of pictures before the last layer.

        Args:
            pictures: float array `(n, h, w, c)` in [0, 1].

        Returns:
            Float32 array `(n, d)`.
        """
        network = keras.Sequential(self._network.layers[:-2])
        starts = range(0, len(pictures), 500)
        return np.concatenate([network(pictures[i : i + 500]) for i in starts])

    def compare(self, fakes: np.ndarray, asked: np.ndarray) -> Features:
        """Measures distances between fakes and real pictures in the network's features.

        One half of the held-out real pictures is compared with fakes, and with the
        other half, which gives the floor. Each real picture is matched with a fake of
        its class while there are enough.

        Args:
            fakes: float array `(n, h, w, c)` in [0, 1].
            asked: int array `(n,)`, classes of the fakes, at least four of each.

        Returns:
            `Features`.
        """
        pictures, labels = self._held_out
        half = len(labels) // 2
        left = {label: [*np.flatnonzero(asked == label)] for label in {*labels}}
        pairs = [(i, left[labels[i]].pop()) for i in range(half) if left[labels[i]]]
        said = "The argument asked must hold classes of the held-out real pictures."
        require(pairs, said, "asked")
        reals, numbers = (np.array(part) for part in zip(*pairs, strict=True))
        others = pictures[half : half + len(reals)]
        sets = pictures[reals], fakes[numbers], others
        real, fake, other = (self.features(some) for some in sets)
        to_numbers = comparable(real)
        real, fake, other = (to_numbers(some) for some in (real, fake, other))
        return Features(
            len(reals),
            kernel_distance(real, fake),
            kernel_distance(real, other)[0],
            frechet_distance(real, fake),
            frechet_distance(real, other),
        )

    def classify(self, fakes: np.ndarray, asked: np.ndarray | None = None) -> Classes:
        """Predicts the classes of fakes.

        Args:
            fakes: float array `(n, h, w, c)` in [0, 1].
            asked: int array `(n,)`, classes for which the fakes were drawn, or `None`.

        Returns:
            `Classes`.
        """
        probabilities = self._network.predict(fakes, 500, verbose=0)
        count, named = probabilities.shape[1], probabilities.argmax(axis=1)
        right = None
        if asked is not None:
            times = np.bincount(asked, minlength=count).astype(float)
            hits = np.bincount(asked[named == asked], minlength=count)
            right = np.divide(hits, times, out=0 * times + np.nan, where=times > 0)
        return Classes(
            self.accuracy, right, np.bincount(named, minlength=count) / len(named)
        )


def numbers_of(names: Sequence[str], known: Sequence[str]) -> np.ndarray:
    """Finds the number of each class in a model's list of classes.

    Args:
        names: sequence of str, names of the classes of some pictures.
        known: sequence of str, names of the model's classes.

    Returns:
        Int array `(len(names),)`, -1 for a class that the model does not have.
    """
    numbers = {name: number for number, name in enumerate(known)}
    return np.array([numbers.get(name, -1) for name in names], int)
