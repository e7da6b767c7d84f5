"""Finds directions of latent space, from the first layer or from scores."""

from __future__ import annotations

import keras
import numpy as np

from gan.errors import require, shown


def strongest(network: keras.Model, dim: int, count: int = 6) -> np.ndarray:
    """The directions of latent space to which the first dense layer responds most.

    Args:
        network: `keras.Model`, a generator.
        dim: int, latent dimension.
        count: int, largest number of directions.

    Returns:
        Float array `(k, dim)` of orthonormal rows, the strongest first; k is 0 if no
        dense layer takes the latents.

    Formula:
        the left singular vectors of the first kernel, whose rows for the labels are
        left out

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
    """The unit direction of latents and class weights in which scores grow fastest.

    Args:
        latents: float array `(n, dim)`.
        classes: float array `(n, classes)` in [0, 1], weights of the classes, or
            `None`.
        scores: float array `(n,)` of any range.
        name: str, the direction's name in errors.

    Returns:
        Float32 array `(dim + classes,)` of norm 1.

    Raises:
        InvalidInput: if all scores are equal.
    """
    spread = float(scores.std())
    said = f"All fakes are alike in {shown(name)}: the generator does not vary in it."
    require(np.isfinite(scores).all() and spread > 1e-6, said, "name")
    codes = np.float64(latents - latents.mean(axis=0))
    if classes is not None:
        codes = np.hstack([codes, classes - classes.mean(axis=0)])
    # The weights of the classes sum to 1, so their mean carries no information.
    answer = np.linalg.lstsq(codes, scores - scores.mean(), rcond=1e-6)[0]
    if classes is not None:
        answer[latents.shape[1] :] -= answer[latents.shape[1] :].mean()
    return np.float32(answer / np.linalg.norm(answer))
