"""Translates pictures by TranslationGAN, from pairs or inputs that a layer makes.

`train --pairs DIR` learns from a folder of pairs. `train --pictures DIR --from
shrunk:4` learns to enlarge by 4, `hole:16` to fill in, `grey` to colour, `edges` to
paint. A tenth of the pictures, at most 200, is held out. After each epoch, some of them
are drawn, inputs above outputs above targets. At the end, all of them are measured
beside baselines that need no network.

Reference:
    Isola et al. 2017, Image-to-Image Translation with Conditional Adversarial Networks.
"""

from __future__ import annotations

import dataclasses
import pathlib
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from gan import conditions, plots
from gan.conditions import Condition
from gan.data.pairs import read_pairs
from gan.data.pixels import NO_RANGE
from gan.errors import StrPath, require
from gan.generators.translator import Translator
from gan.metrics import pairs as measures
from gan.networks.unet import unet_GenDiscr
from gan.recipes.r3gan import read
from gan.recipes.run import Recipe
from gan.schedules import LinearDecay
from gan.variants.translation_gan import TranslationGAN

if TYPE_CHECKING:
    from gan.recipes.run import Run

_BATCH = 16
_LEAST = 16  # smallest number of pictures to learn from
_SHOWN = 8  # held-out pictures to draw
_MOST_WITHHELD = 200
_MOST_LINEAR = 5000  # largest number of training pairs for the linear answer


