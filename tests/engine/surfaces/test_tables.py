import numpy as np
import pytest

from engine.surfaces.tables import dual_tables


def test_every_crossed_edge_is_in_exactly_one_group() -> None:
    tables = dual_tables()
    for case in range(256):
        crossed = [
            edge for edge, (low, high) in enumerate(tables.edge_corners) if (case >> low & 1) != (case >> high & 1)
        ]
        listed = tables.group_edges[case][tables.group_edges[case] >= 0]
        assert sorted(listed.tolist()) == crossed
        for group in range(tables.group_count[case]):
            members = tables.group_edges[case, group]
            assert (tables.edge_group[case, members[members >= 0]] == group).all()


def test_counts_of_the_literature() -> None:
    tables = dual_tables()
    assert np.bincount(tables.group_count).tolist() == [2, 162, 82, 8, 2]
    assert (tables.ambiguous_face >= 0).sum() == 36


def test_inverting_an_ambiguous_case_splits_its_face() -> None:
    tables = dual_tables()
    for case in np.flatnonzero(tables.ambiguous_face >= 0):
        axis, side = divmod(int(tables.ambiguous_face[case]), 2)
        on_face = [e for e, ends in enumerate(tables.edge_corners) if all((c >> axis & 1) == side for c in ends)]
        assert len(set(tables.edge_group[case, on_face])) == 1
        assert len(set(tables.edge_group[255 - case, on_face])) == 2


def test_edges_connect_neighbouring_corners() -> None:
    for edge, (low, high) in enumerate(dual_tables().edge_corners):
        assert high - low == 1 << edge // 4


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        dual_tables().group_count[0] = 1
