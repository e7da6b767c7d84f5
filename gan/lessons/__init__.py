"""Lessons: something to see of how GANs learn and fail, each in a minute or so."""
