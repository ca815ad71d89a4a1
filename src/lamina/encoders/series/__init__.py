"""Series of numbers -> samples; and the steps, times and panels of any series."""
