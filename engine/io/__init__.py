"""Files: `registry.read` and `registry.write` for any format, `loader.load` for a reader in its own process."""
