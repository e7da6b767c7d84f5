"""The gradient penalties of `gan.losses`, which version 0.1.0 had in this module."""

from gan.losses import (
    gradient_penalty,
    interpolate,
    values_and_squared_slopes,
    zero_centred_penalty,
)

__all__ = [
    "gradient_penalty",
    "interpolate",
    "values_and_squared_slopes",
    "zero_centred_penalty",
]
