"""The error for invalid arguments, and checks of arguments."""

from __future__ import annotations

import numbers
import os
import pathlib
import re
import reprlib
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

StrPath = str | os.PathLike[str]


class _Repr(reprlib.Repr):
    """Formats values as a user would type them, and shortens long ones."""

    def repr1(self, value: Any, level: int) -> str:
        value = value.item() if isinstance(value, np.generic) else value
        return super().repr1(value, level)


_repr = _Repr()
_repr.maxstring = _repr.maxother = 200  # long enough for paths and shapes


class InvalidInput(ValueError):
    """Raised for every mistake in an argument; the command line shows it as one line.

    Attributes:
        argument: str, the name of the argument that must be changed, or `None`.
    """

    def __init__(self, message: str = "", argument: str | None = None) -> None:
        super().__init__(re.sub(r"\s*\n\s*", " ", message))
        self.argument = argument


def shown(value: Any) -> str:
    """Format a value for an error message, in one line, as a user would type it."""
    return _repr.repr(value)


def require(condition: object, sentence: str, argument: str | None = None) -> None:
    """Raise `InvalidInput` unless `condition` holds.

    Args:
        condition: bool.
        sentence: str, a whole sentence that names the argument, says what is wrong and
            what to do.
        argument: str, the name of the argument, or `None`.

    Raises:
        InvalidInput: with the sentence in one line, and the argument as attribute.
    """
    if not condition:
        raise InvalidInput(sentence, argument)


_PASSED_OVER = ("gan", "keras", "tensorflow", "contextlib")


def warn(sentence: str) -> None:
    """Warns, with the location of the user's line that caused the warning.

    Args:
        sentence: str, a whole sentence that says what to do.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back and _package(frame) in _PASSED_OVER:
        frame, level = frame.f_back, level + 1
    warnings.warn(sentence, stacklevel=level)


def _package(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0]


def expect_positive_int(**named: Any) -> None:
    """Expect every named value to be a whole number of at least 1."""
    for name, value in named.items():
        _must(_whole(value) and value >= 1, name, "be a positive integer", value)


def expect_number(
    low: float | None = None, high: float | None = None, **named: Any
) -> None:
    """Expect every named value to be a finite number in [low, high]."""
    ends = [] if low is None else [f"of at least {low:g}"]
    ends += [] if high is None else [f"of at most {high:g}"]
    for name, value in named.items():
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        inside = (
            number
            and abs(value) < float("inf")
            and (low is None or value >= low)
            and (high is None or value <= high)
        )
        wanted = " ".join(["be a finite number", " and ".join(ends)]).strip()
        _must(inside, name, wanted, value)


def expect_between(low: int, high: int, **named: Any) -> None:
    """Expect every named value to be a whole number from `low` to `high`."""
    for name, value in named.items():
        inside = _whole(value) and low <= value <= high
        _must(inside, name, f"be a whole number from {low} to {high}", value)


def expect_seed(below: int = 2**63, **named: Any) -> None:
    """Expect every named value to be a whole number from 0 to `below` - 1."""
    expect_between(0, below - 1, **named)


def expect_choice(choices: Iterable[object], **named: Any) -> None:
    """Expect every named value to be one of `choices`, strings or bools."""
    choices = [*choices]
    for name, value in named.items():
        known = isinstance(value, (str, bool)) and value in choices
        _must(known, name, f"be one of {', '.join(map(repr, choices))}", value)


def expect_path(**named: Any) -> pathlib.Path:
    """Expect a named path, str or `os.PathLike`, that is not empty; return it."""
    ((name, value),) = named.items()
    usable = isinstance(value, (str, os.PathLike)) and value != ""
    try:
        usable = usable and b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        usable = False
    _must(usable, name, "be a path", value)
    return pathlib.Path(value)


def expect_array(shape: tuple[Any, ...], least: int = 1, **named: Any) -> np.ndarray:
    """Expects a named array of finite real numbers; returns it as a NumPy array.

    Args:
        shape: tuple of ints, with `None` for any size of at least 1; a last `...`
            allows further axes.
        least: int, smallest length of the first axis.
        **named: an array, or anything that NumPy can convert to one, by its name.

    Returns:
        NumPy array of the same dtype.
    """
    ((name, value),) = named.items()
    try:
        array = np.asarray(value)
    except ValueError:
        # Parts of different shapes, such as a pair of examples and labels.
        _must(False, name, "be one array of real numbers", value)
    dtype = f"the dtype {array.dtype}"
    _must(array.dtype.kind in "fiu", name, "hold real numbers", dtype, "has")
    sizes = [size for size in shape if size is not ...]
    fits = array.ndim == len(sizes) or len(sizes) < min(len(shape), array.ndim)
    pairs = zip(sizes, array.shape, strict=False)
    fits = fits and all(wanted in (None, size) for wanted, size in pairs)
    fits = fits and array.size > 0 and len(array) >= least
    marks = {None: "n", ...: "…"}
    wanted = ", ".join(str(marks.get(size, size)) for size in shape)
    wanted += "," if len(shape) == 1 else ""
    wanted = f"({wanted})" + (f" with n of at least {least}" if least > 1 else "")
    _must(fits, name, f"have the shape {wanted}", f"{array.shape}", "has")
    _must(np.isfinite(array).all(), name, "be finite", "NaN or infinity", "holds")
    return array


def _must(
    condition: object, name: str, wanted: str, value: Any, verb: str = "is"
) -> None:
    """Raise an error that says what an argument must be or have, and what it is."""
    value = shown(value) if verb == "is" else value
    said = f"The argument {name} must {wanted}, but it {verb} {value}."
    require(condition, said, name)


def _whole(value: object) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


class Unsaid(int):
    """A default value that the data may override; the user did not choose it."""


class Option:
    """An option that is checked whenever it is set: `clip = Option(check)`.

    Args:
        check: callable that takes the value as keyword argument with the option's name,
            and raises `InvalidInput` if it is invalid.
        fixed: bool, whether the option cannot be changed after the constructor.
    """

    def __init__(self, check: Callable[..., object], fixed: bool = False) -> None:
        self.check: Callable[..., object] = check
        self.fixed: bool = fixed

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    if TYPE_CHECKING:
        # Python finds the value in the instance itself, where `__set__` stores it.
        def __get__(self, instance: object, owner: type | None = None) -> Any: ...

    def __set__(self, instance: object, value: object) -> None:
        self.check(**{self.name: value})
        free = not self.fixed or instance.__dict__.get(self.name, value) == value
        said = f"{self.name} cannot be changed to {shown(value)}: make a new model."
        require(free, said, self.name)
        instance.__dict__[self.name] = value
