"""How samples come to one common shape: a kind of map for every topology, and its quality."""
