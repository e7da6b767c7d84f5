"""R3GAN on any pictures, with or without classes.

The latents are N(0, I) of 64 dimensions (128 for the demo set), and the pictures lie
in [0, 1]. Adam(1e-3; 0, .99) trains both networks; its learning rate is constant for
two fifths of the run and then falls to 0. An average of the generator draws the
pictures. For grey pictures, the networks are residual, batches have 64 pictures, and
every update has penalties of weight γ = 1 (more if the pictures are very far from each
other). For colour, the networks are strided, batches have 32 pictures, γ follows from
the pictures, every eighth update has penalties, and a step takes half the time. On
digits, after equally many steps, the strided networks (γ = .6, one seed) reached a
precision of .60 and the residual networks one of .85.

It was trained for 100 epochs on 10,000 digits with their classes (`python main.py train
--recipe mnist_r3gan --output run --pictures mnist_10k.npz`, seed 0, 14 minutes). A
classifier with an accuracy of 97.5% on held-out digits (`tests/benchmarks/digits.py`)
then classified 5,000 fakes: 98.5% have the requested class, and 96.4% in the worst
class. The kernel distance to the reals is (0.06 ± 0.08) · 10⁻³; that of two halves of
the reals is (0.01 ± 0.05) · 10⁻³. Precision is .85, recall .76. faces/gallery has the
results of other seeds, and those without classes beside WGAN_GP and DCGAN.

Reference:
    Huang et al. 2024, The GAN is dead; long live the GAN! A Modern GAN Baseline.
"""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import weakref
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from gan import plots
from gan.conditions import Words, fit_reader
from gan.data.pictures import Pictures, read_pictures
from gan.errors import StrPath, require
from gan.networks.residual import residual_GenDiscr
from gan.networks.strided import strided_GenDiscr
from gan.recipes.run import Recipe
from gan.recipes.size import find_side
from gan.schedules import LinearDecay
from gan.support.shipped import is_demo
from gan.variants.caption_gan import CaptionGAN
from gan.variants.diff_augment import DiffAugment
from gan.variants.r3gan import R3GAN

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gan.data.kept import KeptFile
    from gan.recipes.run import Run


_FEW = 200  # with fewer pictures, a generator learns little more than copies
_ENOUGH = 1000  # with this many pictures, some can be held out
_MOST_HELD_OUT = 1000
_MOST_COLUMNS = 20  # largest number of columns (classes) of the picture

_readers: weakref.WeakKeyDictionary[Pictures, keras.Model]
_readers = weakref.WeakKeyDictionary()


def make_networks(data: Pictures) -> tuple[Any, Any, Any]:
    """Make both networks, with classes or words if the pictures have any."""
    shape = data.pictures.shape[1:]
    classes = None if data.labels is None else len(data.names)
    given = {"width": 16, "classes": classes}
    if data.captions is not None:
        words = Words(data.captions)
        given |= {"condition": len(words), "reader": _reader(data, words)}
    if shape[2] == 1:
        return residual_GenDiscr(shape, **given)
    # With captions, single pixels matter, because a word may change only a few.
    return strided_GenDiscr(shape, **given, sharp=data.captions is not None)


def _reader(data, words):
    """The network that reads the words, which is trained once for these pictures."""
    if data not in _readers:
        tell = functools.partial(print, flush=True)
        tell("A small network learns to read the words in the pictures ...")
        vectors = words.of_captions(data.captions)
        _readers[data] = fit_reader(data.pictures, vectors, tell=tell)
    return _readers[data]


def _sharp_networks(data):
    classes = None if data.labels is None else len(data.names)
    shape = data.pictures.shape[1:]
    # With 64 latents, edits of small mouths missed their colours more often.
    return strided_GenDiscr(shape, 128, width=32, classes=classes, sharp=True)


def _examples(data):
    count = len(data.pictures)
    sentence = f"There must be at least 8 pictures in data (--pictures), not {count}."
    require(count >= 8, sentence, "data")
    given = data.labels if data.captions is None else data.captions
    return data.pictures if given is None else (data.pictures, given)


