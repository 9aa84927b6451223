"""Draws the gallery's pictures: `python assets/make_gallery.py [NAME…]`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol.scene import PlaneShape
from engine.protocol.session import ResultMesh
from engine.protocol.study import Study
from engine.rendering.camera import Camera
from engine.rendering.picture import picture, save_png
from engine.studies.catalogue import gallery
from engine.studies.inputs import load_inputs
from engine.studies.samples import GALLERY, sample_named
from engine.studies.session import LocalSession

SIZE = (640, 480)
ON_THE_WAY = {"nut-from-sphere": 15, "streamlined": 70, "drape-ball": 28, "fold-crease": 50, "pull-through-fingers": 55}
"""Studies shown while they descend or go on, at this iteration."""

HEAT = ((0.27, 0.0, 0.33), (0.23, 0.32, 0.55), (0.13, 0.57, 0.55), (0.37, 0.79, 0.38), (0.99, 0.91, 0.14))
"""Colours of a predicted field, from its lowest value to its highest."""

FROM = {"drape-ball": (0.3, -1.0, 0.3), "fold-crease": (0.5, -1.0, 0.45), "pull-through-fingers": (0.9, -1.0, 0.4)}
"""From where scenes are looked at."""


def main(names: list[str]) -> None:
    folder = Path(__file__).parent / "gallery"
    folder.mkdir(exist_ok=True)
    for sample in GALLERY:
        if names and sample.name not in names:
            continue
        geometry = sample.make()
        positions = geometry.vertices if isinstance(geometry, Mesh) else geometry.positions
        if isinstance(geometry, Points):
            low, high = np.quantile(positions, (0.03, 0.97), axis=0)
            positions = positions[((positions >= low) & (positions <= high)).all(axis=1)]  # not the outliers
        view = Camera.around(positions, direction=sample.view, aspect=SIZE[0] / SIZE[1], margin=1.15)
        image = picture(geometry, SIZE, view=view, background=None, samples=2, occlusion_rays=10)
        save_png(image, folder / f"{sample.name}.png")
        print(folder / f"{sample.name}.png")
    for entry in gallery():
        if entry.study.scene is not None and (not names or entry.name in names):
            image = scene_picture(entry.name, entry.study)
            save_png(image, folder / f"{entry.name}.png")
            print(folder / f"{entry.name}.png")
        elif entry.study.study == "predict" and (not names or entry.name in names):
            save_png(part_picture(entry.study), folder / f"{entry.name}.png")
            print(folder / f"{entry.name}.png")
        elif entry.name in ON_THE_WAY and (not names or entry.name in names):
            sample = sample_named(entry.study.inputs["target"].removeprefix("sample:"))
            mesh = on_the_way(entry.study, sample.make(), ON_THE_WAY[entry.name])
            view = Camera.around(mesh.vertices, direction=sample.view, aspect=SIZE[0] / SIZE[1], margin=1.15)
            image = picture(mesh, SIZE, view=view, background=None, samples=2, occlusion_rays=10)
            save_png(image, folder / f"{entry.name}.png")
            print(folder / f"{entry.name}.png")


def scene_picture(name: str, study: Study) -> np.ndarray:
    """The bodies of a scene in their colours, without the ground; the picture is round what deforms."""
    session = stepped(study, {}, ON_THE_WAY[name])
    view = session.snapshot()
    session.close()
    assert view is not None and study.scene is not None
    body, triangles = view.arrays["body"], view.arrays["triangles"]
    ground = [i for i, item in enumerate(study.scene.bodies()) if isinstance(getattr(item, "shape", None), PlaneShape)]
    triangles = triangles[~np.isin(body[triangles[:, 0]], ground)]
    places = view.arrays["vertices"].astype(np.float64)
    own = view.info["colours"]
    colours = np.array([[int(own[number][at : at + 2], 16) / 255 for at in (1, 3, 5)] for number in body])
    camera = Camera.around(places[np.unique(triangles)], direction=FROM[name], aspect=SIZE[0] / SIZE[1], margin=1.1)
    return picture(
        Mesh(places, triangles), SIZE, view=camera, colours=colours, background=None, samples=2, occlusion_rays=10
    )


def part_picture(study: Study) -> np.ndarray:
    """A part in the colours of the field that is shown: as it was, and beside it as it became."""
    session = stepped(study, load_inputs(study), study.parameters["iterations"])
    assert session.run is not None
    places, values, triangles = [], [], []
    for checkpoint in (0, None):
        mesh = session.ask(ResultMesh(checkpoint)).result()
        triangles.append(mesh.triangles + sum(map(len, places)))
        places.append(mesh.vertices + np.array([15.0 * len(places), 0.0, 0.0]))
        values.append(mesh.fields[study.parameters["shown"]].values)
    session.close()
    value = np.concatenate(values)
    share = np.clip((value - value.min()) / (np.quantile(value, 0.998) - value.min()), 0.0, 1.0)
    colours = np.stack([np.interp(share, np.linspace(0.0, 1.0, len(HEAT)), np.array(HEAT)[:, k]) for k in range(3)], 1)
    vertices = np.concatenate(places)
    view = Camera.around(vertices, direction=(0.0, 0.0, 1.0), up=(0.0, 1.0, 0.0), aspect=SIZE[0] / SIZE[1], margin=1.1)
    return picture(
        Mesh(vertices, np.concatenate(triangles)), SIZE, view=view, colours=colours, background=None, samples=2,
        occlusion_rays=0,
    )  # fmt: skip


def on_the_way(study: Study, target: Mesh | Points, iteration: int) -> Mesh:
    """The surface of a study at an iteration."""
    session = stepped(study, {"target": target}, iteration)
    mesh: Mesh = session.ask(ResultMesh()).result()
    session.close()
    return mesh


def stepped(study: Study, inputs: dict[str, Mesh | Points], iteration: int) -> LocalSession:
    """A Run of a study at an iteration."""
    session = LocalSession(thumbnails=False)
    session.start(study, inputs)
    while session.advance():
        if session.run is not None and session.run.iteration >= iteration:
            break
    return session


if __name__ == "__main__":
    main(sys.argv[1:])
