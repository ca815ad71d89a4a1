"""Computations written out for speed, each with its equations; they hold no weights."""
