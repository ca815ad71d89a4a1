"""Series to forecast -> windows, and forecasts in the form of the series."""
