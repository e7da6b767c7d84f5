"""Helpers for all packages: files, TensorFlow's import, devices and threads."""
