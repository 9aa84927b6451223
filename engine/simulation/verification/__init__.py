"""Checks of steps, equilibria and gradients of thin shells against theory."""
