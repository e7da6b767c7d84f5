"""Penalties of the discriminator's slopes, by the name that version 0.1.0 had."""

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
