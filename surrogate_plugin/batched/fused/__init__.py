"""Triton kernels of the batched engine: what `surrogate_plugin.batched.reference` says, with each field read once.

On a GPU a solve is bound by memory traffic and, for a few problems, by the number of launches. So a kernel does as much
as it can with what it has read. `sweeps` streams down the rows of a level and holds two rows of each half sweep: four
half sweeps, the residual and its restriction in one pass. `bottom` goes through all levels below 64 x 64 in one launch,
a program a problem, in registers. `gradients` and `equation` do the vectors of conjugate gradients and the equation in
float64, `judging` a step's numbers a problem, `fields` what lies between cycles. `seeing`, `blocks`, `coarse` and
`relaxing` are the network's: what it reads, its layers, its coarse equation and its last sweeps.

Every kernel takes arrays with a halo and looks at no halo of a vector: on a ring it takes the far side by its index,
and elsewhere what lies outside is 0. No program reads what another one writes, so that they need not wait for one
another; `tests.batched.watching` checks each access.

What is called from outside are `surrogate_plugin.batched.operations`, which choose between these and the reference.
"""
