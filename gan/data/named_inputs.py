"""Parses the names of layers of `gan.conditions`, without importing TensorFlow."""

from __future__ import annotations

from typing import Any

from gan.errors import require, shown

_PLACES = ([], ["anywhere"])


def parse_condition(text: str) -> tuple[str, dict[str, Any]]:
    """Parses a text that describes a layer of `gan.conditions`.

    Args:
        text: str, such as "shrunk:4", "hole:16", "hole:0.5", "hole:16:anywhere", "grey"
            or "edges".

    Returns:
        Tuple of the name of the class and a dict of its arguments.

    Raises:
        InvalidInput: if the text describes no layer.
    """
    word, *given = str(text).split(":")
    # Python cannot convert numbers of thousands of digits.
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
        "The argument condition (--from) must be shrunk:FACTOR, hole:PIXELS, "
        f"hole:SHARE, grey or edges, such as shrunk:4, but it is {shown(text)}.",
        "from",
    )
    return found


def _share(text):
    try:
        size = float(text)
    except ValueError:
        return None
    return size if 0 < size < 1 else None
