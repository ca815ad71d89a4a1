"""What features are for: target, head, loss and prediction."""
