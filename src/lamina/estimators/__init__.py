"""The public classes: each names a body and inherits a task."""
