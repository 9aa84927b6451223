"""The Terms: differentiable wishes, one file a family. To add one, copy `volume.py` and name it in `term.FAMILIES`."""
