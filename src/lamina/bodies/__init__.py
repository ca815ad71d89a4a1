"""The architectures: one a file, from a batch to features."""
