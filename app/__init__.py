"""Formwright's desktop program and command line, a view of the engine."""
