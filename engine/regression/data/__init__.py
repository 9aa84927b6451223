"""Samples and data sets: what they hold, how they are read, written and checked."""
