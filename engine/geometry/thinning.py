"""Which of very many points to look at, without torch: the window draws by it, the engine samples by it."""

from __future__ import annotations

import numpy as np


def spread_indices(count: int, most: int, seed: int = 0) -> np.ndarray:
    """At most `most` indices below `count`, ascending, shape (min(count, most),), int64.

    One from each of `most` equal shares of the order, so that every index is as likely as any other and memory is gone
    through in order. A scan in the order in which it was taken is so spread over the object too.
    """
    if count <= most:
        return np.arange(count)
    random = np.random.default_rng(seed)
    # The order is a ring that is cut at a random place, or the ends of the shares would be the same for every seed.
    edges = ((np.arange(most + 1) + random.random()) * (count / most)).astype(np.int64)
    chosen = edges[:-1] + (random.random(most) * np.diff(edges)).astype(np.int64)
    return np.sort(chosen % count)
