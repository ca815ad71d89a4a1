"""Pictures of a fitted network."""

from lamina.inspection.history import plot_history

__all__ = ["plot_history"]
