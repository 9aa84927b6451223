"""Bodies that move as they are told: obstacles, grippers and pins, differentiable in their poses."""
