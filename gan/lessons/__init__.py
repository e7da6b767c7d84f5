"""Lessons: short experiments that show how GANs learn and fail."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True)
class Lesson:
    """The result of a lesson, returned by `run` of each module of `gan.lessons`.

    Attributes:
        figures: dict from names to matplotlib Figures.
        text: str, the results in words, or "".
        page: callable that writes an HTML page to a given path, or `None`.
        data: dict that JSON can hold, the results as numbers.
    """

    figures: dict[str, Figure] = dataclasses.field(default_factory=dict)
    text: str = ""
    page: Callable[[pathlib.Path], object] | None = None
    data: dict[str, Any] = dataclasses.field(default_factory=dict)

    def write(self, paths: list[pathlib.Path]) -> list[pathlib.Path]:
        """Write the page, or each of the figures.

        Args:
            paths: list of `pathlib.Path`, of the page, or one for each figure.

        Returns:
            List of `pathlib.Path` of what was written.
        """
        from gan import plots

        if self.page is not None:
            self.page(paths[0])
            return paths
        pairs = zip(self.figures.values(), paths, strict=True)
        return [plots.save(figure, path) for figure, path in pairs]
