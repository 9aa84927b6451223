"""The records that cross a border: between processes, between a file and a Run. No torch, no Warp, no Qt in here."""
