"""Names that docstrings say as code does lead to the one page that there is for them."""

from __future__ import annotations

import pytest

from tests.docs.extensions import extension

DOCUMENTED = dict.fromkeys(
    (
        "surrogate_plugin.Problem",
        "surrogate_plugin.Problem.replace",
        "surrogate_plugin.Engine.solve",
        "surrogate_plugin.solve",
        "surrogate_adapters.mesa.Attachment",
        "surrogate_adapters.pyphysicell.Attachment",
    )
)


@pytest.mark.parametrize(
    ("said", "full"),
    [
        ("Problem", "surrogate_plugin.Problem"),
        ("sp.Problem", "surrogate_plugin.Problem"),
        ("Problem.replace", "surrogate_plugin.Problem.replace"),
        ("solve", "surrogate_plugin.solve"),
        ("mesa.Attachment", "surrogate_adapters.mesa.Attachment"),
        ("Attachment", None),
        ("lem", None),
        ("tolerance", None),
    ],
)
def test_a_name_leads_to_one_page_or_none(said: str, full: str | None) -> None:
    assert extension("names").only_page_of(said, DOCUMENTED) == full
