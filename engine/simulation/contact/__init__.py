"""Contact between bodies and of bodies with themselves: nothing passes through anything.

`make_contact` (engine.simulation.contact.contact) takes `ContactBody`s — name, triangles by numbers of all vertices,
whether they are filled — and hands back a `Contact`: `energies` ("contact", and "friction" where there is any) and
`limits` for a `System`, `check_start(positions)` for bodies that start inside each other, and `readings(...)`.

`surface` finds what is near and how far a step may go, `stencils` what a contact is as geometry, `laws` how it pushes,
`normal` and `friction` are the two Energies, whose kernels stand in `potential_kernels`; those of the search stand in
`search_kernels`. All of it runs on the CPU in float64.
"""
