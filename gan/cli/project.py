"""Commands that project a user's picture into latent space and edit it."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

from gan.cli.shared import (
    expect_drawing,
    expect_output,
    expect_pictures,
    finish,
    loaded,
)
from gan.errors import (
    expect_between,
    expect_number,
    expect_path,
    expect_seed,
    require,
    shown,
)
from gan.generators.weights import PRETRAINED
from gan.support.files import atomic_path, expect_writable
from gan.support.shipped import DEMO_PICTURES, or_demo

if TYPE_CHECKING:
    from gan.generators.project import Projection
    from gan.generators.trained import TrainedGenerator

_MOST_SHOWN = 20  # pictures in a strip
_STOPS = 5  # pictures of an edit, the projection included


def project(
    model: str = PRETRAINED,
    /,
    *,
    picture: str,
    output: str = "projected.npy",
    class_: str | None = None,
    pictures: str | None = None,
    steps: int = 300,
    restarts: int = 4,
    seed: int = 0,
    quiet: bool = False,
    show: bool = False,
) -> None:
    """Find the latents of a picture, and show how well they reproduce it."""
    path = expect_output(output, ".npy")
    # The picture itself may have the same name with another suffix.
    strip = expect_writable(path.with_name(f"{path.stem}-projection.png"))
    _expect_search(picture, steps, restarts, seed)
    drawing = loaded(model, seed)
    expect_pictures(drawing)
    import numpy as np

    from gan.generators.given import given_examples

    given = given_examples(drawing.shape, picture=picture)
    found = _found(drawing, given, class_, pictures, steps, restarts, seed, quiet)

    print(_told(found))
    with atomic_path(path) as temporary:
        np.save(temporary, found.latents)
    print(path)
    some = slice(_MOST_SHOWN)
    drawn = found.pictures.reshape(given.shape)
    rows = {
        "picture": given[some],
        "projection": drawn[some],
        # Grey 0.5 means no difference.
        "difference": 0.5 + 0.5 * (drawn - given)[some],
    }
    finish(_strip(rows), strip, show)


def edit(
    model: str = PRETRAINED,
    /,
    *,
    picture: str,
    towards: str,
    amount: float = 2.0,
    keep: str | None = None,
    with_: str | None = None,
    without: str | None = None,
    class_: str | None = None,
    steps: int = 300,
    restarts: int = 4,
    seed: int = 0,
    output: str = "edit.png",
    quiet: bool = False,
    show: bool = False,
) -> None:
    """Change one attribute of a picture: project it, and move along a direction."""
    expect_drawing(seed, output)
    expect_number(-100, 100, amount=amount)
    _expect_search(picture, steps, restarts, seed)
    sentence = "Give --with together with --without: a direction leads from the "
    sentence += "pictures without the attribute to those with it."
    require((with_ is None) == (without is None), sentence, "with_")
    drawing = loaded(model, seed)
    expect_pictures(drawing)
    from gan.generators.given import given_examples

    kept = [name.strip() for name in keep.split(",")] if keep else []
    # Read the picture before a direction is computed and saved.
    given = given_examples(drawing.shape, picture=picture)
    direction = _direction(drawing, towards, kept, with_, without, seed)
    print(direction)
    found = _found(drawing, given, class_, None, steps, restarts, seed, quiet)
    import numpy as np

    print(_told(found))
    amounts = np.linspace(0, amount, _STOPS)
    shown_ = slice(_MOST_SHOWN)
    rows = {"picture": given[shown_]}
    for far in amounts:
        edited = drawing.edit(
            found.latents, direction, far, found.labels, condition=found.condition
        )
        name = f"{towards} {far:+.3g}" if far else "projection"
        rows[name] = edited.reshape(given.shape)[shown_]
    finish(_strip(rows), output, show)


def _strip(rows):
    """Draw the stages of one picture side by side; of several, each stage in a row."""
    import numpy as np

    from gan import plots

    if all(len(some) == 1 for some in rows.values()):
        pictures = np.concatenate([*rows.values()])
        return plots.panels({"": pictures}, len(rows), [*rows])
    return plots.rows(rows)


def _expect_search(picture, steps, restarts, seed):
    expect_between(1, 100_000, steps=steps)
    expect_between(1, 1000, restarts=restarts)
    expect_seed(2**32, seed=seed)
    path = or_demo(expect_path(picture=picture), DEMO_PICTURES)
    require(path.exists(), f"There is nothing at {shown(picture)}.", "picture")


def _found(
    drawing: TrainedGenerator, given, class_, among, steps, restarts, seed, quiet
) -> Projection:
    """The projections of the pictures."""
    numbers = {"labels": class_, "among": among, "seed": seed}
    verbose = 0 if quiet else 1
    return drawing.project(given, steps, restarts, verbose=verbose, **numbers)


def _told(found):
    """One line for each picture, or the median of many pictures."""
    lines = str(found).splitlines()
    if len(lines) <= _MOST_SHOWN:
        return "\n".join(lines)
    import numpy as np

    reach = found.within_reach.mean()
    text = f"{len(lines)} pictures: error {np.median(found.error):.4f} (median; "
    return text + f"{np.median(found.psnr):.1f} dB), {reach:.0%} within reach"


def _direction(drawing, towards, keep, with_, without, seed):
    """The direction that a user names, without the directions to keep.

    It is one that the model has, a new one between two sets of pictures, one of a score
    such as the brightness, or the direction of a number.
    """
    from gan.generators.scores import SCORES

    directions = drawing.directions
    if with_ is not None:
        directions.named(towards, with_, without, seed=seed)
        _keep(directions)
    elif towards not in directions:
        if towards in SCORES:
            directions.named(towards, score=SCORES[towards], seed=seed)
        elif towards.isdecimal() and len(towards) < 5:
            number = int(towards)
            directions.unnamed(max(number, 1))
            towards = f"direction {number}"
        known = [*directions, *SCORES]
        require(
            towards in directions,
            f"The argument towards must be one of {', '.join(known)}, or the number of "
            f"a direction, from 1, but it is {shown(towards)}: give two folders of "
            "pictures by --with and --without to find a new one.",
            "towards",
        )
    for name in [name for name in keep if name in SCORES and name not in directions]:
        directions.named(name, score=SCORES[name], seed=seed)
    return directions.apart(towards, keep)


def _keep(directions):
    """Save the directions beside the model, where its page also finds them."""
    path = directions.path
    if path is None or not pathlib.Path(path).parent.is_dir():
        return
    print(
        f"The direction is saved in {directions.save()}: from now on --towards does "
        "not need the pictures."
    )
