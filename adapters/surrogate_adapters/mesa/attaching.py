"""`attach`: what a model of Mesa and its substrates are asked, before the backend answers for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import numpy as np

import surrogate_plugin as sp
from surrogate_adapters.mesa.attachment import Attachment
from surrogate_adapters.mesa.lattice import Spacing
from surrogate_adapters.mesa.readings import ByClass, Reading, of_class
from surrogate_adapters.mesa.spaces import Space, Whereabouts
from surrogate_adapters.mesa.stepping import hooks
from surrogate_adapters.mesa.substrate import Substrate
from surrogate_adapters.mesa.suitability import concerns, require_allowed
from surrogate_adapters.notices import Notices
from surrogate_adapters.options import Chosen, Given, names_of, takes_options
from surrogate_adapters.quantities import in_unit
from surrogate_adapters.steady_fields import SteadyFields
from surrogate_plugin.arguments import positive_number


@takes_options
def attach(
    host: Any,
    *,
    substrates: Mapping[str, Substrate],
    spacing_um: float | Sequence[float],
    volume_um3: ByClass | Reading | None = None,
    thickness_um: float | None = None,
    space: Any = None,
    vessel_radius_um: Reading = 0.0,
    step_min: float | None = None,
    **options: Unpack[Given],
) -> Attachment:
    """Let the backend answer for the substrates of a Mesa model.

    Before the agents act in each step, however the model comes to it, each substrate holds the steady field of the
    agents that are there and of what holds it at a value, or has gone on in time with them by the length of a step. On
    a grid the field is a property layer of the substrate's name, made if there is none, so that ``agent.cell.oxygen``
    reads it; in a continuous space `Attachment.sample` does. A layer that is made is filled at once if agents are there
    by then; one of yours is left until the first step.

    Parameters
    ----------
    host : mesa.Model
        With an orthogonal grid or a continuous space in two dimensions; call this after ``super().__init__()``.
    substrates : mapping of name to Substrate
    spacing_um : float or (dy, dx), um
        Side of a cell of the grid; in a continuous space, whose coordinates are um, of a pixel. Where they are not
        square, along y and along x, in this order as of a shape.
    volume_um3 : reading, or mapping of agent class to reading, um^3
        Of each agent that takes up, secretes or produces, and in a continuous space of each that conducts, lets decay
        or has a membrane; see `Substrate` for what a reading is.
    thickness_um : float, um, optional
        Depth of the tissue, for the volume of a voxel; ``spacing_um`` if not given and this is one number.
    space : a space of Mesa, optional
        The model's ``grid`` or ``space`` if not given.
    vessel_radius_um : reading, um, optional
        Radius of agents that hold a value in a continuous space; by default they hold the pixel they are in.
    step_min : float, min, optional
        How long a step of the model is, which Mesa does not say. If given, substrates that do not come to rest within
        one are told by name; those that go on in time need it.
    stepping : "steady", "implicit-euler" or mapping of substrate to these, optional
        Whether a substrate is at rest with the agents in each step, or goes on in time from what its layer holds,
        whatever agents have written there; those that a mapping leaves out are steady.
    time_tolerance : float or mapping of substrate to float, field units, optional
        The largest error that a step in time may be estimated to make by being so long; it is then taken in parts.
    tolerance : float or mapping of substrate to float, field units, optional
        Largest pointwise error allowed; by default 1 % of the largest value held.
    model, method, policy, device : str, optional
        As in `BackendConfig`.
    record : str or Path, optional
        Where to record the states solved for, see `Recorder`: a store, or with several substrates a folder with a store
        for each, under its name.
    report : str or Path, optional
        Where to write the page of the run, such as ``"run.html"``: one for all substrates, see `RunReport`.
    settings : str, Path or SettingsFile, optional
        A settings file, ``"surrogate.toml"``, which says what is not said here: see `load_settings`.

    Returns
    -------
    Attachment
        ``.detach()`` gives the model back, ``.history`` lists the fields. Also a context manager.

    Raises
    ------
    UnsupportedProblemError
        If the space is hexagonal, a network, irregular or not two-dimensional, or a layer does not hold float64.
    InvalidProblemError
        If an option is not allowed, or a class takes up, secretes or produces and has no volume.

    Warns
    -----
    PromiseWarning
        If nothing can ever supply a substrate, or it does not come to rest within ``step_min``.

    Examples
    --------
    >>> import mesa
    >>> from mesa.discrete_space import CellAgent, FixedAgent, OrthogonalMooreGrid
    >>> class Tumour(CellAgent): ...
    >>> class Vessel(FixedAgent): ...
    >>> model = mesa.Model(rng=0)
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
    _check_substrates(substrates)
    _check_names_are_free(host, substrates)
    names = names_of(list(substrates), list(substrates))
    spacing = _spacing(in_unit("spacing_um", spacing_um, "um"))
    thickness = in_unit("thickness_um", thickness_um, "um")
    minutes = None if step_min is None else positive_number("step_min", in_unit("step_min", step_min, "min"))
    chosen = Chosen.of("mesa", names, options, substrates=names)
    of_each = chosen.settings
    _require_pace(of_each, minutes)
    where = Whereabouts(host, space, spacing, thickness)
    volumes = _volumes(volume_um3, where.space.counted(substrates.values()))
    sides = {name: _sides(name, substrate, where.space) for name, substrate in substrates.items()}
    configs = {
        name: sp.BackendConfig(
            domain=where.space.domain,
            diffusivity_um2_per_min=substrate.diffusivity_um2_per_min,
            decay_per_min=substrate.decay_per_min,
            michaelis_km=substrate.michaelis_km,
            boundary=sides[name],
            initial=substrate.initial or 0.0,
            deposit=where.space.deposit,
            **dict(of_each[name]),
        )
        for name, substrate in substrates.items()
    }
    notices = Notices()
    for name, substrate in substrates.items():
        steady = configs[name].steady
        require_allowed(name, substrate, where.space, sides[name], steady=steady)
        for kind, sentence in concerns(name, substrate, where.space, sides[name], minutes if steady else None):
            notices.tell(kind, name, sentence)
    fields = SteadyFields(configs, chosen.record, report=chosen.report, host="mesa")
    made = [name for name, substrate in substrates.items() if where.space.prepare(name, substrate.initial or 0.0)]
    link = Attachment(host, where, substrates, fields, volumes, vessel_radius_um, notices, minutes)
    link.fill([name for name in made if substrates[name].initial is None and configs[name].steady])
    return link


