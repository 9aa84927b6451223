"""The surfaces of all bodies as ipctk sees them: what is near, and how far everything may move.

Continuous collision detection, and the broad phase before it, are ipctk's (Z. Ferguson et al., MIT).
They run on one thread, so that their answers come in one order. What is near at one place is found by `BroadPhase`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import ipctk
import numpy as np
import torch
from torch import Tensor

from engine.core.bridge import launch
from engine.core.errors import ParameterError
from engine.simulation.contact import potential_kernels
from engine.simulation.contact.broad import BroadPhase
from engine.simulation.contact.counting import Candidates, Counting
from engine.simulation.contact.search_kernels import FIRST_EDGE_EDGE
from engine.simulation.contact.stencils import Contacts

CCD_ITERATIONS = 10_000
"""Of conservative advancement (M. Li, D. M. Kaufman, C. Jiang: Codimensional incremental potential contact, ACM Trans.
Graph. 40(4), 2021), which stops short of a meeting and is safe wherever it ends."""
AS_FAR_AS_MET = 0.9999
"""Part of the way to a meeting that conservative advancement may have gone where only the meeting itself is asked for:
what comes nearer than 1e-4 of its distance at the start counts as met."""
NO_NEARER = 0.99
"""Part of the smallest distance that two points may come nearer to each other, and no two features meet."""
MARGIN = 2.0
"""How much further than the gap candidates are looked for, over the gap: they serve until something moved so far."""


@dataclass(frozen=True)
class ContactBody:
    """What can be touched.

    name : of the body
    triangles : of its surface, numbers of all vertices, int64, shape (n, 3)
    filled : nothing may be inside it (an obstacle, a soft body), and not only nothing pass through its surface
    """

    name: str
    triangles: np.ndarray
    filled: bool = False


class CollisionSurface:
    """All surfaces together.

    positions : [m], shape (vertex_count, 3), at which lengths of edges are taken
    held : vertices that move as they are told: they do not collide with each other, bool, shape (vertex_count,)
    apart : pairs of sets of vertices that do not collide either (what a gripper holds, and the gripper)
    gap : distance below which surfaces push [m]
    """

    def __init__(
        self,
        bodies: Sequence[ContactBody],
        positions: Tensor,
        held: np.ndarray,
        gap: float,
        *,
        apart: Iterable[tuple[np.ndarray, np.ndarray]] = (),
    ) -> None:
        if not bodies or not any(len(body.triangles) for body in bodies):
            raise ParameterError("surfaces", "contact needs a surface.")
        ipctk.set_num_threads(1)
        ipctk.set_logger_level(ipctk.LoggerLevel.error)
        self.bodies = tuple(body for body in bodies if len(body.triangles))
        self.gap = gap
        self.vertex_count = len(positions)
        triangles = np.concatenate([body.triangles for body in self.bodies])
        self.vertices = np.unique(triangles)
        own = np.full(self.vertex_count, -1, np.int64)
        own[self.vertices] = np.arange(len(self.vertices))
        self.triangles = own[triangles].astype(np.int32)
        self.triangle_body = np.repeat(np.arange(len(self.bodies)), [len(body.triangles) for body in self.bodies])
        self.edges = np.asarray(ipctk.edges(self.triangles), np.int32)
        self.numbers = torch.from_numpy(self.vertices)
        self.body_of = np.zeros(len(self.vertices), np.int64)
        self.body_of[self.triangles.reshape(-1)] = np.repeat(self.triangle_body, 3)
        self.held = held[self.vertices]
        self.is_held = torch.from_numpy(self.held)
        free = np.unique(self.body_of[~self.held])
        self.counting = Counting(
            self.triangles, self.edges, self.on_surface(positions), ~np.isin(self.body_of, free), gap
        )
        self.mesh = ipctk.CollisionMesh(self.on_surface(positions), self.edges, self.triangles)
        excepted = [(own[one][own[one] >= 0], own[other][own[other] >= 0]) for one, other in apart]
        self.mesh.can_collide = self._filter(excepted)
        self._broad = BroadPhase(self.triangles, self.edges, self.held, excepted)
        self._ccd = ipctk.AdditiveCCD(CCD_ITERATIONS)
        self._meeting = ipctk.AdditiveCCD(CCD_ITERATIONS, AS_FAR_AS_MET)
        self._candidates: tuple[np.ndarray, Candidates] | None = None
        self._found: list[tuple[Tensor, Contacts]] = []

    def on_surface(self, positions: Tensor) -> np.ndarray:
        """Positions of the surfaces' vertices as ipctk wants them."""
        return np.asfortranarray(positions.detach().cpu().numpy()[self.vertices])

    def contacts(self, positions: Tensor) -> Contacts:
        """All pairs of features nearer than the gap, at positions of the surfaces' vertices."""
        for known, contacts in self._found:
            if torch.equal(known, positions):
                return contacts
        contacts = self._find(positions.detach().contiguous())
        self._found = [(positions.detach().clone(), contacts), *self._found[:1]]
        return contacts

    def largest_step(self, start: np.ndarray, end: np.ndarray) -> float:
        """The part of a straight motion of the surfaces' vertices that brings nothing together, at most 1."""
        reach = 2.0 * float(np.linalg.norm(end - start, axis=1).max())
        if reach == 0.0 or (reach < self.gap and reach < NO_NEARER * self._smallest_distance(start)):
            return 1.0
        candidates = ipctk.Candidates()
        candidates.build(self.mesh, start, end, 0.0)
        if candidates.empty():
            return 1.0
        return float(candidates.compute_collision_free_stepsize(self.mesh, start, end, 0.0, self._ccd))

    def first_meeting(self, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """The vertices of the two features that meet first on a straight motion of the surfaces' vertices from where
        nothing touches to where nothing touches, each shape (1,), (2,) or (3,); None where nothing does."""
        if np.array_equal(start, end):
            return None
        candidates = ipctk.Candidates()
        candidates.build(self.mesh, start, end, 0.0)
        if candidates.empty() or candidates.is_step_collision_free(self.mesh, start, end, 0.0, self._meeting):
            return None
        first, found = np.inf, None
        for kind in (candidates.fv_candidates, candidates.ee_candidates):
            for item in kind:
                ids = np.asarray(item.vertex_ids(self.edges, self.triangles))[:4]
                met, time = item.ccd(start[ids].reshape(-1), end[ids].reshape(-1), 0.0, 1.0, self._meeting)
                if met and time < first:
                    split = 1 if kind is candidates.fv_candidates else 2
                    first, found = time, (ids[:split], ids[split:])
        return found

    def distances(self, contacts: Contacts, positions: Tensor) -> Tensor:
        """Of each contact [m], shape (n,), at positions of the surfaces' vertices."""
        found = torch.empty(len(contacts), dtype=torch.float64)
        arguments = [positions, contacts.vertices, contacts.fixed, contacts.slopes, found]
        launch(potential_kernels.distances, len(contacts), arguments, device=positions.device)
        return found

    def _smallest_distance(self, positions: np.ndarray) -> float:
        """Of whatever is nearer than the gap; the gap where nothing is."""
        x = torch.from_numpy(np.ascontiguousarray(positions))
        contacts = self.contacts(x)
        if not len(contacts):
            return self.gap
        return float(self.distances(contacts, x).min())

    def pair_bodies(self, pair: int) -> tuple[str, str]:
        """Names of the two bodies of a pair's number."""
        one, other = divmod(pair, len(self.bodies))
        return self.bodies[one].name, self.bodies[other].name

    def pair_number(self, one: int, other: int) -> int:
        return min(one, other) * len(self.bodies) + max(one, other)

    def _find(self, positions: Tensor) -> Contacts:
        rows, weight, parallel = self.counting.pairs(positions, self._near(positions.numpy()))
        vertices, kind = rows[:, :4], rows[:, 4]
        # Slots one and, of edges, three belong to the two features, whatever else there is.
        second = np.where(kind < FIRST_EDGE_EDGE, vertices[:, 1], vertices[:, 2])
        one, other = self.body_of[vertices[:, 0]], self.body_of[second]
        pair = np.minimum(one, other) * len(self.bodies) + np.maximum(one, other)
        return Contacts.of(vertices, kind, weight, parallel, pair)

    def _near(self, positions: np.ndarray) -> Candidates:
        """Vertices and faces, and pairs of edges, among which is everything nearer than the gap."""
        reach = MARGIN * self.gap
        if self._candidates is not None:
            there, candidates = self._candidates
            if float(np.linalg.norm(positions - there, axis=1).max()) < 0.5 * reach:
                return candidates
        candidates = self.counting.candidates(*self._broad.near(positions, self.gap + reach))
        self._candidates = positions.copy(), candidates
        return candidates

    def _filter(self, apart: Sequence[tuple[np.ndarray, np.ndarray]]) -> ipctk.CollisionFilter:
        # One patch of all that is held, and one for every other vertex: a patch does not collide with itself.
        patches = np.arange(1, len(self.vertices) + 1, dtype=np.int32)
        patches[self.held] = 0
        chosen = ipctk.make_vertex_patches_filter(patches)
        excepted = {(int(min(a, b)), int(max(a, b))): False for one, other in apart for a in one for b in other}
        return chosen & ipctk.make_sparse_filter(excepted, True) if excepted else chosen
