"""Predict: what a Model knows of a part, while its shape is dragged or descends on what is predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.device import Device
from engine.core.errors import GeometryError, NonFiniteError, ParameterError
from engine.core.leaves import Remap, State
from engine.geometry.fields import Field
from engine.geometry.frame import Frame
from engine.geometry.mesh import Mesh
from engine.geometry.topology import euler_and_parts
from engine.objectives.part import PartContext, PartEvaluation, PartTerm
from engine.optimization.problem import RestingError
from engine.protocol import edits as edit_kinds
from engine.protocol.edits import Edit
from engine.protocol.layers import DESCENT
from engine.protocol.study import MODEL, SAMPLE, Study, TermSpec
from engine.regression.data.dataset import Sample
from engine.regression.model import RegressionModel
from engine.regression.saved_model import load_regression
from engine.studies.live_parameters import with_edit
from engine.studies.part_design import FamilyDesign, FreeDesign, PartDesign
from engine.studies.part_handles import PartHandles
from engine.studies.part_mesh import ShownSensitivity, border_nodes
from engine.studies.part_on_common import PartOnCommon
from engine.studies.part_scalars import PartScalars
from engine.studies.predict_parameters import PredictParameters
from engine.studies.preparing import Tell
from engine.studies.problem import StudyProblem
from engine.studies.term_set import TermSet

MESH = "mesh"
"""The role of the part."""

CPU = Device("cpu")


class PredictProblem:
    """Implements `engine.studies.problem.StudyProblem`: a part, what a Model predicts of it, and Terms on that.

    The shape is the design's, changed by the least that brings what handles hold to where they want it. All lengths
    within are in the unit of the Model's data.

    parameters : of the study
    terms : the wishes
    model : that predicts
    part : as it was opened [mm]
    """

    def __init__(
        self, parameters: PredictParameters, terms: list[TermSpec], *, model: RegressionModel, part: Mesh
    ) -> None:
        self.parameters = parameters
        self.model = model
        self.part = part
        self._where = PartOnCommon(model, part)
        self.length = self._where.length
        self._sample = self._where.sample
        self._triangles = torch.from_numpy(self._sample.triangles.astype(np.int64))
        self._shown_sensitivity = ShownSensitivity(self._sample)
        self._design = self._made_design()
        self._scalars = PartScalars(model, parameters.inputs)
        self._check_names(parameters)
        self._terms = TermSet(
            terms,
            PartContext(
                Frame((0.0, 0.0, 0.0), 1.0), None, CPU, "predict", model, self._where.start, self._triangles,
                self._scalars.first, self.length,
            ),
        )  # fmt: skip
        self._strokes: list[edit_kinds.PaintFreeze] = []
        self._handles = PartHandles(self._terms, model.common.dimension, self.length)
        self._iteration, self._progress = 0, 0.0
        self._active: list[str] = []
        self._evaluated: Tensor | None = None
        self._hold_handles()

    @property
    def device(self) -> Device:
        return CPU

    @property
    def iterations(self) -> int:
        return self.parameters.iterations

    @property
    def notes(self) -> tuple[str, ...]:
        missing = [name for name in self.model.input_names if name not in self.parameters.inputs]
        if not missing:
            return ()
        values = dict(zip(self.model.input_names, self._scalars.first.tolist(), strict=True))
        said = ", ".join(f"{name} = {values[name]:.4g}" for name in missing)
        return (f"Not given, and taken at the mean of the samples: {said}.",)

    # -- descending -------------------------------------------------------------------------------------------------

    def tensors(self) -> dict[str, Tensor]:
        return {"shape": self._design.leaf, "scalars": self._scalars.leaf}

    def learning_rate_factors(self) -> dict[str, float]:
        return {}

    def prepare(self, iteration: int, iterations: int) -> list[Remap]:
        self._iteration = iteration
        self._progress = iteration / max(iterations, 1)
        active = [name for name in self._terms.prepare(self, self._progress) if self._asks(name)]
        if all(self._part_term(name).restrains for name in active):
            raise RestingError("No Term says where to go, so the shape stays: drag it, or add a Term and go on.")
        self._active = active
        return []

    def evaluate(self) -> dict[str, Tensor]:
        nodes = self._nodes()
        if not bool(torch.isfinite(nodes.detach()).all()):
            raise NonFiniteError("the shape", self._iteration)
        if nodes.requires_grad:
            nodes.retain_grad()
        self._evaluated = nodes
        return self._values(self._active, nodes)

    def _values(self, names: list[str], nodes: Tensor) -> dict[str, Tensor]:
        """What these Terms say of the part with its nodes there, with the graph of the morph too."""
        scalars, asked = self._scalars.raw(), [self._part_term(name) for name in names]
        outcome = self._where.predicted(
            nodes,
            scalars,
            fields=dict.fromkeys(field for term in asked for field in term.fields),
            outputs=dict.fromkeys(scalar for term in asked for scalar in term.scalars),
            bands=any(term.needs_bands for term in asked),
        )
        evaluation = PartEvaluation(nodes, scalars, outcome, self._triangles)
        return {name: self._terms[name].evaluate(evaluation, self) for name in names}

    def weights(self) -> dict[str, float]:
        return {name: self._terms.weight(name, self._progress) for name in self._active}

    def elsewhere(self, count: int) -> None:
        """A prediction takes milliseconds: to send it elsewhere takes longer."""

    def mask_gradients(self) -> None:
        self._scalars.mask_gradient(self.parameters.vary)

    def after_step(self) -> None:
        self._scalars.put_back(self.parameters.vary)

    def _asks(self, name: str) -> bool:
        return isinstance(self._terms[name], PartTerm)

    def _part_term(self, name: str) -> PartTerm:
        term = self._terms[name]
        assert isinstance(term, PartTerm)
        return term

    # -- steering ---------------------------------------------------------------------------------------------------

    def terms(self) -> list[TermSpec]:
        return self._terms.specs()

    def apply(self, edit: Edit) -> Edit | None:
        match edit:
            case edit_kinds.SetParameter(owner="study"):
                return self._set_parameter(edit)
            case edit_kinds.SetLatent():
                inverse = self._set_latent(edit)
            case edit_kinds.PaintFreeze():
                inverse = self._freeze([*self._strokes, edit])
            case edit_kinds.SetFrozen():
                inverse = self._freeze(list(edit.strokes))
            case _:
                if isinstance(edit, edit_kinds.AddTerm):
                    self._handles.check(edit.spec, self._world, self._design)
                inverse = self._terms.apply(edit)  # type: ignore[assignment]  # some Edits have no inverse
                self._hold_handles()
        self._evaluated = None
        return inverse

    def _set_parameter(self, edit: edit_kinds.SetParameter) -> Edit:
        old = self.parameters
        new = with_edit(old, edit)
        self._check_names(new)
        before: Any = getattr(old, edit.name)
        self.parameters = new
        if edit.name == "inputs":
            before = self._scalars.values()
            self._scalars.take(new.inputs)
        elif edit.name == "vary":
            self._scalars.hold()
        return edit.model_copy(update={"value": before})

    def _check_names(self, parameters: PredictParameters) -> None:
        """Refuse scalars and fields that the Model does not know."""
        self._scalars.require(parameters.inputs, "study.inputs")
        self._scalars.require(parameters.vary, "study.vary")
        if parameters.shown and parameters.shown not in self.model.fields:
            raise ParameterError(
                "study.shown", f"the Model predicts no field {parameters.shown!r}.",
                remedy=f"It has {', '.join(self.model.fields) or 'none'}.",
            )  # fmt: skip

    def _set_latent(self, edit: edit_kinds.SetLatent) -> Edit:
        design = self._family("slider")
        before = design.latent()
        design.set_latent(edit.values)
        return edit_kinds.SetLatent(values=before)

    def _family(self, what: str) -> FamilyDesign:
        if not isinstance(self._design, FamilyDesign):
            raise ParameterError(what, "a free shape has no sliders.", remedy='Start a run with freedom = "family".')
        return self._design

    def _freeze(self, strokes: list[edit_kinds.PaintFreeze]) -> Edit:
        now = self._nodes().detach()
        world = self._where.world(now.numpy())
        frozen = np.zeros(len(world), bool)
        for stroke in strokes:
            for centre in stroke.centres:
                frozen[np.linalg.norm(world - centre, axis=1) <= stroke.radius] = stroke.frozen
        self._design.freeze(now, frozen)
        inverse = edit_kinds.SetFrozen(strokes=self._strokes)
        self._strokes = strokes
        return inverse

    # -- the part ---------------------------------------------------------------------------------------------------

    def _made_design(self) -> PartDesign:
        if self.parameters.freedom == "family":
            return FamilyDesign(self.model, self._where.morphed)
        nodes = self._where.morphed.nodes
        smoothing = self.parameters.smoothing / 100.0 * float(np.linalg.norm(np.ptp(nodes, axis=0)))
        return FreeDesign(nodes, self._sample.triangles, border_nodes(self._sample), smoothing)

    def _nodes(self) -> Tensor:
        """Of the part as it is, with graph, shape (node_count, dimension)."""
        return self._design.held(self._design.moved(), self._handles.holds())

    def _hold_handles(self) -> None:
        self._handles.look(self._world, self._design)

    def _world(self) -> np.ndarray:
        """Positions of the nodes of the part as it is [mm], shape (node_count, 3)."""
        return self._where.world(self._nodes().detach().numpy())

    # -- going back -------------------------------------------------------------------------------------------------

    def state(self) -> State:
        return {
            "design": self._design.state(),
            "scalars": self._scalars.state(),
            "parameters": self.parameters.model_dump(),
            **self._terms.state(),
            "strokes": [stroke.model_dump(mode="json") for stroke in self._strokes],
            "held": dict(self._handles.nodes),
        }

    def restore(self, state: State) -> None:
        values: dict[str, Any] = dict(state)
        self.parameters = PredictParameters.parse(values["parameters"], owner="checkpoint")
        self._design.restore(values["design"])
        self._scalars.restore(values["scalars"])
        self._terms.restore(values)
        self._strokes = [edit_kinds.PaintFreeze.model_validate(stroke) for stroke in values["strokes"]]
        self._handles.nodes = {str(name): int(node) for name, node in values["held"].items()}
        self._evaluated = None

    # -- looking ----------------------------------------------------------------------------------------------------

    def view(self) -> tuple[tuple[float, float, float], dict[str, np.ndarray], dict[str, Any]]:
        shown = self.parameters.shown or next(iter(self.model.fields), "")
        with torch.no_grad():
            nodes = self._nodes() if self._evaluated is None else self._evaluated.detach()
            outcome = self._where.looked_at(nodes, self._scalars.raw(), [shown] if shown else [])
            arrays, info = self._where.shown(nodes, outcome)
        sensitivity, descent = self._told_gradients()
        count = self.part.vertex_count
        arrays |= {"sensitivity": sensitivity[:count], DESCENT: descent[:count]}
        info |= {
            "shown": shown,
            "inputs": self._scalars.told(self.parameters.vary),
            "freedom": self.parameters.freedom,
        }
        if isinstance(self._design, FamilyDesign):
            info["latent"] = self._design.latent()
        return (0.0, 0.0, 0.0), arrays, info

    def topology(self) -> tuple[int, int]:
        return euler_and_parts(self.part.triangles)

    def result_mesh(self) -> Mesh:
        """With the predicted fields, and their bands."""
        with torch.no_grad():
            nodes = self._nodes()
            outcome = self._where.looked_at(nodes, self._scalars.raw(), list(self.model.fields))
        count = self.part.vertex_count
        fields = {name: field for name, field in self.part.fields.items() if field.domain == "vertex"}
        for name, (mean, band) in outcome.fields.items():
            unit = self.model.fields[name].unit
            fields[name] = Field(name, mean.numpy()[:count], unit=unit)
            fields[f"{name} band"] = Field(f"{name} band", band.numpy()[:count], unit=unit)
        world = self._where.world(nodes.numpy())
        inner, tets = (world[count:], self.part.tets) if len(self._sample.tetrahedra) else (None, None)
        return replace(self.part, vertices=world[:count], fields=fields, inner=inner, tets=tets)

    def result_sample(self) -> Sample:
        """The part as it is with its scalars, in the unit of the data: what a solver takes."""
        with torch.no_grad():
            nodes = self._nodes().numpy()
        return replace(self._sample, nodes=nodes, inputs=self._scalars.values(), fields={})

    def quality_sheet(self) -> dict[str, Any]:
        """What is predicted of the part, and whether the Model knows such parts."""
        _, _, info = self.view()
        return {name: info[name] for name in ("predicted", "inputs", "flag")}

    def thumbnail(self, size: int = 96) -> np.ndarray:
        from engine.rendering.picture import thumbnail

        world = self._where.world(self._nodes().detach().numpy())
        return thumbnail(world[: self.part.vertex_count], self.part.triangles, size)

    def _told_gradients(self) -> tuple[np.ndarray, np.ndarray]:
        """Of the total loss: change per mm of outward motion, shape (node_count,), and where the nodes would go so that
        it falls, the farthest by 1, shape (node_count, 3); of the last evaluation, or of the design as it is."""
        sensitivity = np.zeros(self._sample.node_count, np.float32)
        descent = np.zeros((self._sample.node_count, 3), np.float32)
        nodes, on_nodes, on_design = self._gradients()
        if on_nodes is None or on_design is None:
            return sensitivity, descent
        sensitivity = (self._shown_sensitivity(nodes, on_nodes) / self.length).astype(np.float32)
        with torch.no_grad():
            holds = [(node, torch.zeros_like(target), radius) for node, target, radius in self._handles.holds()]
            moved = self._design.held(-self._design.motion(on_design), holds).numpy()
        farthest = float(np.linalg.norm(moved, axis=1).max())
        if farthest > 0.0:
            descent[:, : moved.shape[1]] = moved / farthest
        return sensitivity, descent

    def _gradients(self) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Nodes, and the gradients of the total loss on them and on the design; None where no Term asks anything."""
        leaf, seen = self._design.leaf, self._evaluated
        if seen is not None:
            return seen.detach(), seen.grad, leaf.grad
        nodes = self._nodes()
        weights = {spec.name: self._terms.weight(spec.name, self._progress) for spec in self._terms.specs()}
        asked = [name for name, weight in weights.items() if weight > 0.0 and self._asks(name)]
        if not asked:
            return nodes.detach(), None, None
        values = self._values(asked, nodes)
        total = torch.stack([weights[name] * value for name, value in values.items()]).sum()
        on_nodes, on_design = torch.autograd.grad(total, (nodes, leaf), allow_unused=True)
        return nodes.detach(), on_nodes, on_design


