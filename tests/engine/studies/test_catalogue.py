"""The Catalogue: what panels and the command line are drawn from."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.objectives.term import find_kind
from engine.protocol.catalogue import Catalogue
from engine.protocol.study import Study
from engine.studies.catalogue import catalogue
from engine.studies.examples import TARGETS
from engine.studies.registry import STUDIES, default_study, study_kind
from engine.studies.sample_models import sample_model_names
from engine.studies.samples import GALLERY
from engine.studies.session import LocalSession


def test_it_survives_the_way_to_the_window() -> None:
    made = catalogue()
    assert Catalogue.model_validate_json(made.model_dump_json()) == made
    assert made.study("reconstruct").schema_["properties"]["resolution"]["live"] is True
    assert made.term("handle").place == "point"


def test_default_terms_are_of_known_kinds_with_known_parameters() -> None:
    for study in catalogue().studies:
        for spec in study.default_terms:
            find_kind(spec.kind).Parameters.parse(spec.parameters, owner=spec.name)


@pytest.mark.parametrize("entry", catalogue().gallery, ids=lambda entry: entry.name)
def test_the_gallery_can_run(entry) -> None:
    study_kind(entry.study.study).parameters.parse(entry.study.parameters, owner=entry.name)
    for role, source in entry.study.inputs.items():
        prefix, _, name = source.partition(":")
        assert prefix == "sample"
        known = sample_model_names() if role == "model" else (*TARGETS, *(sample.name for sample in GALLERY))
        assert name in known


def test_a_default_study_is_a_study_file() -> None:
    study = default_study({"target": "scan.ply"})
    assert Study.from_toml(study.to_toml()) == study
    assert list(STUDIES)[:2] == ["reconstruct", "simulate"]


@pytest.mark.parametrize("entry", [entry for entry in catalogue().gallery if entry.study.scene], ids=lambda e: e.name)
def test_the_scenes_of_the_gallery_go(entry) -> None:
    session = LocalSession(thumbnails=False)
    session.start(entry.study, {})
    for _ in range(3):
        assert session.advance()
    assert session.run is not None
    assert (session.run.status, session.run.iteration) == ("running", 2)
    session.close()


def test_every_picture_of_the_gallery_is_there() -> None:
    folder = Path(__file__).parents[3] / "assets" / "gallery"
    assert not [entry.picture for entry in catalogue().gallery if not (folder / entry.picture).is_file()]


def test_what_a_kind_of_study_needs_is_said() -> None:
    kinds = {entry.study: entry for entry in catalogue().studies}
    assert (kinds["reconstruct"].descends, kinds["reconstruct"].scene) == (True, False)
    simulate = kinds["simulate"]
    assert (simulate.descends, simulate.scene, simulate.workspace) == (False, True, "Shell")
    assert not simulate.inputs and not simulate.default_terms
