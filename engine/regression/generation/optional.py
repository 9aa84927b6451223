"""scikit-fem, which only those install who solve."""

from __future__ import annotations

from types import ModuleType

from engine.core.errors import FormwrightError


def require_skfem() -> ModuleType:
    """The module; raises `FormwrightError` that says how to install it."""
    try:
        import skfem
    except ImportError:
        raise FormwrightError(
            "Solving needs scikit-fem, which is not installed.",
            remedy="Install it with: pip install 'formwright[solve]'.",
        ) from None
    module: ModuleType = skfem
    return module
