"""The open project: objects, the Study being set up, the Run as it is seen, undo. Plain Python: no Qt in here."""
