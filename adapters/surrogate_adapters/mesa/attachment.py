"""`attach` a Mesa model to the backend: before each of its steps, its layers hold the fields of its agents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.mesa.census import Census, held
from surrogate_adapters.mesa.readings import ByClass, Reading, of_class
from surrogate_adapters.mesa.spaces import Space, space_of
from surrogate_adapters.mesa.substrate import Substrate
from surrogate_adapters.options import names_of, tolerances
from surrogate_adapters.steady_fields import HistoryEntry, SteadyFields

FloatArray = npt.NDArray[np.float64]


def attach(
    host: Any,
    *,
    substrates: Mapping[str, Substrate],
    spacing_um: float,
    volume_um3: ByClass | Reading | None = None,
    thickness_um: float | None = None,
    space: Any = None,
    vessel_radius_um: Reading = 0.0,
    tolerance: float | Mapping[str, float] | None = None,
    model: str = "default",
    method: str = "guarded",
    policy: str = "fastest",
    device: str = "auto",
    record: str | Path | None = None,
) -> Attachment:
    """Let the backend answer for the substrates of a Mesa model.

    From its next step on, before the agents act, each substrate holds the steady field of the agents that are there
    and of what holds it at a value. On a grid the field is a property layer of the substrate's name, made if there is
    none, so that ``agent.cell.oxygen`` reads it; in a continuous space `Attachment.sample` does.

    Parameters
    ----------
    host : mesa.Model
        With an orthogonal grid or a continuous space in two dimensions; call this after ``super().__init__()``.
    substrates : mapping of name to Substrate
    spacing_um : float, um
        Side of a cell of the grid; in a continuous space, whose coordinates are um, of a pixel.
    volume_um3 : reading, or mapping of agent class to reading, um^3
        Of each agent that takes up or secretes; see `Substrate` for what a reading is.
    thickness_um : float, um, optional
        Depth of the tissue, for the volume of a voxel; ``spacing_um`` if not given.
    space : a space of Mesa, optional
        The model's ``grid`` or ``space`` if not given.
    vessel_radius_um : reading, um, optional
        Radius of agents that hold a value in a continuous space; by default they hold the pixel they are in.
    tolerance : float or mapping of substrate to float, field units, optional
        Largest pointwise error allowed; by default 1 % of the largest value held.
    model, method, policy, device : str
        As in `BackendConfig`.
    record : str or Path, optional
        Where to record the states solved for, see `Recorder`: a store, or with several substrates a folder with a store
        for each, under its name.

    Returns
    -------
    Attachment
        ``.detach()`` gives the model back, ``.history`` lists the fields. Also a context manager.

    Raises
    ------
    UnsupportedProblemError
        If the space is hexagonal, a network, irregular or not two-dimensional, or a layer does not hold float64.
    InvalidProblemError
        If an option is not allowed, or a class takes up or secretes and has no volume.

    Examples
    --------
    >>> import mesa
    >>> from mesa.discrete_space import CellAgent, FixedAgent, OrthogonalMooreGrid
    >>> class Tumour(CellAgent): ...
    >>> class Vessel(FixedAgent): ...
    >>> model = mesa.Model(seed=0)
    >>> model.grid = OrthogonalMooreGrid((30, 20), random=model.random)
    >>> for kind, cell in ((Vessel, (2, 10)), (Tumour, (3, 10)), (Tumour, (28, 10))):
    ...     kind(model).cell = model.grid[cell]
    >>> oxygen = Substrate(
    ...     diffusivity_um2_per_min=1e5, decay_per_min=0.1, uptake_per_min={Tumour: 10.0}, vessels={Vessel: 38.0})
    >>> with attach(model, substrates={"oxygen": oxygen}, spacing_um=20.0, volume_um3=2494.0, tolerance=0.38) as link:
    ...     model.step()
    >>> near, far = (agent.cell.oxygen for agent in model.agents_by_type[Tumour])
    >>> bool(near > far > 0), bool(link.history[0].bound <= 0.38)
    (True, True)
    """
    _check_model(host, substrates)
    names = names_of(list(substrates), list(substrates))
    volumes = _volumes(volume_um3, substrates)
    wanted = tolerances(tolerance, names)
    place = space_of(host, space, spacing_um, thickness_um)
    options: dict[str, Any] = {"model": model, "method": method, "policy": policy, "device": device}
    configs = {
        name: sp.BackendConfig(
            domain=place.domain,
            diffusivity_um2_per_min=substrate.diffusivity_um2_per_min,
            decay_per_min=substrate.decay_per_min,
            michaelis_km=substrate.michaelis_km,
            boundary=place.boundary if substrate.boundary is None else substrate.boundary,
            deposit=place.deposit,
            tolerance=wanted[name],
            **options,
        )
        for name, substrate in substrates.items()
    }
    fields = SteadyFields(configs, record)
    for name, substrate in substrates.items():
        place.prepare(name, substrate.initial)
    return Attachment(host, place, substrates, fields, volumes, vessel_radius_um)


class Attachment:
    """What updates a model's substrates before each of its steps; made by `attach`.

    It is copied and saved along with its model: the copy is attached as the original is, but writes no recording.

    Attributes
    ----------
    history : list of HistoryEntry
        One a field solved for, with the number of steps that the model had finished, and how long it was held.
    """

    def __init__(
        self,
        host: Any,
        space: Space,
        substrates: Mapping[str, Substrate],
        fields: SteadyFields,
        volume_um3: ByClass,
        vessel_radius_um: Reading,
    ) -> None:
        self._host = host
        self._space = space
        self._substrates = dict(substrates)
        self._fields = fields
        self._volume_um3 = dict(volume_um3)
        self._vessel_radius_um = vessel_radius_um
        self._kinds = tuple(dict.fromkeys(kind for each in substrates.values() for kind in each.kinds))
        self._results: dict[str, sp.StepResult] = {}
        self._host_step = host.step
        self._attached = True
        host.step = self.step

    @property
    def history(self) -> list[HistoryEntry]:
        """One entry a field solved for."""
        return self._fields.history

    def step(self, *args: Any, **options: Any) -> None:
        """Stand in for the model's step: first the fields, then the agents."""
        if self._attached:
            self.update()
        self._host_step(*args, **options)

    def update(self) -> None:
        """Solve for the model's present state now; held if nothing has changed.

        Each step begins with it. Call it within one too, where agents should see what others have just done.

        Raises
        ------
        InvalidProblemError, UnsupportedProblemError
            If an agent says something that is not allowed; all layers are left as they were.
        """
        states = self._states().items()
        results = {name: self._fields.solve(name, state, self._host.steps) for name, state in states}
        for name, result in results.items():
            self._space.write(name, result.field)
        self._results = results

    def detach(self) -> None:
        """Give the model its own step back; layers stay, with the last fields. Doing so twice does no harm.

        Raises
        ------
        RuntimeError
            If somebody else has replaced the step since.
        """
        if not self._attached:
            return
        if self._host.step != self.step:
            raise RuntimeError("the model's step was replaced after attach; detach what was attached last first.")
        self._host.step = self._host_step
        self._attached = False

    def sample(self, substrate: str, points_um: npt.ArrayLike) -> FloatArray:
        """A substrate's field at one point or several, bilinear between the centres of pixels.

        Before the first step it is solved for at once.

        Parameters
        ----------
        substrate : str
        points_um : (2,) or (n, 2) array, um
            (x, y), as agents of a continuous space have them.

        Returns
        -------
        (n,) float64, field units
        """
        return self.result(substrate).sample(np.atleast_2d(np.asarray(points_um, dtype=np.float64)))

    def result(self, substrate: str) -> sp.StepResult:
        """The field of a substrate at the last update, with its solution; before the first it is solved for at once."""
        self.backend(substrate)
        if not self._results:
            self.update()
        return self._results[substrate]

    def state(self, substrate: str) -> sp.TissueState:
        """The model's present state, as a substrate's field depends on it."""
        self.backend(substrate)
        return self._states()[substrate]

    def backend(self, substrate: str) -> sp.Backend:
        """The backend of a substrate, with its records."""
        if substrate not in self._substrates:
            attached = ", ".join(self._substrates)
            raise sp.UnsupportedProblemError(f"substrate {substrate!r} is not attached; attached are {attached}.")
        return self._fields.backends[substrate]

    def __enter__(self) -> Attachment:
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()

    def _states(self) -> dict[str, sp.TissueState]:
        host, space = self._host, self._space
        space.mend()
        census = Census(host, space, self._kinds, self._volume_um3)
        states = {}
        for name, substrate in self._substrates.items():
            holding = held(host, space, name, substrate.vessels, self._vessel_radius_um)
            states[name] = sp.TissueState(census.cells(name, substrate), *holding)
        return states


