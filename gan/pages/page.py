"""Writes HTML pages, each in one file that needs no network."""

from __future__ import annotations

import html
import json
import pathlib
import re
from typing import Any

from gan.errors import StrPath
from gan.support.files import atomic_path, expect_writable

_FOLDER = pathlib.Path(__file__).parent / "static"


def write_page(path: StrPath, name: str, title: str, **parts: str) -> None:
    """Writes a page from `static/name.html`; comments in capitals are replaced.

    Args:
        path: str or `os.PathLike`, the page.
        name: str, name of the template.
        title: str, plain text.
        **parts: str, HTML by the names of the comments.
    """
    parts |= {"STYLE": (_FOLDER / "style.css").read_text(encoding="utf-8")}
    page = (_FOLDER / f"{name}.html").read_text(encoding="utf-8")
    # Replace all at once, so that inserted text is not searched.
    page = re.sub(
        r"<!--([A-Z]+)-->",
        lambda found: (parts | {"TITLE": html.escape(title)})[found[1]],
        page,
    )
    with atomic_path(expect_writable(path)) as temporary:
        temporary.write_text(page, encoding="utf-8")


def write_running(
    path: StrPath, name: str, title: str, data: dict[str, Any], *more: str
) -> None:
    """Write a page with `network.js`, the page's own and further scripts, and data."""
    names = ("network", name, *more)
    scripts = [(_FOLDER / f"{n}.js").read_text("utf-8") for n in names]
    # The data must not contain "</script>".
    text = json.dumps(data, allow_nan=False).replace("<", "\\u003c")
    write_page(path, name, title, SCRIPT="\n".join(scripts), DATA=text)
