"""What a network can be given of a picture, by name; TensorFlow is not needed."""

from __future__ import annotations

from typing import Any

from gan.errors import require, shown

_PLACES = ([], ["anywhere"])


def parse_condition(text: str) -> tuple[str, dict[str, Any]]:
    """The layer of `gan.conditions` that a text names, and its arguments.

    Args:
        text: str, "shrunk:4", "hole:16", "hole:0.5", "hole:16:anywhere", "grey" or
            "edges".

    Returns:
        Tuple of the class's name and a dict of arguments.

    Raises:
        InvalidInput: for another text.
    """
    word, *given = str(text).split(":")
    # Python converts no number of thousands of digits.
    number = given[0] if given and 0 < len(given[0]) < 9 else ""
    found = None
    if word == "shrunk" and len(given) == 1 and number.isdecimal() and int(number) > 1:
        found = "Shrunk", {"factor": int(number)}
    elif word == "hole" and given[1:] in _PLACES:
        size = int(number) if number.isdecimal() else _share(number)
        if size:
            found = "Hole", {"size": size, "anywhere": len(given) == 2}
    elif word in ("grey", "edges") and not given:
        found = word.capitalize(), {}
    require(
        found is not None,
        "The argument from must be shrunk:FACTOR, hole:PIXELS, hole:SHARE, grey or "
        f"edges, such as shrunk:4, but it is {shown(text)}.",
        "from",
    )
    return found


def _share(text):
    try:
        size = float(text)
    except ValueError:
        return None
    return size if 0 < size < 1 else None
