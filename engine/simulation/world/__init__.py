"""A Scene made runnable: bodies, what holds and moves them, contact, sensors, and what may change while it runs."""
