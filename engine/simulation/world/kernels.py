"""Which kernels a Scene runs, so that nobody waits for others to compile."""

from __future__ import annotations

from engine.protocol.scene import Scene


def kernel_files(scene: Scene) -> tuple[str, ...]:
    """Those of `engine.core.kernels.FILES_WITH_KERNELS`."""
    bendings = {sheet.bending for sheet in scene.sheets}
    needed = {
        "shell.membrane_kernels": bool(scene.sheets),
        "shell.bending_kernels": "midedge" in bendings,
        "shell.hinge_kernels": "hinges" in bendings,
        "contact.search_kernels": scene.contact.mode != "none",
        "contact.potential_kernels": scene.contact.mode != "none",
        "matrix_kernels": scene.contact.mode != "none",
        "solid.neo_hookean_kernels": bool(scene.solids),
    }
    return tuple(f"engine.simulation.{file}" for file, runs in needed.items() if runs)
