"""What a condition is made of: vectors of words."""

from gan.conditions.words import Words

__all__ = ["Words"]
