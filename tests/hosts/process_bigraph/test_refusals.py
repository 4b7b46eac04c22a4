"""What a document asks for and cannot have is refused by name, with what is there; what is meant is taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pint
import pytest
from process_bigraph import Composite, allocate_core

import surrogate_plugin as sp
from surrogate_adapters.process_bigraph import SurrogateDiffusion, register
from tests.hosts.process_bigraph.documents import CELL, CONFIG, OXYGEN, VESSEL, document


@pytest.fixture(scope="module")
def core() -> Any:
    return register(allocate_core())


BAD_CONFIGS = [
    ({"shape": [9]}, "shape.1 is missing"),
    ({"shape": [9, 0]}, "shape.1 is 0; input should be greater than 0"),
    ({"shape": "square"}, "shape is 'square'"),
    ({"spacing_um": -1.0}, "spacing_um is -1.0"),
    ({"spacing": 20.0}, "has no setting 'spacing'; it has shape, spacing_um"),
    ({"substrates": {}}, "substrates is {}"),
    ({"substrates": {"oxygen": {"decay_per_min": 0.1}}}, "substrates.oxygen.diffusivity_um2_per_min is missing"),
    ({"substrates": {"oxygen": {**OXYGEN, "decay": 0.1}}}, "has no setting 'substrates.oxygen.decay'"),
    ({"substrates": {"oxygen": {**OXYGEN, "decay_per_min": "fast"}}}, "substrates.oxygen.decay_per_min is 'fast'"),
    ({"substrates": {"oxygen": {**OXYGEN, "fixed": [[9, 0, 1.0]]}}}, r"names voxel \(9, 0\), but .* 9 rows and 16"),
    ({"substrates": {"oxygen": {**OXYGEN, "fixed": [[1, 0, -1.0]]}}}, "substrates.oxygen.fixed.0.2 is -1.0"),
    ({"substrates": {"oxygen": {**OXYGEN, "boundary": {"left": "open"}}}}, "boundary .* is 'open'"),
    ({"cells": "list"}, "cells is 'list'; input should be 'map' or 'arrays'"),
    ({"policy": "never"}, "policy is 'never'"),
    ({"model": "defualt"}, "model is 'defualt'; the models installed are .*default"),
    ({"substrates": {"oxygen": {**OXYGEN, "boundary": {"west": 5.0}}}}, "unknown side 'west'"),
    ({"substrates": {"oxygen": {**OXYGEN, "boundary": "periodic"}}}, "boundary is 'periodic'; a mapping of sides"),
]


@pytest.mark.parametrize(("config", "message"), BAD_CONFIGS)
def test_a_bad_config_is_refused_in_one_sentence(core, config, message):
    with pytest.raises(sp.InvalidProblemError, match=message) as refused:
        SurrogateDiffusion({**CONFIG, **config}, core=core)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("config", [config for config, _ in BAD_CONFIGS])
def test_so_it_is_in_a_document_where_the_host_would_read_a_default_into_it(core, config):
    with pytest.raises(Exception, match=r"SurrogateDiffusion|boundary"):
        Composite(document(**config), core=core).run(60.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cells": {"a": {**CELL, "volume_um3": -1.0}}}, r"cells\['a'\].volume_um3 is -1; finite"),
        ({"cells": {"a": {**CELL, "position_um": [1.0]}}}, r"cells\['a'\] is at \[1.0\]; two numbers"),
        ({"vessels": {"v": {**VESSEL, "value": {"oxygen": -2.0}}}}, r"vessels.value\[0\] is -2"),
        ({"fields": {"oxygen": np.zeros((16, 9))}}, r"fields.oxygen has shape \(16, 9\)"),
        ({"fields": {"oxygen": np.full((9, 16), np.inf)}}, "fields.oxygen holds a value that is not finite"),
    ],
)
def test_a_broken_state_is_refused_in_one_sentence(core, change, message):
    state = {"fields": {"oxygen": np.zeros((9, 16))}, "cells": {"a": CELL}, "vessels": {"v": VESSEL}}
    with pytest.raises(sp.InvalidProblemError, match=message):
        SurrogateDiffusion(CONFIG, core=core).update({**state, **change}, 1.0)


def test_a_state_without_a_unique_steady_field_is_refused(core):
    lossless = {"oxygen": {"diffusivity_um2_per_min": 1e5}}
    process = SurrogateDiffusion({**CONFIG, "substrates": lossless}, core=core)
    with pytest.raises(sp.InvalidProblemError, match=r"substrate 'oxygen': .*no unique steady state"):
        process.update({"fields": {"oxygen": np.zeros((9, 16))}, "cells": {}, "vessels": {}}, 1.0)


#: What used to take up nothing, or end in an error that names nothing.
NOTHING = [
    (
        {"position_um": [105.0, 62.0], "uptake_per_min": {"oxygen": 10.0}},
        r"cells\['a'\].volume_um3 is 0 or missing, but",
    ),
    (
        {**CELL, "volume_um3": 0.0},
        r"cells\['a'\].volume_um3 is 0 or missing, but the cell has uptake_per_min of 'oxygen'",
    ),
    (
        {"position_um": [105.0, 62.0], "radius_um": 8.0},
        r"cells\['a'\] has 'radius_um', which nobody reads; .*position_um",
    ),
    ({**CELL, "uptake": {"oxygen": 10.0}}, r"cells\['a'\] has 'uptake', which nobody reads; .*uptake_per_min"),
    ({**CELL, "Uptake_per_min": {"oxygen": 10.0}}, r"cells\['a'\] has 'Uptake_per_min'"),
    (
        {**CELL, "uptake_per_min": {"Oxygen": 10.0}},
        r"uptake_per_min names 'Oxygen'; the substrates are oxygen; what other",
    ),
    ({**CELL, "production_per_min": {"oxigen": 1.0}}, r"cells\['a'\].production_per_min names 'oxigen'"),
    ({"volume_um3": 2000.0}, r"cells\['a'\] is at \[\]; two numbers"),
]


@pytest.mark.parametrize(("cell", "message"), NOTHING)
def test_a_cell_that_would_do_nothing_is_refused(core: Any, cell: dict[str, Any], message: str) -> None:
    state = document()
    state["state"]["cells"] = {"a": cell}
    with pytest.raises(sp.InvalidProblemError, match=message) as refused:
        Composite(state, core=core).run(60.0)
    assert "\n" not in str(refused.value).split("[process_bigraph]")[0].strip()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": {"Oxygen": 38.0}}, r"vessels\['v'\].value names 'Oxygen'; the substrates are oxygen"),
        ({"value": {}}, r"vessels\['v'\] has no value, so that it holds nothing"),
        ({"radius": 25.0}, r"vessels\['v'\] has 'radius', which nobody reads"),
    ],
)
def test_a_vessel_that_would_hold_nothing_is_refused(core: Any, change: dict[str, Any], message: str) -> None:
    state = document()
    state["state"]["vessels"]["v"] |= change
    with pytest.raises(sp.InvalidProblemError, match=message):
        Composite(state, core=core).run(60.0)


@pytest.mark.parametrize(
    ("kind", "lacks", "message"),
    [
        ("cells", "volume_um3", r"cells\['b'\].volume_um3 is 0 or missing"),
        ("cells", "position_um", r"cells\['b'\] is at \[\]"),
        ("vessels", "radius_um", r"vessels\['b'\] has no radius_um; a number >= 0 is allowed"),
        ("vessels", "position_um", r"vessels\['b'\] is at \[\]"),
    ],
)
def test_what_one_lacks_is_not_taken_from_another_one(core: Any, kind: str, lacks: str, message: str) -> None:
    """The host fills in the values of its neighbours in the map."""
    state = document()
    whole = CELL if kind == "cells" else VESSEL
    state["state"][kind]["b"] = {key: value for key, value in whole.items() if key != lacks}
    with pytest.raises(sp.InvalidProblemError, match=message):
        Composite(state, core=core).run(60.0)


def test_so_it_is_with_cells_in_arrays(core: Any) -> None:
    process = SurrogateDiffusion({**CONFIG, "cells": "arrays"}, core=core)
    fields, place = {"oxygen": np.zeros((9, 16))}, np.array([[105.0, 62.0], [20.0, 20.0]])
    for cells, message in (
        ({"position_um": place, "uptake_per_min": {"oxygen": np.ones(2)}}, r"cells.volume_um3\[0\] is 0 or missing"),
        (
            {"position_um": place, "volume_um3": np.array([9.0, 0.0]), "uptake_per_min": {"oxygen": np.ones(2)}},
            r"m3\[1\]",
        ),
        ({"position_um": place, "volume_um3": np.ones(2), "uptake_per_min": {"Oxygen": np.ones(2)}}, "names 'Oxygen'"),
        ({"position_um": place, "radius_um": np.ones(2)}, "cells has 'radius_um', which nobody reads"),
    ):
        with pytest.raises(sp.InvalidProblemError, match=message):
            process.update({"fields": fields, "cells": cells, "vessels": {"v": VESSEL}}, 60.0)


@pytest.mark.parametrize("port", ["cells", "vessels"])
def test_cells_and_vessels_need_not_be_wired(core: Any, port: str) -> None:
    sides = {"oxygen": {**OXYGEN, "boundary": {"left": 38.0}}}
    state, empty = document(substrates=sides), document(substrates=sides)
    del state["state"]["diffusion"]["inputs"][port]
    empty["state"][port] = {}
    unwired, without = (Composite(one, core=core) for one in (state, empty))
    for composite in (unwired, without):
        composite.run(60.0)
    np.testing.assert_array_equal(unwired.state["fields"]["oxygen"], without.state["fields"]["oxygen"])
    assert unwired.state["fields"]["oxygen"].max() > 30.0


def test_fields_that_are_not_wired_are_asked_for(core: Any) -> None:
    state = document()
    del state["state"]["diffusion"]["inputs"]["fields"]
    with pytest.raises(sp.InvalidProblemError, match=r"fields.oxygen is not there; a wire of the input port 'fields'"):
        Composite(state, core=core).run(60.0)


def test_one_number_is_that_of_the_one_substrate(core: Any) -> None:
    state = document()
    state["state"]["vessels"]["v"]["value"] = 38.0
    state["state"]["cells"]["a"]["uptake_per_min"] = 10.0
    short, long = Composite(state, core=core), Composite(document(), core=core)
    for composite in (short, long):
        composite.run(60.0)
    np.testing.assert_array_equal(short.state["fields"]["oxygen"], long.state["fields"]["oxygen"])
    two = document(substrates={"oxygen": OXYGEN, "glucose": OXYGEN})
    two["state"]["vessels"]["v"]["value"] = 38.0
    with pytest.raises(sp.InvalidProblemError, match=r"value is 38.0; with 2 substrates a mapping is allowed"):
        Composite(two, core=core).run(60.0)


def test_what_others_answer_for_is_named_in_elsewhere(core: Any) -> None:
    state = document(elsewhere=["drug", "uptake_total"])
    state["state"]["cells"]["a"] |= {"uptake_per_min": {"oxygen": 10.0, "drug": 1.0}, "uptake_total": 0.0}
    state["state"]["vessels"]["w"] = {**VESSEL, "value": {"drug": 1.0}}
    others, alone = Composite(state, core=core), Composite(document(), core=core)
    for composite in (others, alone):
        composite.run(60.0)
    np.testing.assert_array_equal(others.state["fields"]["oxygen"], alone.state["fields"]["oxygen"])


def test_quantities_are_taken_wherever_numbers_are(core: Any) -> None:

    units = pint.UnitRegistry()
    oxygen = {"diffusivity_um2_per_min": 1e5 / 60 * units.um**2 / units.s, "decay_per_min": 6.0 / units.h}
    quantities = {"shape": [9, 16], "spacing_um": 0.02 * units.mm, "substrates": {"oxygen": {**OXYGEN, **oxygen}}}
    cell = {
        "position_um": [0.105, 0.062] * units.mm,
        "volume_um3": 2.0 * units.pL,
        "uptake_per_min": {"oxygen": 10.0 / 60 / units.s},
    }
    vessel = {**VESSEL, "position_um": [0.21 * units.mm, 90.0], "radius_um": 0.025 * units.mm}
    fields = {"oxygen": np.zeros((9, 16))}
    expected = SurrogateDiffusion(CONFIG, core=core).update(
        {"fields": fields, "cells": {"a": CELL}, "vessels": {"v": VESSEL}}, 60.0
    )
    found = SurrogateDiffusion(quantities, core=core).update(
        {"fields": fields, "cells": {"a": cell}, "vessels": {"v": vessel}}, 60.0
    )
    np.testing.assert_allclose(found["fields"]["oxygen"], expected["fields"]["oxygen"], rtol=1e-9)
    with pytest.raises(
        sp.InvalidProblemError, match="spacing_um is 2 second; a number, or a quantity in um, is allowed"
    ):
        SurrogateDiffusion({**quantities, "spacing_um": 2 * units.s}, core=core)
    with pytest.raises(
        sp.InvalidProblemError, match=r"tolerance is 2 .*; a number in the unit of the field is allowed"
    ):
        SurrogateDiffusion({**quantities, "substrates": {"oxygen": {**OXYGEN, "tolerance": 2 * units.mmHg}}}, core=core)


@pytest.mark.parametrize("shape", [(5, 5), (1, 30), (3, 4)])
def test_lattices_of_any_size_are_taken(core: Any, shape: tuple[int, int]) -> None:
    """The field between a held side and a mirror, cosh of the discrete equation's own rate."""
    oxygen = {**OXYGEN, "tolerance": 1e-7, "boundary": {"left": 5.0}}
    process = SurrogateDiffusion(
        {"shape": list(shape), "spacing_um": 20.0, "substrates": {"oxygen": oxygen}}, core=core
    )
    field = process.update({"fields": {"oxygen": np.zeros(shape)}}, 60.0)["fields"]["oxygen"]
    rate = np.arccosh(1 + 0.1 * 20.0**2 / (2 * 1e5))
    line = 5.0 * np.cosh(rate * (shape[1] - 0.5 - np.arange(shape[1]))) / np.cosh(rate * (shape[1] + 0.5))
    np.testing.assert_allclose(field, np.broadcast_to(line, shape), rtol=1e-6)


def test_a_field_that_was_replaced_after_it_was_wired_is_filled_again(core: Any) -> None:
    composite = Composite(document(), core=core)
    composite.run(60.0)
    steady = composite.state["fields"]["oxygen"].copy()
    composite.state["fields"]["oxygen"] = np.zeros((9, 16))
    with pytest.warns(sp.PromiseWarning, match=r"something else wrote -38 into fields.oxygen"):
        composite.run(60.0)
    np.testing.assert_allclose(composite.state["fields"]["oxygen"], steady, atol=1e-12)
    composite.state["fields"]["oxygen"] = np.zeros((5, 5))
    with pytest.raises(
        sp.InvalidProblemError, match=r"fields.oxygen has shape \(5, 5\); that of the lattice, \(9, 16\)"
    ):
        composite.run(60.0)
