"""Texts -> samples, for classifiers, taggers, translators and language models."""
