"""What every room stands on. `errors`, `units`, `parameters` and `checks` import neither torch nor Warp."""
