"""Directions of latent space, such as smiles, glasses or brightness."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gan.errors import (
    StrPath,
    expect_array,
    expect_between,
    expect_choice,
    expect_path,
    expect_seed,
    require,
    shown,
)
from gan.generators.axes import answered, strongest
from gan.generators.given import given_examples
from gan.generators.project import features_of
from gan.generators.scores import Score, fit_score
from gan.support.files import atomic_path
from gan.training.inputs import latent_shape

_TRIED = 300  # latents with which the length of a direction is chosen
_LENGTHS = np.arange(0.25, 6.01, 0.25)  # lengths to choose from
_MOST_STORED = 2**24  # largest size of a file of directions, in bytes


@dataclasses.dataclass(frozen=True, eq=False)
class Direction:
    """A direction of latent space that changes one attribute of pictures.

    Attributes:
        name: str, the attribute, such as "smiling".
        latents: float32 array `(latent_dim,)`, added to the latents for an amount of 1.
            Its length is chosen so that about half of the pictures without the
            attribute then have it.
        classes: float32 array `(classes,)` of sum 0, added to the one-hot weights of
            the classes; `None` without classes.
        accuracy: float in [0, 1], accuracy of the score behind the direction on
            held-out real pictures; `None` if the score was not learnt.
        turned: float in [0, 1], share of the pictures without the attribute that have
            it after an amount of 1; `None` if it was not measured.
    """

    name: str
    latents: np.ndarray
    classes: np.ndarray | None = None
    accuracy: float | None = None
    turned: float | None = None

    def __str__(self) -> str:
        text = f"{self.name}: length {np.linalg.norm(self.joint):.2f}"
        if self.accuracy is not None:
            text += f"; its score is right for {self.accuracy:.1%} of held-out reals"
        if self.turned is not None:
            text += "; an amount of 1 gives it to "
            text += f"{self.turned:.0%} of the fakes without it"
        return text

    @property
    def joint(self) -> np.ndarray:
        """Both parts in one float32 array `(latent_dim + classes,)`."""
        parts = [self.latents] if self.classes is None else [self.latents, self.classes]
        return np.concatenate(parts)


class Directions(Mapping[str, Direction]):
    """A mapping from names to the directions of a generator.

    It is the attribute `directions` of a `TrainedGenerator`. If the generator has
    classes, a direction changes the weights of the classes as well as the latents, so
    that it can also change what depends on the class.

    Attributes:
        path: `pathlib.Path`, the file that `save` writes, or `None` if the generator
            was not read from a file.

    Example:

    ```python
    generator = gan.load_generator("run")
    generator.directions.named("smiling", "photos/smiling", "photos/serious")
    found = generator.project("me.png")
    edited = generator.edit(found.latents, "smiling", 2, found.labels)
    ```
    """

    def __init__(self, generator: Any) -> None:
        """Make an empty mapping for a `TrainedGenerator`."""
        self._generator = generator
        self._known: dict[str, Direction] = {}
        self.path: pathlib.Path | None = None

    def __getitem__(self, name: str) -> Direction:
        known = ", ".join(self._known) or "none yet"
        said = f"There is no direction {shown(name)} (known: {known}): named(…) finds "
        said += "new ones."
        require(name in self._known, said, "towards")
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __repr__(self) -> str:
        return "\n".join(map(str, self._known.values())) or "no directions yet"

    def named(
        self,
        name: str,
        with_: npt.ArrayLike | StrPath | None = None,
        without: npt.ArrayLike | StrPath | None = None,
        *,
        labels: npt.ArrayLike | None = None,
        score: Callable[[np.ndarray], npt.ArrayLike] | None = None,
        count: int = 5000,
        seed: int = 0,
    ) -> Direction:
        """Finds the direction that changes one attribute, and stores it under a name.

        First a linear classifier learns to tell real pictures with the attribute from
        pictures without it. Its scores of `count` fakes are then fitted by a linear
        function of the fakes' latents, whose gradient is the direction.

        Args:
            name: str, name of the attribute.
            with_: pictures with the attribute, as `TrainedGenerator.project` takes
                them: an array, a folder or a file.
            without: pictures without the attribute, in the same form.
            labels: bool array `(n,)`, which of the pictures `with_` have the attribute;
                it replaces `without`.
            score: callable that replaces the pictures: float array `(n, …)` of pictures
                from `draw` -> floats or bools `(n,)`, such as `lambda x:
                x.mean(axis=(1, 2))` for brightness.
            count: int from 100 to 100,000, number of fakes.
            seed: int from 0 to 2³² − 1, seed of the fakes.

        Returns:
            `Direction`.

        Raises:
            InvalidInput: if an argument is invalid, or the fakes do not differ in the
                attribute.

        Formula:
            argmin_w Σ_i (s_i − w · [z_i, p_i])², s the centred scores, z the latents, p
            the weights of the classes

        Reference:
            Shen et al. 2020, Interpreting the Latent Space of GANs for Semantic Face
            Editing, section 3.
        """
        said = f"The argument name must be a text, but it is {shown(name)}."
        require(
            isinstance(name, str) and name.strip() and name.isprintable(), said, "name"
        )
        expect_between(100, 100_000, count=count)
        expect_seed(2**32, seed=seed)
        said = (
            "The generator takes vectors as condition: to change what it draws, use "
            "another "
        )
        said += "condition, or take unnamed directions."
        require(not self._generator.condition_shape, said, "generator")
        given = self._dim and self._given_score(with_, without, labels, score)
        latents, classes = self._codes(count, seed)
        scores = self._scored(given, latents, classes)
        direction = answered(latents, classes, scores, name)
        one = self._measured(name, direction, given, latents, classes, scores)
        self._known[name] = one
        return one

    def unnamed(
        self, count: int = 6, method: str | None = None, seed: int = 0
    ) -> list[Direction]:
        """Finds the directions in which the pictures change most, and stores them.

        Their names are "direction 1" and so on, the strongest first. An amount of 1 is
        one standard deviation of the latents.

        Args:
            count: int, largest number of directions.
            method: "sefa" takes the directions to which the first dense layer responds
                most; "pca" takes those along which the principal components of 2,000
                fakes change; `None` takes "sefa" if a dense layer takes the latents,
                otherwise "pca".
            seed: int from 0 to 2³² − 1, seed of the fakes.

        Returns:
            List of `Direction`.

        Reference:
            Shen & Zhou 2021, Closed-Form Factorization of Latent Semantics in GANs, eq.
            4; Härkönen et al. 2020, GANSpace: Discovering Interpretable GAN Controls,
            section 2.
        """
        expect_between(1, 10_000, count=count)
        expect_seed(2**32, seed=seed)
        if method is not None:
            expect_choice(("sefa", "pca"), method=method)
        dim = self._dim
        rows = np.zeros((0, dim))
        if method != "pca":
            rows = strongest(self._generator.network, dim, count)
            said = "No dense layer takes the generator's latents: take method='pca'."
            require(len(rows) or method is None, said, "method")
        if not len(rows):
            rows = self._components(count, seed)
        unit = np.float32(self._generator.latents(1000, seed).std())
        none = self._generator.classes and np.zeros(self._generator.classes, np.float32)
        found = [
            Direction(f"direction {number}", unit * np.float32(row), none)
            for number, row in enumerate(rows, 1)
        ]
        self._known |= {one.name: one for one in found}
        return found

    def apart(self, name: str, others: Sequence[str]) -> Direction:
        """Makes a direction orthogonal to others, and keeps its length.

        Args:
            name: str, name of the direction.
            others: sequence of str, names of directions that should not change.

        Returns:
            `Direction`.

        Raises:
            InvalidInput: if a name is unknown, or nothing is left of the direction.

        Formula:
            n − Σ_j (n · o_j) o_j, o an orthonormal basis of the others' span

        Reference:
            Shen et al. 2020, section 3, "Conditional Manipulation".
        """
        one = self[name]
        others = [other for other in others if other != name]
        if not others:
            return one
        axes = np.linalg.qr(np.transpose([self[other].joint for other in others]))[0]
        length = np.linalg.norm(one.joint)
        rest = one.joint - axes @ (axes.T @ one.joint)
        left = np.linalg.norm(rest)
        said = f"Nothing is left of {shown(name)} without the directions {others}."
        require(left > 1e-3 * length, said, "others")
        rest *= length / left
        return dataclasses.replace(one, **self._parts(rest), turned=None)

    def edit(
        self,
        latents: npt.ArrayLike,
        towards: str | Direction,
        amount: float | npt.ArrayLike = 1.0,
        labels: Any = None,
        keep: Sequence[str] = (),
        condition: Any = None,
    ) -> np.ndarray:
        """See `TrainedGenerator.edit`."""
        generator = self._generator
        latents = np.float32(expect_array((None, None), latents=latents))
        amounts = np.broadcast_to(np.float32(amount), (len(latents),))
        expect_array((None,), amount=amounts)
        known = isinstance(towards, Direction)
        names = [towards.name] if known else [towards]
        one = towards if known else self.apart(towards, keep)
        said = "The argument keep can be given only if towards is the name of a "
        said += "direction: leave keep out, or give a name."
        require(not (known and len(keep)), said, "keep")
        said = f"The direction {names[0]} belongs to another generator."
        require(latents.shape[1:] == one.latents.shape, said, "towards")
        moved = latents + amounts[:, None] * one.latents
        if one.classes is None:
            return generator.draw(moved, labels, condition=condition)
        weights = np.eye(len(one.classes), dtype=np.float32)
        weights = weights[generator.labels(len(latents), labels)]
        return self._drawn(moved, weights + amounts[:, None] * one.classes)

    def save(self, path: StrPath | None = None) -> pathlib.Path:
        """Writes the directions to an `.npz` file, which `load` reads.

        Args:
            path: str or `os.PathLike` that ends in .npz; `None` writes to `self.path`,
                beside the model, where `gan.load_generator` finds the file.

        Returns:
            `pathlib.Path`.
        """
        said = "The argument path is missing: the generator was not read from a file."
        require(path is not None or self.path is not None, said, "path")
        path = expect_path(path=self.path if path is None else path)
        said = f"The argument path must end in .npz, but it is {path}."
        require(path.suffix == ".npz", said, "path")
        said = "There are no directions to save: find one with named."
        require(len(self), said, "path")
        told = [
            {"name": one.name, "accuracy": one.accuracy, "turned": one.turned}
            for one in self.values()
        ]
        joint = np.stack([one.joint for one in self.values()])
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            about = {"of": self._fingerprint(), "directions": told}
            np.savez(file, joint=joint, about=np.array(json.dumps(about)))
        return path

    def load(self, path: StrPath) -> None:
        """Reads directions that `save` wrote for this generator.

        Args:
            path: str or `os.PathLike`, an `.npz` file.

        Raises:
            InvalidInput: if the file is invalid or belongs to another generator.
        """
        path = expect_path(path=path)
        try:
            found, about = _read(path)
            told, size = about["directions"], self._dim + (self._generator.classes or 0)
            shape = (len(told), size)
            fits = found.shape == shape and found.dtype == np.float32
            fits = fits and np.isfinite(found).all()
            ones = [
                Direction(
                    str(one["name"]),
                    accuracy=one["accuracy"] and float(one["accuracy"]),
                    turned=one["turned"] and float(one["turned"]),
                    **self._parts(row),
                )
                for one, row in zip(told, found, strict=fits)
            ]
            of = about["of"]
        except Exception as error:
            # NumPy raises many kinds of errors for damaged files.
            reason = str(error) or type(error).__name__
            said = f"The file {path} holds no directions of this generator ({reason})."
            require(False, said, "path")
        said = f"The file {path} contains directions of other weights: find "
        said += "them again."
        require(fits and of == self._fingerprint(), said, "path")
        self._known |= {one.name: one for one in ones}

    # -- how directions are found ----------------------------------------------

    @property
    def _dim(self):
        shape = latent_shape(self._generator.network)
        said = f"The generator's latents must be vectors, but their shape is {shape}."
        require(len(shape) == 1, said, "generator")
        return shape[0]

    def _parts(self, joint):
        dim = self._dim
        classes = joint[dim:] if self._generator.classes else None
        return {"latents": joint[:dim], "classes": classes}

    def _given_score(self, with_, without, labels, score):
        """The `Score` that the arguments of `named` describe."""
        if score is not None:
            alone = with_ is None and without is None and labels is None
            require(alone, "Give either score or pictures, not both.", "score")
            require(callable(score), "The argument score must be callable.", "score")
            return Score(score)
        shape = self._generator.shape
        said = "The argument with_ is missing: give pictures with the attribute, or a "
        said += "score."
        require(with_ is not None, said, "with_")
        pictures = given_examples(shape, with_=with_)
        if labels is None:
            said = "The argument without is missing: give pictures without the "
            said += "attribute, or labels."
            require(without is not None, said, "without")
            others = given_examples(shape, without=without)
            labels = np.arange(len(pictures) + len(others)) < len(pictures)
            pictures = np.concatenate([pictures, others])
        labels = np.asarray(labels)
        fits = labels.shape == (len(pictures),) and {*np.unique(labels)} == {0, 1}
        said = f"The argument labels must hold {len(pictures)} truth values of both "
        require(fits, f"{said}kinds, one for each picture.", "labels")
        return fit_score(pictures, labels.astype(bool), self._look)

    def _look(self, pictures):
        """The linear score's inputs: pixels and features of the discriminator."""
        flat = np.float32(pictures).reshape(len(pictures), -1)
        features = features_of(self._generator.discriminator)
        if features is None:
            return flat
        offset, scale = self._generator.picture
        outputs = (pictures.reshape(-1, *self._generator.shape) - offset) / scale
        parts = range(0, len(outputs), 1000)
        seen = [np.asarray(features(np.float32(outputs[i : i + 1000]))) for i in parts]
        return np.hstack([flat, np.concatenate(seen).reshape(len(flat), -1)])

    def _codes(self, count, seed):
        """Latents and class weights of `count` fakes."""
        latents = self._generator.latents(count, seed)
        classes = self._generator.classes
        if not classes:
            return latents, None
        return latents, np.eye(classes, dtype=np.float32)[self._generator.labels(count)]

    def _drawn(self, latents, classes):
        """Pictures that the generator draws from latents and class weights."""
        if classes is None:
            return self._generator.draw(latents)
        return self._generator.draw_mixed(latents, classes)

    def _scored(self, given, latents, classes):
        parts = range(0, len(latents), 1000)
        cut = [slice(i, i + 1000) for i in parts]
        both = [(latents[s], None if classes is None else classes[s]) for s in cut]
        return np.concatenate([given(self._drawn(*one)) for one in both])

    def _measured(self, name, joint, given, latents, classes, scores):
        """A `Direction` so long that half of the fakes get the attribute."""
        lacking = np.flatnonzero(scores < 0)[:_TRIED] if given.sorts else slice(_TRIED)
        some = latents[lacking], None if classes is None else classes[lacking]
        parts, rises = self._parts(joint), []
        for length in _LENGTHS:
            moved = some[0] + length * parts["latents"]
            weights = None if classes is None else some[1] + length * parts["classes"]
            after = self._scored(given, moved, weights)
            if given.sorts:
                rises.append(np.mean(after > 0) / 0.5)
            else:
                rises.append(np.mean(after - scores[lacking]) / scores.std())
            if rises[-1] >= 1:
                break
        best = int(np.argmax(rises))
        said = f"The pictures hardly change along the direction {shown(name)}: the "
        said += "generator does not vary in it."
        require(rises[best] > 0.1, said, "name")
        parts = self._parts(np.float32(_LENGTHS[best] * joint))
        turned = float(0.5 * rises[best]) if given.sorts else None
        return Direction(name, **parts, accuracy=given.accuracy, turned=turned)

    def _components(self, count, seed):
        """Directions along which the principal components of fakes change."""
        latents = self._generator.latents(2000, seed)
        outputs = self._generator.outputs(latents).reshape(2000, -1)
        outputs = outputs - outputs.mean(axis=0)
        along = np.linalg.svd(outputs, full_matrices=False)[2][:count]
        centred = latents - latents.mean(axis=0)
        answers = np.linalg.lstsq(centred, outputs @ along.T, rcond=None)[0]
        return np.linalg.qr(answers)[0].T

    def _fingerprint(self):
        """Sixteen hexadecimal digits that identify the generator's weights."""
        sums = hashlib.sha256()
        for weight in self._generator.network.weights:
            sums.update(np.ascontiguousarray(weight))
        return sums.hexdigest()[:16]


def _read(path):
    """The arrays of a file, which may be untrusted."""
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    require(size <= _MOST_STORED, f"it holds {size} bytes", "path")
    with np.load(path, allow_pickle=False) as file:
        return file["joint"], json.loads(str(file["about"]))
