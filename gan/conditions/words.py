"""Captions as vectors, so that words can be a condition."""

from __future__ import annotations

import base64
import difflib
import re
from collections import Counter
from typing import Any, Self

import keras
import numpy as np
import numpy.typing as npt

from gan.errors import expect_array, expect_positive_int, require, shown

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_MOST_NAMED = 8  # unknown words that an error lists


@keras.saving.register_keras_serializable(package="gan")
class Words:
    """Turns captions into vectors: one number per word, 1 if the caption contains it.

    Case and the order of the words do not matter, so "black hair" is two words. Words
    that every caption contains carry no information and have no number. Words in fewer
    than `least` captions are too rare to learn and are left out.

    Args:
        captions: sequence of at least 2 str, from which the vocabulary is made.
        most: int, largest size of the vocabulary; the most frequent words are kept.
        least: int, smallest number of captions that must contain a word.

    Attributes:
        names: list of str, the vocabulary in alphabetical order.
        fillers: list of str, the words that every caption contains.

    Raises:
        InvalidInput: if the captions are not texts, or do not differ.

    Example:

    ```python
    words = gan.conditions.Words(captions)
    reader = gan.conditions.fit_reader(pictures, words(captions))
    size = {"condition": len(words), "reader": reader}
    networks = gan.strided_GenDiscr((32, 32, 3), sharp=True, **size)
    model = gan.CaptionGAN(*networks, (pictures, captions), words=words, mismatch=0.5)
    model.fit(epochs=100, steps_per_epoch=200)
    model.get_fake_sample(16, labels="smiling, black hair, glasses")
    ```

    Reference:
        Reed et al. 2016, Generative Adversarial Text to Image Synthesis. Here a vector
        of words replaces the text encoder.
    """

    def __init__(
        self, captions: npt.ArrayLike, most: int = 1000, least: int = 2
    ) -> None:
        expect_positive_int(most=most, least=least)
        texts = _expect_texts(captions, "captions")
        require(
            len(texts) > 1,
            "The argument captions must hold at least 2 captions, one per picture.",
            "captions",
        )
        held = [{*_split(text)} for text in texts]
        counts = Counter(word for words in held for word in words)
        fillers = sorted(word for word, n in counts.items() if n == len(held))
        frequent = [w for w, n in counts.most_common() if least <= n < len(held)]
        self.names: list[str] = sorted(frequent[:most])
        self.fillers: list[str] = fillers
        require(
            self.names,
            "The argument captions must contain a word that occurs in at least "
            f"{least} captions but not in all, but there is none.",
            "captions",
        )
        self._number_names()
        vectors = self.of_captions(texts)
        beside = np.rint(vectors.T @ vectors)
        self._beside = beside > 0
        # Row w marks the words that every caption with the word w contains.
        self._implied = beside == np.diag(beside)[:, None]

    def _number_names(self):
        self._numbers = {name: number for number, name in enumerate(self.names)}

    def __len__(self) -> int:
        """Length of a vector."""
        return len(self.names)

    def __call__(self, texts: npt.ArrayLike) -> np.ndarray:
        """Turns texts into vectors; every word must be known.

        Args:
            texts: str, or sequence of n str.

        Returns:
            Float32 array of zeros and ones, `(d,)` or `(n, d)`, d = `len(words)`.

        Raises:
            InvalidInput: if a word is unknown. The error names it.
        """
        several = _expect_texts(texts, "words")
        unknown = [word for text in several for word in _split(text)]
        unknown = [w for w in dict.fromkeys(unknown) if not self._knows(w)]
        near = [self._near(word) for word in unknown[:_MOST_NAMED]]
        more = f" and {len(unknown) - _MOST_NAMED} more" * (len(unknown) > _MOST_NAMED)
        require(
            not unknown,
            "The argument words must use the words of the training captions, but the "
            f"model does not know {', '.join(near)}{more}. It knows {self._listed()}.",
            "words",
        )
        vectors = self._vectors(several)
        return vectors[0] if isinstance(texts, str) else vectors

    def of_captions(self, captions: npt.ArrayLike) -> np.ndarray:
        """Turns captions into vectors; unknown words are ignored.

        Args:
            captions: sequence of n str.

        Returns:
            Float32 array of zeros and ones, `(n, d)`.

        Raises:
            InvalidInput: if a caption contains words, but none that is known.
        """
        texts = _expect_texts(captions, "captions")
        for text in texts:
            known = any(self._knows(word) for word in _split(text))
            said = f"The caption {shown(text)} holds no word of the vocabulary: make "
            said += "the vocabulary by gan.conditions.Words(captions)."
            require(known or not {*_split(text)}, said, "captions")
        return self._vectors(texts)

    def completed(
        self, text: str, among: npt.ArrayLike, count: int | None = None
    ) -> np.ndarray:
        """Completes a text with words of real captions.

        Each vector of `among` is changed: words that never occur together with a word
        of the text (such as "serious" with "smiling") are removed. Then the words of
        the text are added, with the words that always accompany them. Only the vectors
        from which the fewest words were removed are kept.

        Args:
            text: str, words that every vector gets.
            among: float array of zeros and ones, `(k, d)`, vectors of captions.
            count: int, number of vectors to return; if fewer are kept, they are
                repeated in turn. `None` returns each kept vector once.

        Returns:
            Float32 array of zeros and ones, `(count, d)`.

        Raises:
            InvalidInput: if a word is unknown.
        """
        asked = self(text) > 0
        asked |= self._implied[asked].any(axis=0) & self._fits(asked)
        vectors = np.asarray(among, np.float32) > 0
        fit = self._fits(asked)
        dropped = (vectors & ~fit).sum(axis=1)
        kept = vectors[dropped == dropped.min()] & fit | asked
        kept = kept.astype(np.float32)
        return kept if count is None else kept[np.arange(count) % len(kept)]

    def _fits(self, asked):
        """Which words occur together with each of the words asked for."""
        return self._beside[asked].all(axis=0) | asked

    def said(self, vector: npt.ArrayLike) -> str:
        """The words of a vector `(d,)`, separated by commas."""
        return ", ".join(self.names[i] for i in np.flatnonzero(np.asarray(vector) > 0))

    def get_config(self) -> dict[str, Any]:
        """The vocabulary, and which words occur together."""
        packed = {
            name: base64.b64encode(np.packbits(array)).decode()
            for name, array in (("beside", self._beside), ("implied", self._implied))
        }
        return {"names": self.names, "fillers": self.fillers, **packed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make an equal object from `get_config()`."""
        words = cls.__new__(cls)
        words.names, words.fillers = [*config["names"]], [*config["fillers"]]
        size = len(words.names)
        for name in ("beside", "implied"):
            packed = np.frombuffer(base64.b64decode(config[name]), np.uint8)
            array = np.unpackbits(packed, count=size * size).reshape(size, size)
            setattr(words, f"_{name}", array.astype(bool))
        words._number_names()
        return words

    def __repr__(self) -> str:
        return f"<Words: {self._listed()}>"

    def _vectors(self, texts):
        vectors = np.zeros((len(texts), len(self.names)), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            row[[self._numbers[w] for w in _split(text) if w in self._numbers]] = 1
        return vectors

    def _knows(self, word):
        return word in self._numbers or word in self.fillers

    def _near(self, word):
        near = difflib.get_close_matches(word, [*self.names, *self.fillers], 1, 0.6)
        return shown(word) + (f" (did you mean {shown(near[0])}?)" if near else "")

    def _listed(self, most=40):
        more = f" and {len(self.names) - most} more" * (len(self.names) > most)
        return ", ".join(self.names[:most]) + more


def are_texts(value: object) -> bool:
    """Whether a value is a text, or an array or a sequence of texts."""
    if isinstance(value, str):
        return True
    if isinstance(value, (list, tuple)):
        return len(value) > 0 and all(isinstance(one, str) for one in value)
    # NumPy has a dtype for texts; pandas stores them as objects.
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind in ("O", "T") or type(value).__name__ == "Series":
        return all(isinstance(one, str) for one in np.ravel(np.asarray(value)))
    return kind == "U"


def expect_words(words: object, shape: tuple[int, ...] | None) -> None:
    """Expects `None`, or `Words` whose vectors fit the networks.

    Args:
        words: the argument of a model.
        shape: tuple, shape of the networks' condition, or `None` if they take none.

    Raises:
        InvalidInput: if `words` is anything else.
    """
    if words is None:
        return
    said = "The argument words must be gan.conditions.Words(captions) or None, but it "
    require(isinstance(words, Words), f"{said}is {shown(words)}.", "words")
    fits = isinstance(words, Words) and shape == (len(words),)
    require(
        fits,
        f"The argument words has {len(words) if isinstance(words, Words) else 0} "
        "words, so the condition of both networks must be a vector of as many numbers, "
        f"but its shape is {shown(shape)}: build them with condition=len(words).",
        "words",
    )


def vectors_of(
    condition: Any,
    count: int,
    size: int,
    words: Words | None,
    usual: npt.ArrayLike | None,
) -> np.ndarray:
    """Turns what a user gives as condition into vectors.

    Args:
        condition: float array `(count, size)`, or one vector `(size,)` for all; with
            `words` also a list of texts, or one text, which is completed from `usual`.
        count: int, number of vectors.
        size: int, length of a vector.
        words: `Words`, or `None` if the condition cannot be a text.
        usual: float array `(k, size)`, vectors of real captions, or `None`.

    Returns:
        Float32 array `(count, size)`.

    Raises:
        InvalidInput: if the condition is invalid, or a word is unknown.
    """
    require(
        condition is not None,
        f"The argument condition is missing: give vectors of {size} numbers, because "
        "the generator has no conditions of the training data.",
        "condition",
    )
    if are_texts(condition):
        said = "The generator knows no words: give numbers by the argument condition."
        require(words is not None, said, "condition")
        if isinstance(condition, str) and usual is not None:
            return words.completed(condition, usual, count)
        condition = words(condition)
    vectors = np.asarray(condition)
    if vectors.shape == (size,):
        vectors = np.broadcast_to(vectors, (count, size))
    return np.float32(expect_array((count, size), condition=vectors))


def _expect_texts(value, name):
    """Texts as a list of str; a single text becomes a list of one."""
    if isinstance(value, str):
        return [value]
    said = f"The argument {name} must be a list of texts, but it is {shown(value)}."
    require(are_texts(value) and np.ndim(value) == 1, said, name)
    return [str(one) for one in np.asarray(value, object)]


def _split(text):
    """The words of a text, in lower case."""
    return _WORD.findall(text.casefold())
