"""Looking into fitted networks: explanations and plots."""

from lamina.inspection.attention import AttentionDisplay
from lamina.inspection.attribution import Attribution
from lamina.inspection.display import AttributionDisplay
from lamina.inspection.errors import ErrorsDisplay
from lamina.inspection.explain import explain
from lamina.inspection.feature_maps import FeatureMapDisplay
from lamina.inspection.filters import FilterDisplay
from lamina.inspection.forecast import ForecastDisplay
from lamina.inspection.gates import GateDisplay
from lamina.inspection.history import HistoryDisplay
from lamina.inspection.transcript import TranscriptDisplay

__all__ = [
    "AttentionDisplay",
    "Attribution",
    "AttributionDisplay",
    "ErrorsDisplay",
    "FeatureMapDisplay",
    "FilterDisplay",
    "ForecastDisplay",
    "GateDisplay",
    "HistoryDisplay",
    "TranscriptDisplay",
    "explain",
]
