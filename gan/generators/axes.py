"""Axes of latent space: of the first layer, and of what scores answer to."""

from __future__ import annotations

import keras
import numpy as np

from gan.errors import require, shown


def strongest(network: keras.Model, dim: int, count: int = 6) -> np.ndarray:
    """The latents' directions that the first dense layer answers most strongly.

    Args:
        network: `keras.Model`, a generator.
        dim: int, latent dimension.
        count: int, at most so many.

    Returns:
        Float array `(k, dim)`, orthonormal rows, the strongest first; none where no
        dense layer takes the latents.

    Formula:
        the left singular vectors of the first kernel's rows that meet the latents

    Reference:
        Shen & Zhou 2021, Closed-Form Factorization of Latent Semantics in GANs, eq. 4.
    """
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            return strongest(layer, dim, count)
        if isinstance(layer, keras.layers.Dense) and layer.kernel.shape[0] >= dim:
            return np.linalg.svd(np.asarray(layer.kernel)[:dim])[0].T[:count]
    return np.zeros((0, dim))


def answered(
    latents: np.ndarray, classes: np.ndarray | None, scores: np.ndarray, name: str
) -> np.ndarray:
    """The unit direction of latents and classes that scores answer to.

    Args:
        latents: float array `(n, dim)`.
        classes: float array `(n, classes)`, weights of the classes, or `None`.
        scores: float array `(n,)`.
        name: str, what the direction is called in errors.

    Returns:
        Float32 array `(dim + classes,)`.

    Raises:
        InvalidInput: if all scores are the same.
    """
    spread = float(scores.std())
    said = f"All fakes are alike in {shown(name)}: the generator does not vary in it."
    require(np.isfinite(scores).all() and spread > 1e-6, said, "name")
    codes = np.float64(latents - latents.mean(axis=0))
    if classes is not None:
        codes = np.hstack([codes, classes - classes.mean(axis=0)])
    # All the weights of the classes together are 1, and say nothing.
    answer = np.linalg.lstsq(codes, scores - scores.mean(), rcond=1e-6)[0]
    if classes is not None:
        answer[latents.shape[1] :] -= answer[latents.shape[1] :].mean()
    return np.float32(answer / np.linalg.norm(answer))
