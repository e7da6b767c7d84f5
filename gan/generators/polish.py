"""The last part of a projection: least squares, which converges faster than Adam."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_STEP = 0.01  # change of a latent number, for finite differences


def polish(
    draw: Callable[[np.ndarray, np.ndarray], np.ndarray],
    latents: np.ndarray,
    labels: np.ndarray,
    targets: np.ndarray,
    hold: Callable[[np.ndarray], np.ndarray],
    prior: float,
    rows: int,
    rounds: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Improves latents by the Levenberg-Marquardt method.

    Args:
        draw: callable, latents and labels -> float32 examples `(n, d)`.
        latents: float32 array `(n, dim)`, near a minimum.
        labels: array `(n, …)`, the network's second input for each.
        targets: float32 array `(n, d)`, the examples to reproduce.
        hold: callable that maps latents back to the range of the sampler.
        prior: float, weight of (‖z‖² / dim − 1)².
        rows: int, batch size of the drawing.
        rounds: int, number of steps.

    Returns:
        Tuple of float arrays: the improved latents `(n, dim)`, and the loss `(n,)` of
        each, the mean squared difference plus the prior.

    Formula:
        z − (JᵀJ + λ tr(JᵀJ) / dim · I)⁻¹ Jᵀ r, r the differences and the prior, J their
        derivatives by finite differences of 0.01; λ falls after a step that helps and
        rises after one that does not

    Reference:
        Marquardt 1963, An Algorithm for Least-Squares Estimation of Nonlinear
        Parameters, equation 33.
    """
    few = max(1, rows // (latents.shape[1] + 1))
    parts = [slice(i, i + few) for i in range(0, len(latents), few)]
    found = [
        _polish(draw, latents[p], labels[p], targets[p], hold, prior, rounds)
        for p in parts
    ]
    return tuple(map(np.concatenate, zip(*found, strict=True)))


def _polish(draw, latents, labels, targets, hold, prior, rounds):
    count, dim = latents.shape
    many, unit = np.repeat(labels, dim, axis=0), _STEP * np.eye(dim, dtype=np.float32)
    damping = np.full(count, 0.01)

    def loss_of(latents, drawn):
        long = np.mean(latents**2, axis=1) - 1
        return np.mean((drawn - targets) ** 2, axis=1) + prior * long**2

    drawn = draw(latents, labels)
    loss = loss_of(latents, drawn)
    for _ in range(rounds):
        nearby = (latents[:, None] + unit).reshape(-1, dim)
        slopes = draw(nearby, many).reshape(count, dim, -1) - drawn[:, None]
        slopes = np.float64(slopes) / (_STEP * np.sqrt(targets.shape[1]))
        missing = (drawn - targets) / np.sqrt(targets.shape[1])
        # The prior adds one residual, for the length of the latents.
        long = np.sqrt(prior) * (np.mean(latents**2, axis=1, keepdims=True) - 1)
        missing = np.concatenate([missing, long], axis=1)
        along = np.sqrt(prior) * 2 / dim * latents[..., None]
        slopes = np.concatenate([slopes, along], axis=2)
        normal = slopes @ slopes.transpose(0, 2, 1)
        size = np.trace(normal, axis1=1, axis2=2) / dim + 1e-12
        normal += (damping * size)[:, None, None] * np.eye(dim)
        pull = (slopes @ missing[..., None])[..., 0]
        step = np.linalg.solve(normal, pull[..., None])[..., 0]
        tried = hold(np.float32(latents - step))
        seen = draw(tried, labels)
        after = loss_of(tried, seen)
        better = after < loss
        latents = np.where(better[:, None], tried, latents)
        drawn = np.where(better[:, None], seen, drawn)
        loss = np.where(better, after, loss)
        damping *= np.where(better, 0.2, 5.0)
    return latents, loss
