"""Which of PhysiCell's substrates a steady field suits: told by name and number, refused only where there is none."""

from __future__ import annotations

import dataclasses

import pytest

import surrogate_plugin as sp
from surrogate_adapters.biofvm import Substrate, concerns, do_not_diffuse, require_allowed

BOX = (1000.0, 800.0)
OXYGEN = Substrate("oxygen", 1e5, 0.1, held=True, supplied=True, taken_up=True)


def told(substrate: Substrate, step_min: float = 6.0) -> dict[str, str]:
    return {one.kind: one.sentence for one in concerns(substrate, BOX, step_min)}


def of(**facts: object) -> Substrate:
    return dataclasses.replace(OXYGEN, **facts)


def test_a_substrate_that_suits_is_told_nothing_of() -> None:
    assert told(OXYGEN) == {}
    require_allowed(OXYGEN)


def test_a_substrate_slower_than_a_step_is_named_with_both_times() -> None:
    said = told(of(name="antigen", diffusivity_um2_per_min=10.0, decay_per_min=0.001))
    assert set(said) == {"not quasi-steady"}
    for part in ("antigen", "910 min", "6 min"):  # 1 / (0.001 + pi^2 10 / 1000^2)
        assert part in said["not quasi-steady"]
    assert told(of(diffusivity_um2_per_min=10.0, decay_per_min=0.001), step_min=1000.0) == {}


def test_without_a_node_only_decay_brings_a_substrate_to_rest() -> None:
    assert set(told(of(held=False))) == {"not quasi-steady"}  # 10 min
    assert told(of(held=False, decay_per_min=0.2)) == {}  # 5 min


def test_decay_0_without_a_node_is_told_and_refused_only_where_no_cell_pulls_either() -> None:
    virus = of(name="virus", decay_per_min=0.0, held=False)
    said = told(virus)
    assert set(said) == {"not quasi-steady", "not anchored"}
    assert all("virus" in sentence for sentence in said.values())
    for known in (True, None):
        require_allowed(dataclasses.replace(virus, taken_up=known))
    with pytest.raises(sp.UnsupportedProblemError, match="'virus' has decay rate 0, no active Dirichlet node"):
        require_allowed(dataclasses.replace(virus, taken_up=False))


def test_only_what_is_known_to_have_no_supply_is_said_to_have_none() -> None:
    assert told(of(supplied=None)) == {}
    assert set(told(of(name="interferon", supplied=False))) == {"nothing supplies it"}


@pytest.mark.parametrize("field", ["diffusivity_um2_per_min", "decay_per_min"])
@pytest.mark.parametrize("number", [-1e-3, float("nan"), float("inf")])
def test_coefficients_that_no_field_has_are_refused_by_name(field: str, number: float) -> None:
    with pytest.raises(sp.InvalidProblemError, match=r"substrate 'oxygen' has .* rate|coefficient") as error:
        require_allowed(of(**{field: number}))
    assert f"{number:g}" in str(error.value)


@pytest.mark.parametrize(("diffusivity", "still"), [(0.0, True), (1e-7, True), (1e-6, False), (1.0, False)])
def test_a_diffusion_coefficient_far_below_the_rest_counts_as_none(diffusivity: float, still: bool) -> None:
    ecm = of(name="ecm", diffusivity_um2_per_min=diffusivity)
    assert (do_not_diffuse([OXYGEN, ecm]) == {"ecm"}) is still


def test_substrates_of_which_none_diffuses_all_count() -> None:
    assert do_not_diffuse([of(diffusivity_um2_per_min=0.0), of(name="ecm", diffusivity_um2_per_min=0.0)]) == {
        "oxygen",
        "ecm",
    }
