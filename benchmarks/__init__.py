"""Measurements of lamina beside other libraries; see `make bench`."""
