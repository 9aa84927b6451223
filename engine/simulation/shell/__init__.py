"""Thin shells: membrane, bending with one rotation an edge, materials, plastic creases."""
