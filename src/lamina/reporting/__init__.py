"""Reports: what a fitted network is, and how good it is, as one HTML file."""

from lamina.reporting.report import Report, report

__all__ = ["Report", "report"]
