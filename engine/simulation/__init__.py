"""Differentiable simulation of deformable bodies by minimising energies, one implicit step after another. SI units."""
