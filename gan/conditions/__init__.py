"""Conditions that are computed from captions or from target pictures."""

from gan.conditions.pictures import Condition, Edges, Grey, Hole, Shrunk, cut_out, named
from gan.conditions.reader import fit_reader
from gan.conditions.words import Words

__all__ = [
    "Condition",
    "Edges",
    "Grey",
    "Hole",
    "Shrunk",
    "Words",
    "cut_out",
    "fit_reader",
    "named",
]
