"""One way to refuse: `Expected X. Received: name=value`."""

import numbers
import re
import reprlib

_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = 200  # paths and shapes are shown whole


class InvalidInput(ValueError):
    """What a user can get wrong; the command line shows it as one line."""


def expect(condition, expected, **received):
    """Raise `InvalidInput` unless `condition` holds.

    Args:
        condition: bool.
        expected: str, completes the sentence "Expected …".
        **received: the offending values by their names.

    Raises:
        InvalidInput: `Expected {expected}. Received: name=value, …`, in one line.
    """
    if not condition:
        values = ", ".join(f"{k}={_repr.repr(v)}" for k, v in received.items())
        message = f"Expected {expected}. Received: {values}"
        raise InvalidInput(re.sub(r"\s*\n\s*", " ", message))


def expect_positive_int(**named):
    """Expect every named value to be a whole number of at least 1."""
    for name, value in named.items():
        whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        expect(
            whole and value >= 1, f"{name} to be a positive integer", **{name: value}
        )


def expect_number(low=None, high=None, **named):
    """Expect every named value to be a finite number in [low, high]."""
    span = f" in [{'-inf' if low is None else low}, {'inf' if high is None else high}]"
    for name, value in named.items():
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        inside = (
            number
            and abs(value) < float("inf")
            and (low is None or value >= low)
            and (high is None or value <= high)
        )
        expect(inside, f"{name} to be a finite number{span}", **{name: value})
