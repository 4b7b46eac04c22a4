"""Settings files of small runs, and what they are read as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from surrogate_plugin.running.going import Going
from surrogate_plugin.settings.keys import RUN
from surrogate_plugin.settings.reading import load_settings

DOMAIN = "[domain]\nshape = [12, 16]\nspacing_um = 10.0\norigin_um = [-20.0, 5.0]\n"
OXYGEN = "[substrates.oxygen]\ndiffusivity_um2_per_min = 1e4\ndecay_per_min = 2.0\n"
VESSEL = "[[vessels]]\nposition_um = [45.0, 60.0]\nradius_um = 14.0\nvalue = 38.0\n"
DRUG = (
    "[substrates.drug]\ndiffusivity_um2_per_min = 600.0\ndecay_per_min = 0.05\nstepping = 'implicit-euler'\n"
    "tolerance = 1e-6\ninitial = 2.0\n"
)
DOSE = "[[vessels]]\nsubstrate = 'drug'\nposition_um = [45.0, 60.0]\nradius_um = 14.0\nvalue = 5.0\n"
TIME = "[time]\nduration_min = 5.0\ndt_min = 0.5\n"


def written(folder: Path, *parts: str) -> Path:
    """A settings file of these parts; what stands above all tables comes first."""
    path = folder / "surrogate.toml"
    path.write_text("".join(parts), encoding="utf-8")
    return path


def going(folder: Path, *parts: str, fresh: bool = False) -> Going:
    """A run of them, as the command makes it."""
    return Going(load_settings(written(folder, *parts), RUN), fresh=fresh)


def mask(path: Path, held: np.ndarray) -> Path:
    """A picture that is white where (H, W) pixels are held, row 0 at its foot."""
    Image.fromarray((255 * held[::-1]).astype(np.uint8)).save(path)
    return path
