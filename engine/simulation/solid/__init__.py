"""Soft bodies of tetrahedra."""
