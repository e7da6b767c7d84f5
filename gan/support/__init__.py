"""Helpers for all packages: complete files, a quiet import, devices, threads."""
