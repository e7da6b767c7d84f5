"""Trained generators: what is left of a model when its training is over."""
