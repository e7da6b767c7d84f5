"""Tables of the numbers behind a curve, from which a resumed run continues."""

from __future__ import annotations

import csv
import pathlib

from gan.errors import require, shown
from gan.support.files import atomic_path


def write_table(path: pathlib.Path, rows: list[dict[str, float]]) -> None:
    """Writes a table with one row for each epoch; missing values become nan.

    Args:
        path: `pathlib.Path` that ends in .csv.
        rows: list of dicts from names to floats, each with the key "epoch".
    """
    names = dict.fromkeys(name for row in rows for name in row)
    with atomic_path(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="nan", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_table(path: pathlib.Path, owner: str) -> list[dict[str, float]]:
    """Reads a table that `write_table` wrote.

    Args:
        path: `pathlib.Path`; if there is no file, there are no rows.
        owner: str, the name of the callback that writes the table.

    Returns:
        List of dicts from names to floats, in order of "epoch", an int.

    Raises:
        InvalidInput: if the file is not such a table.
    """
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(file)
            rows = [{name: float(row[name]) for name in row} for row in table]
            rows = [{**row, "epoch": int(row["epoch"])} for row in rows]
            epochs = [0, *(row["epoch"] for row in rows)]
            ours = "epoch" in (table.fieldnames or []) and epochs == sorted({*epochs})
    except (KeyError, OverflowError, TypeError, ValueError, csv.Error):
        ours = False
    said = f"The file {shown(str(path))} was not written by {owner}: delete it, or "
    require(ours, f"{said}give another path.", "path")
    return rows
