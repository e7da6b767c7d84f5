"""Penalties on the discriminator's gradients, under their name of version 0.1.0."""

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
