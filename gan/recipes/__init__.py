"""Recipes: published systems as data, and the functions that train them."""