@dataclasses.dataclass(frozen=True, eq=False)
class Parts:
    """Training pictures and held-out pictures.

    Attributes:
        said: str, a line that says what was read.
        targets: uint8 array `(N, h, w, c)`.
        inputs: uint8 array `(N, h, w, c)`, or `None` if `layer` makes them.
        layer: layer of `gan.conditions`, or `None`.
        withheld: int, number of held-out pictures, which are the last ones.
    """

    said: str
    targets: np.ndarray
    inputs: np.ndarray | None
    layer: Condition | None
    withheld: int
    names: tuple[str, ...] = ()

    @property
    def pictures(self) -> np.ndarray:
        """The targets of the training set."""
        return self.targets[: -self.withheld]

    def examples(self) -> Any:
        """The real examples of the model."""
        if self.inputs is None:
            return self.pictures
        return self.pictures, self.inputs[: -self.withheld]

    def unseen(self, translator: Translator) -> tuple[np.ndarray, np.ndarray]:
        """Held-out inputs, as the network takes them, and targets, in [0, 1]."""
        return self._pair(translator, slice(-self.withheld, None))

    def seen(self, translator: Translator) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of the training set, at most 5,000."""
        most = min(len(self.pictures), _MOST_LINEAR)
        return self._pair(translator, slice(0, most))

    def _pair(self, translator, rows):
        targets = self.targets[rows] / np.float32(255)
        if self.inputs is not None:
            return self.inputs[rows] / np.float32(255), targets
        return translator.inputs_of(targets), targets


def read_parts(
    path: StrPath | None,
    condition: str | None = None,
    size: int | tuple[int, int] | None = None,
    colour: bool | None = None,
) -> Parts:
    """Reads pairs, or pictures from which a layer computes the inputs.

    Args:
        path: str or `os.PathLike`, a folder of pairs, see `gan.data.pairs.read_pairs`;
            with `condition`, pictures, see `gan.data.pictures.read_pictures`.
        condition: str, as in `gan.conditions.named`, or `None` for pairs.
        size: int, both sides, or pair of ints (height, width), multiples of 4, at least
            8. `None` takes 32, or, for an array of pictures, their size up to 64.
        colour: bool, RGB or grey; `None` finds out whether there are colours.

    Returns:
        `Parts`.
    """
    if condition is not None:
        layer = conditions.named(condition)
        found = read(path, size, colour, labelled=False)
        targets, inputs, said = found.pictures, None, f"{found.said}, from {condition}"
        # Raise errors now, for example for grey pictures that are to be coloured.
        layer.compute_output_shape((None, *targets.shape[1:]))
    else:
        sentence = "The argument data (--pairs) must name a folder of pairs."
        require(path is not None, sentence, "data")
        sides = (size, size) if isinstance(size, int) else size
        found, layer = read_pairs(path, sides, colour), None
        targets, inputs, said = found.targets, found.inputs, found.said
    count = len(targets)
    sentence = f"There must be at least {_LEAST} pictures or pairs, not {count}."
    require(count >= _LEAST, sentence, "data")
    # Shuffle, because pictures with neighbouring names may be similar.
    order = np.random.default_rng(0).permutation(count)
    targets, inputs = targets[order], None if inputs is None else inputs[order]
    withheld = min(count // 10, _MOST_WITHHELD)
    said += f"; {withheld} of them held out"
    return Parts(said, targets, inputs, layer, withheld)


def make_networks(data: Parts) -> tuple[Any, Any, Any]:
    """Make both networks, which are narrower for grey pictures."""
    inputs: Any = data.layer
    if data.inputs is not None:
        inputs = data.inputs.shape[1:]
    width = 32 if data.targets.shape[3] == 3 else 24
    return unet_GenDiscr(inputs, data.targets.shape[1:], width)


def _fitted(data, steps):
    """The layer, the batch size, and optimizers whose rates reach 0 at the end."""
    names = ("generator_optimizer", "discriminator_optimizer")
    rates = {name: LinearDecay(1e-3, steps, 0.3) for name in names}
    adams = {k: keras.optimizers.Adam(rate, 0.0, 0.99) for k, rate in rates.items()}
    size = min(_BATCH, len(data.pictures))
    return {"batch_size": size, "condition": data.layer, **adams}


def draw(model: TranslationGAN, data: Parts) -> np.ndarray:
    """Draws held-out pictures in three rows: inputs, outputs, targets.

    Args:
        model: `gan.TranslationGAN`.
        data: `Parts`.

    Returns:
        float32 array `(H, W)` or `(H, W, 3)` in [0, 1].
    """
    translator = Translator.of(model)
    inputs, targets = (some[:_SHOWN] for some in data.unseen(translator))
    made = translator.translate(inputs).reshape(targets.shape)
    rows = [translator.as_seen(inputs), made, targets]
    return plots.tile(np.concatenate(rows), len(targets))


def measure(model: TranslationGAN, data: Parts) -> dict[str, dict[str, float]]:
    """Measures translations of held-out inputs against their targets.

    Args:
        model: `gan.TranslationGAN`.
        data: `Parts`.

    Returns:
        Dict of dicts, as in `gan.metrics.pairs.compare_pairs`: the model beside the
        input itself, the mean of the training targets and ridge regression.
    """
    translator = Translator.of(model)
    inputs, targets = data.unseen(translator)
    mask = inputs[..., -1:] if translator.masked else None
    answers = {"model": translator.translate(inputs).reshape(targets.shape)}
    training = data.seen(translator)
    if translator.masked:
        training, inputs = (training[0][..., :-1], training[1]), inputs[..., :-1]
    answers |= measures.trivial_answers(inputs, targets, training)
    return measures.compare_pairs(targets, answers, mask)


RECIPE_OF_PARTS = Recipe(
    read=lambda path: read_parts(path),
    networks=make_networks,
    model=TranslationGAN,
    examples=Parts.examples,
    options={
        "ema": 0.999,
        "gamma": 0.2,
        "penalty_every": 8,
        "pixel_range": NO_RANGE,
    },
    fitted=_fitted,
    epochs=50,
    steps=400,
    every=2,
    draw=draw,
)


def train(run: Run, **options: Any) -> list[pathlib.Path]:
    """Trains on pairs, or on pictures from which a layer computes the inputs.

    Args:
        run: `gan.recipes.run.Run`.
        **options: condition, size and colour, as in `read_parts`.

    Returns:
        List of `pathlib.Path`, as in `run.train`.
    """
    data = read_parts(run.data, **options)

    def end(run, model):
        print(f"Results on the {data.withheld} held-out pictures:")
        print(measures.table(measure(model, data)), flush=True)
        return []

    return run.train(dataclasses.replace(RECIPE_OF_PARTS, end=end), data)