def predict_terms() -> list[TermSpec]:
    """None says where to go: the part stays until one does, and then within what the Model knows."""
    return [TermSpec(kind="trust-region", name="trust-region", weight=10.0)]


def build_predict(study: Study, inputs: Mapping[str, Any], progress: Tell) -> StudyProblem:
    """The problem of *Predict*: the Model read (one of ours is learnt first), the part brought to its common shape.

    Raises `ParameterError` without a Model, and `DatasetError` for a part that is not of the Model's kind.
    """
    parameters = PredictParameters.parse(study.parameters, owner=study.study)
    torch.set_num_threads(1)  # its tensors are small: a second thread waits more than it works
    model = model_of(study, progress)
    progress("Making ready for bands", 0.4)
    _ = model.processes.factors  # else the first look at the part would wait for them
    progress("Bringing the part to the common shape", 0.8)
    part = inputs[MESH]
    if not isinstance(part, Mesh):
        raise GeometryError(f"{part.name} is no mesh.", remedy="Open a mesh of the kind that the Model has learnt.")
    return PredictProblem(parameters, study.terms or predict_terms(), model=model, part=part)


def model_of(study: Study, progress: Tell) -> RegressionModel:
    """The regression Model of a study."""
    path = study.inputs.get(MODEL)
    if not path:
        raise ParameterError(MODEL, "Predict needs a Model.", remedy="Train one on a data set, or open one.")
    if path.startswith(SAMPLE):
        from engine.studies.sample_models import sample_model

        return load_regression(sample_model(path.removeprefix(SAMPLE), progress))
    return load_regression(Path(path))
