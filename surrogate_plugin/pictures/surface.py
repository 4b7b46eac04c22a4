"""A field as a landscape, by pyvista where it can draw, else by matplotlib."""

from __future__ import annotations

import functools
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.pictures import view
from surrogate_plugin.pictures.scene import Scene

#: As high as this part of the longer side of the tissue.
_HEIGHT = 0.35
_SIZE = (1400, 1000)
#: Points along the longer side that matplotlib is given.
_FACETS = 160
_TRIAL = (
    "import pyvista as v; p = v.Plotter(off_screen=True, window_size=[32, 32]); p.add_mesh(v.Sphere()); p.screenshot()"
)


@functools.cache
def can_render() -> bool:
    """Whether pyvista draws on this machine; tried in a process of its own, since where it cannot it may end one."""
    try:
        tried = subprocess.run([sys.executable, "-c", _TRIAL], capture_output=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0


def surface_pixels(scene: Scene, colours: str, limits: tuple[float, float]) -> npt.NDArray[np.uint8]:
    """The picture, (rows, columns, 3), seen from the lower right corner."""
    return _by_pyvista(scene, colours, limits) if can_render() else _by_matplotlib(scene, colours, limits)


def _by_pyvista(scene: Scene, colours: str, limits: tuple[float, float]) -> npt.NDArray[np.uint8]:
    import pyvista

    with pyvista.vtk_verbosity("off"):
        height = _HEIGHT * max(scene.domain.size_um)
        plotter: Any = view.relief(scene.domain, scene.field, height_um=height, colours=colours, limits=limits)
        plotter.window_size = list(_SIZE)
        plotter.camera.zoom(0.78)  # all of the tissue, its near corner included
        pixels = plotter.screenshot(return_img=True)
        plotter.close()
    return np.asarray(pixels)


def _by_matplotlib(scene: Scene, colours: str, limits: tuple[float, float]) -> npt.NDArray[np.uint8]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(_SIZE[0] / 100, _SIZE[1] / 100), dpi=100, facecolor=view.PAPER)
    canvas: Any = FigureCanvasAgg(made)
    axes: Any = made.add_axes((0.0, 0.0, 1.0, 1.0), projection="3d")
    axes.set_facecolor(view.PAPER)
    axes.set_axis_off()
    every = max(1, max(scene.field.shape) // _FACETS)
    x, y = np.meshgrid(*scene.domain.centres_um())
    low, high = limits
    axes.plot_surface(
        x,
        y,
        scene.field,
        rstride=every,
        cstride=every,
        cmap=colours,
        vmin=low,
        vmax=high,
        linewidth=0,
        antialiased=False,
    )
    (width, height) = scene.domain.size_um
    axes.set_box_aspect((width, height, _HEIGHT * max(width, height)), zoom=1.3)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
