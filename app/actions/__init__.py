"""Every command once: menu, tool bar, shortcut and palette are drawn from the same record."""
