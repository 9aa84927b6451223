"""The Catalogue: all that this version of the engine offers, as data."""

from __future__ import annotations

import importlib.metadata

from engine.objectives.term import term_entries
from engine.protocol.catalogue import Catalogue, GalleryEntry, StudyEntry
from engine.protocol.scene_file import read_scene
from engine.protocol.study import OptimizerSpec, Study, TermSpec
from engine.studies.complete import complete_terms
from engine.studies.examples import example_study
from engine.studies.registry import STUDIES, reconstruct_terms
from engine.studies.scenes import example_path


def catalogue() -> Catalogue:
    """Studies, Terms, gallery and the optimiser's parameters."""
    return Catalogue(
        version=_version(),
        studies=[
            StudyEntry(
                study=kind.name,
                title=kind.title,
                help=kind.help,
                workspace=kind.workspace,
                descends=kind.descends,
                scene=kind.scene,
                makes=kind.makes,
                inputs=kind.inputs,
                schema_=kind.parameters.model_json_schema(),
                default_terms=kind.default_terms(),
                default_optimizer=kind.optimizer,
            )
            for kind in STUDIES.values()
        ],
        terms=term_entries(),
        gallery=gallery(),
        optimizer_schema=OptimizerSpec.model_json_schema(),
    )


make_catalogue = catalogue


def gallery() -> list[GalleryEntry]:
    """Ready studies: on inputs of `engine.studies.samples`, by their names `sample:…`, and with scenes of
    `engine.studies.scenes`."""
    return [
        GalleryEntry(
            name="nut",
            title="A nut, scanned",
            help="A machined nut from a noisy, incomplete scan: holes are closed, noise is calmed.",
            picture="nut.png",
            study=_study("sample:nut"),
        ),
        GalleryEntry(
            name="frog",
            title="A frog, from a tomogram",
            help="Its outer shape from a segmented tomogram, scanned with noise and holes.",
            picture="frog.png",
            study=_study("sample:frog", resolution=64),
        ),
        GalleryEntry(
            name="nut-from-sphere",
            title="A nut from a sphere",
            help="Begins with a sphere that knows nothing of the target and finds the hole by itself.",
            picture="nut-from-sphere.png",
            study=_study("sample:nut", resolution=32, start="sphere", iterations=800),
        ),
        GalleryEntry(
            name="bracket",
            title="A machined bracket",
            help="Bores, fillets and a rib from a mesh, as a new watertight surface with its edges.",
            picture="bracket.png",
            study=_study("sample:bracket", resolution=64),
        ),
        GalleryEntry(
            name="shirt",
            title="A shirt, open",
            help="A sheet without thickness, open at neck, hem and cuffs: a surface that ends where the cloth does.",
            picture="shirt.png",
            study=_study("sample:shirt", surface="g-shell", resolution=48, iterations=150),
        ),
        GalleryEntry(
            name="vase",
            title="A vase, completed",
            help="A scan of one side finds its shape among those that a network has learnt. Move the sliders.",
            picture="vase.png",
            study=Study(
                study="complete",
                inputs={"model": "sample:vases", "target": "sample:vase"},
                terms=complete_terms(),
                optimizer=STUDIES["complete"].optimizer,
            ),
        ),
        GalleryEntry(
            name="streamlined",
            title="A block, streamlined",
            help="Its drag falls to less than half while its volume stays. Turn the arrow of the stream while it runs.",
            picture="streamlined.png",
            study=streamlined(),
        ),
        GalleryEntry(
            name="notched-plates",
            title="Notched plates",
            help="Learnt from solved plates: drag a plate and see its stress, or let that fall. Then ask the solver.",
            picture="notched-plates.png",
            study=example_study("predict"),
        ),
        GalleryEntry(
            name="drape-ball",
            title="A cloth over a ball",
            help="Cotton falls onto a ball and hangs in folds. Pull it off with the mouse while it runs.",
            picture="drape-ball.png",
            study=_scene("drape-ball"),
        ),
        GalleryEntry(
            name="fold-crease",
            title="Paper, folded",
            help="A hand turns one half of a sheet over a crease that yields: it stays folded.",
            picture="fold-crease.png",
            study=_scene("fold-crease"),
        ),
        GalleryEntry(
            name="pull-through-fingers",
            title="Through the fingers",
            help="A strip of cloth is pulled through a gripper that holds on to it by friction alone.",
            picture="pull-through-fingers.png",
            study=_scene("pull-through-fingers"),
        ),
    ]


def streamlined() -> Study:
    """A blunt body, as a network, whose drag falls while its volume is held."""
    parameters = {
        "surface": "deepmesh", "resolution": 40, "iterations": 80, "network_layers": 2, "network_frequency": 10.0,
    }  # fmt: skip
    terms = [
        TermSpec(kind="drag", name="drag", weight=1.0, parameters={"panels": 400}),
        TermSpec(kind="volume", name="volume", weight=20.0),
        TermSpec(kind="eikonal", name="eikonal", weight=0.1),
    ]
    optimizer = OptimizerSpec(learning_rate=0.005, decay=0.5)
    return Study(inputs={"target": "sample:block"}, parameters=parameters, terms=terms, optimizer=optimizer)


def _study(source: str, **parameters: int | str) -> Study:
    return Study(study="reconstruct", inputs={"target": source}, parameters=dict(parameters), terms=reconstruct_terms())


def _scene(name: str) -> Study:
    return Study(study="simulate", scene=read_scene(example_path(name)))


def _version() -> str:
    try:
        return importlib.metadata.version("formwright")
    except importlib.metadata.PackageNotFoundError:
        return "0"
