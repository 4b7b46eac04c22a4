"""Every route that has compiled kernels, gone through once on a small lattice."""

from __future__ import annotations

import numpy as np

from surrogate_plugin.equation.problem import MichaelisMenten, Problem


def _problem(size: int, *, varying: bool, uptake: MichaelisMenten | None = None) -> Problem:
    source = np.zeros((size, size))
    source[4:7, 5:9] = 1.0
    decay = np.full((size, size), 1 / 400)
    decay[size // 2 :] = 1 / 25
    return Problem(source, decay=decay if varying else 1 / 400, uptake=uptake)


def _solve(problem: Problem, method: str) -> None:
    import surrogate_plugin as sp

    sp.solve(problem, method=method, policy="surrogate-first")


def _spectral() -> None:
    _solve(_problem(64, varying=False), "exact")


def _multigrid() -> None:
    _solve(_problem(64, varying=True), "exact")


def _mapped() -> None:
    diffusivity = np.ones((64, 64))
    diffusivity[20:40, 20:40] = 0.5
    _solve(_problem(64, varying=True).replace(diffusivity=diffusivity), "multigrid")


def _saturating() -> None:
    for km in (0.5, 1e-3):
        _solve(_problem(64, varying=True, uptake=MichaelisMenten(vmax=0.02, km=km)), "exact")


def _algebraic() -> None:
    noise = 10.0 ** -np.random.default_rng(0).uniform(0.0, 6.0, (64, 64))
    for uptake in (None, MichaelisMenten(vmax=0.02, km=0.5)):
        _solve(_problem(64, varying=True, uptake=uptake).replace(diffusivity=noise), "algebraic")


def _guarded() -> None:
    _solve(_problem(64, varying=True), "guarded")


def _tissue() -> None:
    import surrogate_plugin as sp

    domain = sp.Domain(origin_um=(0.0, 0.0), size_um=(640.0, 640.0), shape=(64, 64))
    state = sp.TissueState(
        cells=sp.Cells(
            position_um=np.array([[300.0, 300.0]]), radius_um=np.array([8.0]), uptake_per_min=np.array([10.0])
        ),
        vessels=sp.Vessels(position_um=np.array([[100.0, 100.0]]), radius_um=np.array([20.0]), value=np.array([38.0])),
    )
    config = sp.BackendConfig(domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.1)
    backend = sp.Backend(config)
    backend.step(state).sample(np.array([[200.0, 200.0]]))
    backend.reconfigure(stepping="implicit-euler")
    backend.step(state, dt_min=1.0)


#: In turn; together they need every kernel.
ROUTES = (_spectral, _multigrid, _mapped, _saturating, _algebraic, _guarded, _tissue)
