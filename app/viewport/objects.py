"""A Document's objects as drawn: thinned where they are large, placed, tinted where selected, and picked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from app.viewport.clipping import Cut
from app.viewport.colours import Theme, blended, mixed
from app.viewport.decimate import cluster_means, cluster_vertices, shading
from app.viewport.dots import AT_ONCE, Dots, dot_budget, thinned
from app.viewport.drawn import DrawnMesh, DrawnPoints, paint
from app.viewport.outline import Shape
from app.viewport.picking import Hit, Stretches, meet_mesh, nearest_dot
from app.viewport.records import SelectionView
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points

PICKED_POINTS = 100_000
"""Dots among which a line of sight looks for one: more would hold up a pointer that hovers."""

DOT_BEHIND = 2.0


@dataclass
class SceneObject:
    """A Document's object as drawn.

    origin : position of the actor's zero in the object's own frame [mm]; box : (2, 3) in that frame [mm]
    count : of the geometry's points; sources : of every drawn point the geometry's (scan), or of every vertex of the
        geometry the drawn one (mesh that was clustered); None where both are the same
    triangles : over the first `drawn_count` drawn vertices; `copies` : of which of these the others are copies
    due : dots that it is drawn with once they are gathered; 0 where all of them are there
    behind : it has stepped back behind the Run's surface: a scan with few, small and faint dots, a mesh in a faint
        colour and only where the surface does not cover it
    """

    name: str
    drawn: DrawnMesh | DrawnPoints
    origin: np.ndarray
    box: np.ndarray
    count: int
    drawn_count: int
    colour: str
    behind: bool
    sources: np.ndarray | None
    copies: np.ndarray
    triangles: np.ndarray
    matrix: np.ndarray | None = None
    due: int = 0

    @property
    def dot_size(self) -> float:
        """[pixels]"""
        return DOT_BEHIND if self.behind else dot_size(self.drawn_count)

    @property
    def visible(self) -> bool:
        return bool(self.drawn.actor.GetVisibility())

    @property
    def thinned(self) -> bool:
        return self.drawn_count < self.count

    @property
    def place(self) -> np.ndarray:
        """World position of the actor's zero [mm], shape (3,)."""
        return self.origin if self.matrix is None else self.matrix[:3, :3] @ self.origin + self.matrix[:3, 3]

    @property
    def linear(self) -> np.ndarray | None:
        return None if self.matrix is None else self.matrix[:3, :3]

    @property
    def bounds(self) -> np.ndarray:
        """Box (2, 3) [mm, world]; of a turned object, that of its box's corners."""
        if self.matrix is None:
            return self.box
        corners = np.stack(np.meshgrid(*self.box.T, indexing="ij"), axis=-1).reshape(-1, 3)
        corners = corners @ self.matrix[:3, :3].T + self.matrix[:3, 3]
        return np.stack([corners.min(axis=0), corners.max(axis=0)])

    def world_points(self) -> np.ndarray:
        """What is drawn, as positions (drawn_count, 3) [mm, world]."""
        return self.shape(Cut(None)).place()[0]

    def shape(self, cut: Cut) -> Shape:
        """What of it may hide something else; what it takes to know that is worked out later, in any thread."""
        vertices, linear, place = self.drawn.vertices[: self.drawn_count], self.linear, self.place
        triangles = self.triangles if isinstance(self.drawn, DrawnMesh) else None
        return Shape(vertices, linear, place, triangles, cut, self.thinned and triangles is not None)

    def selected(self, selection: SelectionView) -> np.ndarray:
        """Which of what is drawn a selection holds by half or more, shape (drawn_count,), bool."""
        if not self._fits(selection):
            return np.zeros(self.drawn_count, bool)
        return self._drawn_values(selection) >= 0.5

    def stand(self, scene_origin: np.ndarray) -> None:
        """Give the actor its place in a scene with this origin [mm, world]."""
        whole = np.eye(4)
        whole[:3, 3] = self.place - scene_origin
        if self.linear is not None:
            whole[:3, :3] = self.linear
        matrix = vtkMatrix4x4()
        matrix.DeepCopy(whole.ravel().tolist())
        self.drawn.actor.SetUserMatrix(matrix)

    def paint(self, theme: Theme, selections: list[SelectionView]) -> None:
        """What is faint is mixed with the background, not see-through: blending costs as much as the drawing."""
        tints = [(self._drawn_values(s), s.colour) for s in selections if s.of == self.name and self._fits(s)]
        if isinstance(self.drawn, DrawnPoints):
            faint = mixed(self.colour, theme.background, 0.55)
            self.drawn.paint(faint if self.behind else self.colour, tints)
            return
        faint = mixed(self.colour, theme.background, 0.75)
        colour = faint if self.behind else self.colour
        paint(self.drawn.actor, colour)
        if self.behind:  # in its own light rather than the room's: shaded, a faint colour would be a dark one
            look = self.drawn.actor.GetProperty()
            look.SetAmbient(0.85)
            look.SetDiffuse(0.18)
            look.SetSpecular(0.0)
        colours = blended(colour, self.drawn_count, tints) if tints else None
        self.drawn.write_colours(None if colours is None else np.concatenate([colours, colours[self.copies]]))

    def meet(
        self, start: np.ndarray, direction: np.ndarray, stretches: Stretches, reach: float, cut: Cut
    ) -> tuple[float, Hit] | None:
        """First hit of a ray [mm, world], with its distance. reach : see `Scene.pick`"""
        if isinstance(self.drawn, DrawnMesh):
            found = meet_mesh(self.drawn, start, direction, stretches, place=self.place, linear=self.linear)
            if found is None:
                return None
            return found.distance, Hit(start + direction * found.distance, found.normal, self.name)
        step = -(-self.drawn_count // PICKED_POINTS)
        points = self.drawn.vertices[::step]
        points = points if self.linear is None else points @ self.linear.T.astype(np.float32)
        if cut.active:
            points = points[cut.keeps(points + self.place)]
        near = nearest_dot(points, start - self.place, direction, reach)
        return None if near is None else (near[0], Hit(near[1] + self.place, -direction, self.name))

    def _fits(self, selection: SelectionView) -> bool:
        return selection.points is None and len(selection.values) == self.count

    def _drawn_values(self, selection: SelectionView) -> np.ndarray:
        if self.sources is None:
            return selection.values
        if isinstance(self.drawn, DrawnPoints):
            return selection.values[self.sources]
        return cluster_means(selection.values, self.sources, self.drawn_count)


def draw_object(
    name: str, geometry: Mesh | Points, colour: str, *, behind: bool, vertex_budget: int | None
) -> SceneObject:
    """Arrays and actor of an object. vertex_budget : of a mesh (None: all of it is drawn, on graphics hardware)"""
    if isinstance(geometry, Mesh):
        return _draw_mesh(name, geometry, colour, behind, vertex_budget)
    software = vertex_budget is not None
    budget = dot_budget(geometry.point_count, software=software, behind=behind)
    thing = draw_dots(name, thinned(geometry, min(budget, AT_ONCE), shaded=not behind), colour, behind, software)
    thing.due = budget if budget > thing.drawn_count else 0
    return thing


def draw_dots(name: str, dots: Dots, colour: str, behind: bool, software: bool) -> SceneObject:
    """A scan by the dots that are drawn of it."""
    drawn = DrawnPoints(dots.positions, dots.normals, 1.0, round_dots=not software)
    none, count = np.empty((0, 3), np.int32), len(dots.positions)
    return SceneObject(
        name, drawn, dots.origin, dots.box, dots.count, count, colour, behind, dots.sources, none[:, 0], none
    )


def dot_size(count: int) -> float:
    """Diameter of a dot [pixels]: small scans get dots that one sees, large ones do not clot."""
    return float(np.clip(7.0 - 1.1 * np.log10(max(count, 1) / 100.0 + 1.0) * 1.2, 2.5, 7.0))


def _draw_mesh(name: str, mesh: Mesh, colour: str, behind: bool, budget: int | None) -> SceneObject:
    box = mesh.bounds
    origin = box.mean(axis=0)
    vertices, triangles = (mesh.vertices - origin).astype(np.float32), mesh.triangles
    count, owner = len(vertices), None
    if budget is not None and count > budget and len(triangles):
        vertices, triangles, owner = cluster_vertices(vertices, triangles, int(0.8 * budget))
    normals, split, copies = shading(vertices, triangles)
    drawn = DrawnMesh()
    drawn.write(np.concatenate([vertices, vertices[copies]]), split, normals)
    if behind:
        drawn.step_back()
    return SceneObject(name, drawn, origin, box, count, len(vertices), colour, behind, owner, copies, triangles)
