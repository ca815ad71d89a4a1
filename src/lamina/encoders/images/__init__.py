"""Images -> samples, from arrays, PIL images and files."""
