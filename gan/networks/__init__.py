"""Pairs of networks beyond the course's."""
