"""What a run stands on: its settings, the versions of packages, the machine, and the card of its network."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

import surrogate_plugin
from surrogate_plugin.equation.per_axis import PerAxis
from surrogate_plugin.equation.sides import SIDES, Boundary, Side
from surrogate_plugin.session.config import BackendConfig

#: Whoever computes, or draws what is on the page.
_PACKAGES = ("numpy", "scipy", "numba", "torch", "matplotlib")


def settings_of(config: BackendConfig, unit: str = "") -> dict[str, object]:
    """What the backend of a field was told, in words, with units."""
    domain, units = config.domain, unit or "field units"
    (dy, dx), (rows, columns) = domain.spacings_um, domain.shape
    pixels = f"{dx:g} µm" if dx == dy else f"{dx:g} µm along x and {dy:g} µm along y"
    told: dict[str, object] = {
        "lattice": f"{columns} x {rows} pixels of {pixels}; {domain.size_um[0]:g} x {domain.size_um[1]:g} µm",
        "diffusivity": f"{_coefficient(config.diffusivity_um2_per_min)} µm²/min",
        "decay": f"{_coefficient(config.decay_per_min)} 1/min",
        "sides": sides_of(config.boundary),
        "tolerance": _tolerance(config, units),
        "stepping": config.stepping,
    }
    if config.time_tolerance is not None:
        told["time tolerance"] = f"{config.time_tolerance:.4g} {units}"
    if config.michaelis_km is not None:
        told["half of the largest uptake at"] = f"{config.michaelis_km:.4g} {units}"
    return told | {"method": config.method, "policy": config.policy, "model": config.model, "device": config.device}


def versions(hosts: Sequence[str] = ()) -> dict[str, object]:
    """The versions of this package, of Python, of those that compute, and of hosts that are Python packages."""
    told: dict[str, object] = {"surrogate-plugin": surrogate_plugin.__version__}
    told["python"] = f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    for package in (*hosts, *_PACKAGES):
        told[package] = _version(package)
    return told


def card_of(model: str) -> dict[str, object]:
    """What the card of a network says; why not, where it cannot be read."""
    from surrogate_plugin.surrogate.card import ModelCard
    from surrogate_plugin.surrogate.failures import ModelError
    from surrogate_plugin.surrogate.weights import find

    try:
        card = ModelCard.read(find(model).with_suffix(".json"))
    except ModelError as error:
        return {"model": model, "card": f"cannot be read: {error}"}
    ranges = card.ranges
    told: dict[str, object] = {
        "model": card.name,
        "network": f"{card.network.kind}, {card.network.parameters:,} parameters",
        "trained on diffusion lengths": f"{ranges.shortest_length_px:.3g} to {ranges.longest_length_px:.3g} pixels",
        "contrast of the decay": f"up to {ranges.largest_contrast:.3g}",
        "sources": f"up to {ranges.most_sources}, of at most {ranges.largest_source_px} pixels",
        "sides": ", ".join(ranges.boundaries),
        "lattices": f"{ranges.shortest_side_px} to {ranges.longest_side_px} pixels a side",
    }
    told["errors below"] = f"over the largest imposed value, on {card.test_samples} test samples"
    for name, values in card.metrics.items():
        told[name] = ", ".join(f"{statistic} {value:.3g}" for statistic, value in values.items())
    return told | {"SHA-256 of its weights": card.sha256}


def program() -> str:
    """The name of the program that runs, without the folders that it lies in."""
    return os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] not in ("", "-c") else "an interactive session"


def _tolerance(config: BackendConfig, units: str) -> str:
    if config.tolerance is not None:
        return f"{config.tolerance:.4g} {units}"
    return "1 % of the largest imposed value" if config.steady else "0.1 % of the largest value around"


def _coefficient(given: Any) -> str:
    if isinstance(given, PerAxis):
        return f"{_coefficient(given.x)} along x, {_coefficient(given.y)} along y"
    if isinstance(given, np.ndarray) and given.ndim:
        return f"{given.min():.4g} to {given.max():.4g}, a map,"
    return f"{float(given):.4g}"


def sides_of(boundary: Any) -> str:
    """What holds at the sides, in words."""
    each = {side: _side(one) for side, one in zip(SIDES, Boundary.parse(boundary).sides, strict=True)}
    alike = set(each.values())
    return f"all {alike.pop()}" if len(alike) == 1 else ", ".join(f"{side} {kind}" for side, kind in each.items())


def _side(side: Side) -> str:
    match side.kind:
        case "value":
            return f"held at {side.value:.4g}"
        case "flux":
            return f"flux of {side.rate:.4g}"
        case "exchange":
            return f"exchange at {side.rate:.4g} µm/min with {side.value:.4g}"
        case kind:
            return kind


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed as a package"
