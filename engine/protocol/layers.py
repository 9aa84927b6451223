"""Names of the values on the vertices of a Snapshot that a regression model predicts, and of what is told with them."""

from __future__ import annotations

FIELD = "field:"
"""With which the name of a predicted mean begins; the field's own name follows."""

BAND = "band:"
"""The same of half of a band's width."""

TRUTH = "truth:"
"""The same of what the true solver found."""

DIFFERENCE = "difference:"
"""The same of the prediction minus the truth."""

RESIDUAL = "residual"
"""Distance of each node from what the model's shapes make of it [mm]: where a part is new."""

DESCENT = "descent"
"""Where the nodes would go so that the total loss falls, shape (vertex_count, 3)."""

KINDS = (FIELD, BAND, TRUTH, DIFFERENCE)


def parts_of(layer: str) -> tuple[str, str]:
    """Kind and field of a layer's name; ("", layer) for one that is none of a field."""
    kind = next((each for each in KINDS if layer.startswith(each)), "")
    return kind, layer.removeprefix(kind)
