"""The same studies and commands with no window. One file a command; nothing here knows Qt."""
