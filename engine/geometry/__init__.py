"""Geometry kinds and what is measured on them. The kinds (`mesh`, `points`, `fields`, `frame`) are plain numpy."""
