"""Looking into fitted networks: explanations and plots."""

from lamina.inspection.attention import plot_attention
from lamina.inspection.attribution import Attribution
from lamina.inspection.display import AttributionDisplay
from lamina.inspection.explain import explain
from lamina.inspection.history import plot_history
from lamina.inspection.transcript import plot_transcript

__all__ = [
    "Attribution",
    "AttributionDisplay",
    "explain",
    "plot_attention",
    "plot_history",
    "plot_transcript",
]
