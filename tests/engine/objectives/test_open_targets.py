"""Open meshes and scans as targets, and the Terms on a border."""

import numpy as np
import pytest
import torch

from engine.core.device import Device
from engine.core.errors import GeometryError
from engine.geometry.frame import Frame
from engine.geometry.mesh import Mesh
from engine.geometry.open_scan import scan_border
from engine.geometry.points import Points
from engine.geometry.segments import SegmentIndex, nearest_on_segments
from engine.objectives.evaluation import Evaluation
from engine.objectives.mask import MaskWeight
from engine.objectives.open_surface import EIKONAL_SHARES, Painted
from engine.objectives.open_target import OpenMeshTarget, OpenScanTarget, open_mesh, open_scan
from engine.objectives.term import Term, TermContext, build_term
from engine.objectives.verification import UNIT, cube, upper_half
from engine.protocol.study import TermSpec
from engine.surfaces.gshell import GShell

CPU = Device("cpu")


def sheet(count: int = 12, *, hole: bool = False) -> Mesh:
    """A square of side 1.6 over which a wave runs; `hole` leaves a cell out."""
    axis = np.linspace(-0.8, 0.8, count)
    x, y = np.meshgrid(axis, axis, indexing="ij")
    vertices = np.stack([x, y, 0.1 * np.sin(3.0 * x)], axis=-1).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(count - 1), np.arange(count - 1), indexing="ij")
    low = (i * count + j).reshape(-1)
    cells = np.stack([low, low + count, low + count + 1, low, low + count + 1, low + 1], axis=1)
    if hole:
        cells = np.delete(cells, len(cells) // 2, axis=0)
    return Mesh(vertices, cells.reshape(-1, 3).astype(np.int32), name="sheet")


def target(**options: object) -> OpenMeshTarget:
    return OpenMeshTarget(sheet(), UNIT, CPU, sample_count=400, draw_count=1, **options)


def evaluation_of(surface: GShell, wanted: OpenMeshTarget | OpenScanTarget) -> Evaluation:
    return Evaluation(
        surface.extract(), target=wanted, draw=wanted.draw(0), sample_count=400,
        generator=torch.Generator().manual_seed(0), device=CPU,
    )  # fmt: skip


def term(kind: str, wanted: OpenMeshTarget | None, *, masked: bool = False) -> Term:
    spec = TermSpec(kind=kind, name=kind, weight=1.0, mask="upper half" if masked else "")
    made = build_term(spec, TermContext(UNIT, wanted, CPU))
    made.where = MaskWeight(upper_half(), 0.1) if masked else None
    return made


def shaken_start(wanted: OpenMeshTarget, resolution: int = 10) -> GShell:
    """Off the target, float64, with no number at a kink."""
    surface = GShell(wanted.distance_field(resolution).double(), wanted.msdf_field(resolution).double() + 0.013,
                     dtype=torch.float64)  # fmt: skip
    generator = torch.Generator().manual_seed(5)
    for name, size in (("offsets", 0.3), ("weights", 0.3)):
        surface.tensors()[name].data.normal_(generator=generator).mul_(size)
    return surface


def test_nearest_places_on_segments() -> None:
    generator = torch.Generator().manual_seed(0)
    ends = torch.rand(200, 2, 3, generator=generator, dtype=torch.float64)
    points = torch.rand(300, 3, generator=generator, dtype=torch.float64)
    every = torch.stack([nearest_on_segments(points, end.expand(300, 2, 3)) for end in ends])
    expected = torch.linalg.vector_norm(every - points, dim=2).amin(dim=0)
    assert float((SegmentIndex(ends, CPU).distance(points) - expected).abs().max()) < 1e-3
    along = torch.tensor([[[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]]], dtype=torch.float64)
    places = [nearest_on_segments(torch.tensor([[x, 1.0, 0.0]], dtype=torch.float64), along) for x in (-1.0, 0.5, 3.0)]
    assert [float(place[0, 0]) for place in places] == [0.0, 0.5, 2.0]


def test_the_start_of_a_sheet_is_its_shape() -> None:
    """Where the sheet is, and nowhere else: the part that shows ends within a tenth of a cell of the border."""
    wanted = target()
    surface = GShell(wanted.distance_field(24), wanted.msdf_field(24))
    found = surface.extract()
    cell = surface.cell_size
    border = found.vertices.detach()[found.boundary.reshape(-1).long()]
    distances = wanted.border.index.distance(border)
    assert float(distances.mean()) < 0.1 * cell
    x, _, z = found.vertices.detach().unbind(1)
    assert float((z - 0.1 * torch.sin(3.0 * x)).abs().mean()) < 0.1 * cell


@pytest.mark.parametrize("masked", [False, True])
def test_the_border_terms_gradient(masked: bool) -> None:
    wanted = target()
    surface = shaken_start(wanted)
    made = term("border", wanted, masked=masked)
    first = evaluation_of(surface, wanted)
    leaves = surface.tensors()
    gradients = torch.autograd.grad(made.evaluate(first, surface), list(leaves.values()))
    generator = torch.Generator().manual_seed(3)

    def value() -> float:
        now = evaluation_of(surface, wanted)
        now.hold_pairs(first)
        return float(made.evaluate(now, surface).detach())

    for (_, leaf), gradient in zip(leaves.items(), gradients, strict=True):
        way = torch.randn(leaf.shape, generator=generator, dtype=torch.float64)
        with torch.no_grad():
            leaf += 1e-6 * way
            above = value()
            leaf -= 2e-6 * way
            below = value()
            leaf += 1e-6 * way
        assert float((gradient * way).sum()) == pytest.approx((above - below) / 2e-6, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("kind", ["open", "close", "open-here", "closed-here", "template-distance"])
def test_regularisers_agree_with_differences_in_what_they_move(kind: str) -> None:
    wanted = target()
    surface = shaken_start(wanted)
    made = term(kind, wanted, masked=kind.endswith("-here"))
    name = "field" if kind == "template-distance" else "msdf"
    leaf = surface.tensors()[name]
    others = [other for key, other in surface.tensors().items() if key != name]
    value = made.evaluate(evaluation_of(surface, wanted), surface)
    gradient, *rest = torch.autograd.grad(value, [leaf, *others], allow_unused=True)
    assert all(other is None or not other.any() for other in rest)
    if kind == "close":  # ν is zero along the border whatever it is nearby: it sees how the border would grow
        assert bool((gradient <= 0).all()) and bool((gradient < 0).any())
        return
    way = torch.randn(leaf.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    values = []
    with torch.no_grad():
        for sign in (1, -2, 1):
            leaf += sign * 1e-7 * way
            values.append(float(made.evaluate(evaluation_of(surface, wanted), surface)))
    assert float((gradient * way).sum()) == pytest.approx((values[0] - values[1]) / 2e-7, rel=1e-5)


def test_the_templates_distance_follows_its_schedule() -> None:
    made = term("template-distance", None)
    assert [made.schedule(progress) for progress in (0.0, 0.1, 0.39, 0.4, 1.0)] == [
        1.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 30.0, 1.0 / 30.0,
    ]  # fmt: skip
    assert EIKONAL_SHARES[-1][0] == 0.0


def test_painting_asks_for_a_mask() -> None:
    for kind in ("open-here", "closed-here"):
        assert issubclass(type(term(kind, None, masked=True)), Painted)
        with pytest.raises(Exception, match="mask"):
            term(kind, None)


def test_what_is_closed_is_no_open_mesh() -> None:

    assert open_mesh(cube(1.0), widest_hole=0.0) is None
    torn = sheet(hole=True)
    found = open_mesh(torn, widest_hole=0.0)
    filled = open_mesh(torn, widest_hole=0.3)
    assert found is not None and filled is not None
    assert filled.triangle_count > found.triangle_count


def test_a_strip_with_one_side_is_refused() -> None:
    turns = np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False)
    ends = np.stack(
        [
            (1.0 + width * np.cos(turns / 2.0))[:, None] * np.stack([np.cos(turns), np.sin(turns), 0 * turns], axis=1)
            + np.stack([0 * turns, 0 * turns, width * np.sin(turns / 2.0)], axis=1)
            for width in (-0.3, 0.3)
        ]
    )
    faces = []
    for i in range(40):
        a, b = i, 40 + i
        c, d = (i + 1, 40 + i + 1) if i < 39 else (40, 0)
        faces += [(a, c, b), (b, c, d)]
    strip = Mesh(ends.reshape(-1, 3), np.array(faces, np.int32), name="strip")
    with pytest.raises(GeometryError, match="one side"):
        open_mesh(strip, widest_hole=0.0)


def flat_scan(count: int, seed: int, *, gap: float = 0.0) -> Points:
    places = np.random.default_rng(seed).uniform(-0.8, 0.8, (count, 2))
    places = places[np.linalg.norm(places, axis=1) > gap]
    positions = np.concatenate([places, 0.0 * places[:, :1]], axis=1)
    return Points(positions, normals=np.tile([0.0, 0.0, 1.0], (len(places), 1)))


def test_the_border_of_a_scan_is_found() -> None:
    scan = flat_scan(4000, 0)
    border = scan_border(scan.positions, scan.normals, widest_hole=0.1)
    off = np.abs(np.abs(border.positions[border.counts][:, :2]).max(axis=1) - 0.8)
    assert border.counts.sum() > 100 and off.mean() < 0.5 * border.spacing
    # All along it: no place of the square's rim is far from a border point.
    rim = np.linspace(-0.8, 0.8, 50)
    rim = np.concatenate([np.stack([rim, s * 0.8 + 0 * rim, 0 * rim], axis=1)[:, p] for s in (-1, 1)
                          for p in ([0, 1, 2], [1, 0, 2])])  # fmt: skip
    nearest = np.linalg.norm(rim[:, None] - border.positions[border.counts][None], axis=2).min(axis=1)
    assert nearest.max() < 4.0 * border.spacing


def test_small_gaps_of_a_scan_are_holes() -> None:
    scan = flat_scan(4000, 0, gap=0.15)
    for widest, opened in ((0.1, True), (0.8, False)):
        border = scan_border(scan.positions, scan.normals, widest_hole=widest)
        around = np.linalg.norm(border.positions[border.counts], axis=1) < 0.3
        assert bool(around.any()) == opened
    frame = Frame.around(scan.bounds)
    confidence = np.ones(len(scan.positions))
    border = open_scan(scan, confidence, frame, widest_hole=0.8)
    assert border is not None
    wanted = OpenScanTarget(scan, frame, CPU, border=border, sample_count=400, confidence=confidence, reach=0.2)
    surface = GShell(wanted.distance_field(24), wanted.msdf_field(24))
    assert float(surface.msdf_at_nodes()[12, 12, 12]) > 0.0  # over the hole in the middle
    vertices = surface.output()[0]
    assert np.abs(vertices[:, 2]).max() < 0.1 * surface.cell_size
    assert np.abs(vertices[:, :2]).max() == pytest.approx(0.9, abs=0.5 * surface.cell_size)
