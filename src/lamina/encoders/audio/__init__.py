"""Recordings -> samples, from waveforms and files."""