def _held_out(data):
    """Number of pictures to hold out: a tenth, if there are enough pictures."""
    count = len(data.pictures)
    return min(count // 10, _MOST_HELD_OUT) if count >= _ENOUGH else 0


def gamma_for(pictures: np.ndarray) -> float:
    """Chooses the weight of R3GAN's penalties for pictures.

    The penalties limit the gradient of the discriminator. The gradient that is needed
    to distinguish two pictures depends on their distance. Therefore the weight is
    proportional to the mean squared distance of the pictures. StyleGAN2's heuristic is
    proportional to the number of pixels instead, whatever the pictures show.

    Args:
        pictures: uint8 array `(N, h, w, c)`.

    Returns:
        float above 0, rounded to two digits.

    Formula:
        max(1, Σ Var(x)) / 70, the sum over the pixels x of the first 2,000 pictures,
        in [0, 1]
    """
    some = pictures[:2000].reshape(min(len(pictures), 2000), -1) / np.float32(255)
    # If all pictures are equal, any weight will do.
    return float(f"{max(some.var(axis=0).sum(), 1.0) / 70:.2g}")


def _fitted(data, steps):
    """Batch size, class names, and optimizers whose rates reach 0 at the end."""
    # In the same time, a model learns more from colour pictures in small batches.
    batch = 32 if data.pictures.shape[3] == 3 else 64
    names = ("generator_optimizer", "discriminator_optimizer")
    rates = {name: LinearDecay(1e-3, steps, 0.4) for name in names}
    adams = {k: keras.optimizers.Adam(rate, 0.0, 0.99) for k, rate in rates.items()}
    size = min(batch, len(data.pictures))
    options = {"batch_size": size, "class_names": data.names or None, **adams}
    if data.captions is not None:
        # The share of wrong captions is a half, as in Reed et al. 2016.
        options |= {"words": Words(data.captions), "mismatch": 0.5}
    return options | {"gamma": _gamma(data)}


def _gamma(data):
    """The weight of the penalties: for grey pictures that of the paper, 1, or more."""
    found = gamma_for(data.pictures)
    if data.captions is not None:
        # Words change few pixels, for which the discriminator needs steep gradients.
        found /= 2
    return found if data.pictures.shape[3] == 3 else max(found, 1.0)


def _tell_gamma(run, data):
    """Print the chosen weight of the penalties; return no callbacks."""
    print(
        f"The weight of the penalties (gamma) is {_gamma(data):g}, from the variance "
        "of the pictures.",
        flush=True,
    )
    return []


def draw(model: R3GAN, data: Pictures) -> Figure:
    """Draws eight rows of fakes beside real pictures.

    Args:
        model: `gan.R3GAN`. If it has classes or words, each column is a class or a
            caption, and the fakes of a row share their latents.
        data: `Pictures` of the training set.

    Returns:
        `matplotlib.figure.Figure`.
    """
    columns, names = 8, None
    if model.words is not None:
        # The captions of the first training pictures.
        captions = np.float32(model.usual_conditions[:columns])
        columns = len(captions)
        with model.stream.sampling():
            latents = np.repeat(model.latent_generator(8), columns, axis=0)
        fakes = model([latents, np.tile(captions, (8, 1))])
        reals = np.arange(8 * columns) % len(data.pictures)
    elif not model.classes:
        fakes = model.get_fake_sample(64)
        reals = np.arange(64) % len(data.pictures)
    else:
        columns = min(model.classes, _MOST_COLUMNS)
        names = data.names[:columns]
        with model.stream.sampling():
            latents = np.repeat(model.latent_generator(8), columns, axis=0)
        labels = np.arange(columns, dtype=np.int32)
        fakes = model([latents, np.tile(labels, 8)])
        # A class of one picture may be missing in the training set.
        own = [np.flatnonzero(data.labels == label) for label in labels]
        own = [some if len(some) else [0] for some in own]
        reals = np.ravel([[some[i % len(some)] for some in own] for i in range(8)])
    real = np.divide(data.pictures[reals], 255, dtype=np.float32)
    return plots.panels({"fakes": fakes, "real pictures": real}, columns, names)


def read(
    path: StrPath | None,
    size: int | tuple[int, int] | None = None,
    colour: bool | None = None,
    labelled: bool = True,
    kept: KeptFile | None = None,
    captions: StrPath | None = None,
) -> Pictures:
    """Reads pictures of any kind.

    Args:
        path: str or `os.PathLike`, as in `gan.data.pictures.read_pictures`.
        size: int, both sides, or pair of ints (height, width), multiples of 4, at least
            8; `None` as in `read_pictures`.
        colour: as in `read_pictures`.
        labelled: as in `read_pictures`.
        kept: as in `read_pictures`.
        captions: as in `read_pictures`.

    Returns:
        `Pictures`.
    """
    sentence = "The argument data (--pictures) must name a folder or file of pictures."
    require(path is not None, sentence, "data")
    sides = (size, size) if isinstance(size, int) else size
    fits = sides is None or all(n >= 8 and n % 4 == 0 for n in sides)
    sentence = f"The argument size must be a multiple of 4 from 8 on, but it is {size}."
    require(fits, sentence, "size")
    return read_pictures(path, sides, colour, labelled, kept=kept, captions=captions)


# An epoch has 6,400 pictures in both recipes.
GREY = Recipe(
    read=read,
    networks=make_networks,
    model=R3GAN,
    examples=_examples,
    options={"ema": 0.999, "class_names": None},
    fitted=_fitted,
    epochs=100,
    steps=100,
    every=1,
    draw=draw,
    held_out=_held_out,
    watch=_tell_gamma,
)
COLOUR = dataclasses.replace(
    GREY, steps=200, options=GREY.options | {"penalty_every": 8}
)
# For the demo set: at 16x16, every pixel matters. An epoch takes two seconds on a core.
DEMO = dataclasses.replace(
    COLOUR,
    networks=_sharp_networks,
    epochs=60,
)


def train(
    run: Run, augment: bool = False, size: Any = None, **options: Any
) -> list[pathlib.Path]:
    """Train on pictures of any kind.

    Args:
        run: `gan.recipes.run.Run`.
        augment: bool, whether to change pictures at random before the discriminator.
            With 300 drawn faces and 5,000 steps (one seed), training without it was
            better: the kernel distance to 5,700 other faces was 23 · 10⁻³, and 36 ·
            10⁻³ with it.
        size: as in `read`. For a folder, `None` takes the largest of 32, 48 and 64 that
            its pictures have and this machine can train.
        **options: colour, labelled and captions, as in `read`.

    Returns:
        List of `pathlib.Path`, as in `run.train`.
    """
    if size is None:
        size = _size(run, options.get("colour"))
    data = read(run.data, size, kept=run.kept, **options)
    count = len(data.pictures)
    if count < _FEW:
        print(
            f"The discriminator will memorise so few pictures ({count}): expect fakes "
            "that are almost copies. Some hundreds are better."
        )
    layer = DiffAugment() if augment else None
    return run.train(
        DEMO if is_demo(run.data) else recipe_for(data), data, augment=layer
    )


def recipe_for(data: Pictures) -> Recipe:
    """The recipe for pictures by their channels, and by whether they have captions."""
    recipe = COLOUR if data.pictures.shape[3] == 3 else GREY
    if data.captions is not None:
        return dataclasses.replace(recipe, model=CaptionGAN)
    return recipe


def _size(run, colour):
    """The size that an earlier call chose, or one that suits folder and machine."""
    noted = run.noted("size")
    if noted is not None or run.data is None or not pathlib.Path(run.data).is_dir():
        return noted
    recipe = GREY if colour is False else COLOUR
    steps = (run.epochs or recipe.epochs) * (run.steps or recipe.steps)

    def make_model(data):
        return recipe_for(data).make_model(data, run.seed, steps)

    return find_side(pathlib.Path(run.data), colour, make_model, steps, run.minutes)
