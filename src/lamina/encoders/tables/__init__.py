"""Tables -> samples: numbers, categories, dates and durations."""
