"""One object of settings for whoever asks for a field: checked once, and taken by a backend as it is."""

from __future__ import annotations

import pytest

import surrogate_plugin as sp
from tests.session.scenes import DOMAIN


def test_a_backend_takes_them_all_at_once() -> None:
    settings = sp.Settings(tolerance=0.1, method="exact", policy="surrogate-first", device="cpu")
    config = sp.BackendConfig(domain=DOMAIN, diffusivity_um2_per_min=1e5, decay_per_min=0.1, **dict(settings))
    assert {name: getattr(config, name) for name in sp.Settings.model_fields} == dict(settings)
    assert isinstance(config, sp.Settings)


def test_an_engine_is_made_of_them() -> None:
    assert sp.EngineSettings(policy="surrogate-first").engine().policy == "surrogate-first"
    with pytest.raises(sp.InvalidProblemError, match=r"weights\.safetensors are missing"):
        sp.EngineSettings(model="/nowhere/weights.safetensors")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tolerance": 0.0}, "Settings.tolerance is 0.0; a positive finite number is allowed."),
        ({"tolerance": True}, "Settings.tolerance is True; a positive finite number is allowed."),
        ({"model": "defualt"}, "Settings.model is 'defualt'; the models installed are"),
        ({"model": "u" * 300}, "Settings.model is 'uuu.*; the models installed are"),  # too long for a path
        ({"method": "magic"}, "Settings.method is 'magic'; allowed are 'guarded'"),
        ({"policy": "slowest"}, "Settings.policy is 'slowest'; input should be"),
        ({"device": "tpu"}, "Settings.device is 'tpu'; allowed are 'auto'"),
        ({"speed": 1}, "Settings has no option 'speed'; it has tolerance, stepping, time_tolerance, model,"),
    ],
)
def test_what_is_not_allowed_is_named_in_one_sentence(given, message) -> None:
    with pytest.raises(sp.InvalidProblemError, match=message):
        sp.Settings(**given)


def test_they_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        sp.Settings().tolerance = 1.0  # type: ignore[misc]