def _check_model(host: Any, substrates: Any) -> None:
    if not hasattr(host, "agents_by_type") or "step" not in vars(host):
        raise sp.UnsupportedProblemError(
            f"host is a {type(host).__name__}; a mesa.Model whose own __init__ has run is allowed."
        )
    if not isinstance(substrates, Mapping) or not substrates:
        raise sp.InvalidProblemError(f"substrates is {substrates!r}; a mapping of names to Substrate is allowed.")
    for name, substrate in substrates.items():
        if not isinstance(substrate, Substrate):
            raise sp.InvalidProblemError(f"substrate {name!r} is {substrate!r}; a Substrate is allowed.")
    owner = getattr(host.step, "__self__", None)
    while isinstance(owner, Attachment):
        for name in substrates:
            if name in owner._substrates:
                raise sp.InvalidProblemError(f"substrate {name!r} is attached already; detach the former first.")
        owner = getattr(owner._host_step, "__self__", None)


def _volumes(volume_um3: ByClass | Reading | None, substrates: Mapping[str, Substrate]) -> ByClass:
    """The volume of each class that takes up or secretes."""
    kinds = dict.fromkeys(kind for substrate in substrates.values() for kind in substrate.kinds)
    by_class = volume_um3 if isinstance(volume_um3, Mapping) else {}
    if volume_um3 is not None and not isinstance(volume_um3, Mapping):
        by_class = dict.fromkeys(kinds, volume_um3)
    for kind in kinds:
        if of_class(by_class, kind) is None:
            raise sp.InvalidProblemError(
                f"volume_um3 has nothing for {kind.__name__}, which takes up or secretes; its rates count by volume."
            )
    return by_class
