"""The training loop and its parts, the same for all architectures and tasks."""
