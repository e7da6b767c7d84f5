"""Converts options of a command to conditions for a generator that takes vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gan.errors import require

if TYPE_CHECKING:
    from gan.generators.trained import TrainedGenerator


def conditions_asked(
    drawing: TrainedGenerator,
    class_: str | None,
    words: str | None,
    condition: str | None,
    from_: str | None,
    to: str | None,
) -> tuple[Any, list[Any] | None]:
    """Finds the condition, or the two conditions to interpolate, that a command names.

    Args:
        drawing: `TrainedGenerator`.
        class_: str or `None`, as in the command.
        words: as in the command.
        condition: as in the command.
        from_: as in the command.
        to: as in the command.

    Returns:
        Tuple `(condition, between)`: a text, a list of numbers or `None`; and a list of
        the two conditions to interpolate, or `None`.
    """
    said = "Give both of the options from and to: pictures are drawn between them."
    require((from_ is None) == (to is None), said, "from")
    given = {"class": class_, "words": words, "condition": condition, "from": from_}
    given = [name for name, value in given.items() if value is not None]
    said = f"The options {' and '.join(given)} exclude each other: give one of them."
    require(len(given) < 2, said, given[-1] if given else None)
    name = given[0] if given else None
    takes = drawing.condition_shape
    require(
        name in (None, "class") or takes,
        f"The option {name} applies to models that take words or vectors, but this one "
        f"takes {'classes: give --class' if drawing.classes else 'neither'}.",
        name,
    )
    said = "The option words applies to models that take words, but this one takes "
    said += f"vectors of {takes and takes[0]} numbers: give --condition."
    require(words is None or drawing.words is not None, said, "words")
    asked = words if condition is None else _vector(drawing, condition, "condition")
    if from_ is None:
        return asked, None
    return None, [
        one if drawing.words is not None else _vector(drawing, one, name)
        for one, name in ((from_, "from"), (to, "to"))
    ]


def _vector(drawing, text, name):
    """The numbers of a text such as "1,0,.5"."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    size = drawing.condition_shape[0]
    require(
        len(numbers) == size,
        f"The option {name} must be {size} numbers separated by commas, such as "
        f"{','.join(['0', '1'][: min(size, 2)])}, but it is {text!r}.",
        name,
    )
    return numbers
