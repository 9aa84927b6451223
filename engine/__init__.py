"""Formwright's engine: differentiable geometry that runs with no screen. Import the rooms, not this package."""
