"""The tools by name. Each is a press that starts a `Dragging`, which then gets every move and the release.

In every tool the wheel zooms, the middle button pans, and a drag that begins beside the geometry turns the view.
"""

from __future__ import annotations

from app.viewport.records import Tool
from app.viewport.tools.brush import BrushTool
from app.viewport.tools.handle import HandleTool
from app.viewport.tools.measure import MeasureTool
from app.viewport.tools.move import MoveTool
from app.viewport.tools.navigate import NavigateTool
from app.viewport.tools.probe import ProbeTool
from app.viewport.tools.pull import PullTool
from app.viewport.tools.select import RegionTool, SelectTool
from app.viewport.tools.staging import CreaseTool, OutlineTool, PinTool

TOOLS: dict[Tool, NavigateTool] = {
    "navigate": NavigateTool(),
    "handle": HandleTool(),
    "brush": BrushTool(),
    "select": SelectTool(),
    "move": MoveTool(),
    "measure": MeasureTool(),
    "pull": PullTool(),
    "pin": PinTool(),
    "crease": CreaseTool(),
    "outline": OutlineTool(),
    "open-here": RegionTool("open-here"),
    "closed-here": RegionTool("closed-here"),
    "probe": ProbeTool(),
}
