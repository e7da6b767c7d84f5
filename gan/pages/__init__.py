"""Web pages, each in one HTML file that needs no network."""

from gan.pages.describe import Weights, describe
from gan.pages.film import Recording, film_page
from gan.pages.generator import generator_page
from gan.pages.page import write_page
from gan.pages.translator import translator_page

__all__ = [
    "Recording",
    "Weights",
    "describe",
    "film_page",
    "generator_page",
    "translator_page",
    "write_page",
]
