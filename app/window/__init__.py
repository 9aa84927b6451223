"""The window itself: its frame, docks, menus, dialogs, and how it listens to the document and to the engine."""
