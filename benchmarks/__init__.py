"""Benchmarks of lamina and other libraries; see `make bench`."""
