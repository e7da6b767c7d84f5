"""Trained generators, for drawing pictures after training."""