def _spacing(given: Any) -> Spacing:
    if isinstance(given, Sequence | np.ndarray) and not isinstance(given, str):
        if len(given) != 2:
            raise sp.InvalidProblemError(f"spacing_um is {given!r}; a number, or two, (dy, dx), are allowed.")
        dy, dx = (positive_number(f"spacing_um[{axis}]", each) for axis, each in enumerate(given))
        return dx if dy == dx else (dy, dx)
    return positive_number("spacing_um", given)


def _require_pace(settings: Mapping[str, sp.Settings], step_min: float | None) -> None:
    """A field that goes on in time has to know how long a step is."""
    for name, each in settings.items():
        if not each.steady and step_min is None:
            raise sp.InvalidProblemError(
                f"step_min is None, but substrate {name!r} goes on in time (stepping is {each.stepping!r}); the length "
                "of the model's step in minutes is allowed."
            )


def _sides(name: str, substrate: Substrate, space: Space) -> sp.Boundary:
    """The sides of a substrate; those it does not name are the space's own."""
    try:
        return substrate.sides(space.sides)
    except sp.InvalidProblemError as error:
        raise sp.InvalidProblemError(f"substrate {name!r}: {error}") from None


def _check_substrates(substrates: Any) -> None:
    if not isinstance(substrates, Mapping) or not substrates:
        raise sp.InvalidProblemError(f"substrates is {substrates!r}; a mapping of names to Substrate is allowed.")
    for name, substrate in substrates.items():
        if not isinstance(name, str):
            raise sp.InvalidProblemError(f"substrates names {name!r}; a str is allowed, as {str(name)!r}.")
        if not isinstance(substrate, Substrate):
            raise sp.InvalidProblemError(f"substrate {name!r} is {substrate!r}; a Substrate is allowed.")


def _check_names_are_free(host: Any, substrates: Mapping[str, Substrate]) -> None:
    for hook in hooks(host):
        if isinstance(hook.owner, Attachment):
            for name in substrates:
                if name in hook.owner.substrates:
                    raise sp.InvalidProblemError(f"substrate {name!r} is attached already; detach the former first.")


def _volumes(volume_um3: ByClass | Reading | None, kinds: Sequence[type]) -> ByClass:
    """The volume of each class that counts by it."""
    by_class = volume_um3 if isinstance(volume_um3, Mapping) else {}
    if volume_um3 is not None and not isinstance(volume_um3, Mapping):
        by_class = dict.fromkeys(kinds, volume_um3)
    for kind in kinds:
        if of_class(by_class, kind) is None:
            raise sp.InvalidProblemError(
                f"volume_um3 has nothing for {kind.__name__}, which takes up, secretes, produces, conducts or has a "
                "membrane; this counts by volume."
            )
    return by_class
