"""Any user data -> batches."""
