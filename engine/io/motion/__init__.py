"""Motions written to files: what a simulation recorded, for other programs to play."""
