"""Plots of fitted networks."""

from lamina.inspection.attention import plot_attention
from lamina.inspection.history import plot_history
from lamina.inspection.transcript import plot_transcript

__all__ = ["plot_attention", "plot_history", "plot_transcript"]
