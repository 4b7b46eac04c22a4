"""Pictures of fields with cells and vessels, and series for ParaView; matplotlib and pyvista load when first used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from surrogate_plugin.equation.problem import BoolArray, FloatArray, Problem
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.tissue.domain import Domain
from surrogate_plugin.tissue.state import Cells
from surrogate_plugin.whole_files import replacing, write_text

if TYPE_CHECKING:
    import pyvista
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

__all__ = [
    "Series",
    "draw_cells",
    "draw_field",
    "draw_fixed",
    "draw_scale",
    "figure",
    "image_data",
    "point_data",
    "relief",
    "save_scene",
]

#: What says how large pixels are: a domain, a problem, or its spacing, one or along y and x.
Lattice: TypeAlias = Domain | Problem | float | Sequence[float]

#: Ink and paper of the pictures.
PAPER, INK, FIXED = "#0b0d12", "#e8e6e3", "#ff3b4e"


def figure(width: float, height: float, columns: Sequence[float], rows: int = 1) -> tuple[Figure, list[Axes]]:
    """A dark figure of ``width x height`` inches with axes side by side, ``columns`` giving their relative widths.

    Several ``rows`` of axes come one after another in the list. Drawn without a display; save it with ``.savefig``.

    Examples
    --------
    >>> len(figure(8.0, 6.0, [2.0, 1.0], rows=3)[1])
    6
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(made)
    axes = made.subplots(rows, len(columns), width_ratios=list(columns), squeeze=False).ravel()
    for each in axes:
        each.set_facecolor(PAPER)
        each.tick_params(which="both", colors=INK, labelsize=8)
        each.title.set_color(INK)
        each.xaxis.label.set_color(INK)
        each.yaxis.label.set_color(INK)
        for spine in each.spines.values():
            spine.set_color(INK)
            spine.set_alpha(0.35)
    return made, list(axes)


def draw_field(
    axes: Axes, domain: Lattice, field: FloatArray, *, colours: str = "magma", label: str = "", **options: Any
) -> AxesImage:
    """Paint a field, (H, W), with a colour bar; ``options`` go to matplotlib's ``imshow``.

    Axes are in the micrometres of a `Domain`, or in the lengths of a `Problem` or of a spacing, h or (dy, dx), whose
    lower left corner is 0.

    Examples
    --------
    >>> problem = Problem(np.eye(8, 16), spacing=10.0)
    >>> made, (axes,) = figure(6.0, 3.0, [1.0])
    >>> [float(end) for end in draw_field(axes, problem, problem.source, label="oxygen (mmHg)").get_extent()]
    [0.0, 160.0, 0.0, 80.0]
    """
    options = {"interpolation": "bilinear", **options}
    image = axes.imshow(field, origin="lower", extent=_extent(domain, field.shape), cmap=colours, **options)
    bar = axes.get_figure().colorbar(image, ax=axes, shrink=0.8, pad=0.015, aspect=30)  # type: ignore[union-attr]
    bar.set_label(label, color=INK)
    bar.ax.tick_params(colors=INK, labelsize=8)
    bar.outline.set_visible(False)
    axes.set(xticks=[], yticks=[])
    return image


def draw_cells(axes: Axes, cells: Cells, colour: Any, *, alpha: float = 1.0, edge: str = "none") -> None:
    """Paint cells as discs of their size; ``colour`` is one for all, or (n,) or (n, 4)."""
    from matplotlib.collections import EllipseCollection

    across = 2.0 * cells.radius_um
    options: dict[str, Any] = {"facecolors": colour, "edgecolors": edge, "linewidths": 0.4, "alpha": alpha}
    place: dict[str, Any] = {"units": "xy", "offsets": _positions(cells), "offset_transform": axes.transData}
    axes.add_collection(EllipseCollection(across, across, np.zeros(len(cells)), **place, **options))


def draw_fixed(axes: Axes, domain: Lattice, fixed: BoolArray, colour: str = FIXED) -> None:
    """Paint the pixels that hold a value, (H, W) bool, such as vessels; the lattice is as `draw_field` takes it."""
    from matplotlib.colors import to_rgba

    layer = np.zeros((*fixed.shape, 4))
    layer[fixed] = to_rgba(colour)
    axes.imshow(layer, origin="lower", extent=_extent(domain, fixed.shape), interpolation="nearest")


def _extent(lattice: Lattice, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """Left, right, bottom and top."""
    if isinstance(lattice, Domain):
        (x0, y0), (width, height) = lattice.origin_um, lattice.size_um
        return x0, x0 + width, y0, y0 + height
    dy, dx = np.broadcast_to(lattice.spacings if isinstance(lattice, Problem) else lattice, 2).tolist()
    return 0.0, shape[1] * dx, 0.0, shape[0] * dy


def draw_scale(axes: Axes, length_um: float) -> None:
    """A scale bar in the lower left corner of what is shown."""
    from matplotlib.patheffects import withStroke

    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    x, y = left + 0.04 * (right - left), bottom + 0.045 * (top - bottom)
    outline = [withStroke(linewidth=2.5, foreground=PAPER)]
    axes.plot(
        [x, x + length_um],
        [y, y],
        color=INK,
        linewidth=3,
        solid_capstyle="butt",
        path_effects=[withStroke(linewidth=5, foreground=PAPER)],
    )
    name = f"{length_um / 1000:g} mm" if length_um >= 1000 else f"{length_um:g} µm"
    place = (x + length_um / 2, y + 0.012 * (top - bottom))
    axes.text(*place, name, color=INK, ha="center", va="bottom", fontsize=9, path_effects=outline)


def image_data(domain: Domain, **fields: npt.NDArray[Any]) -> pyvista.ImageData:
    """Fields, (H, W) each, as points at the pixel centres, in micrometres.

    Examples
    --------
    >>> domain = Domain((0.0, 0.0), (320.0, 160.0), (8, 16))
    >>> image_data(domain, oxygen=np.ones((8, 16))).dimensions
    (16, 8, 1)
    """
    import pyvista

    rows, columns = domain.shape
    dy, dx = domain.spacings_um
    scene = pyvista.ImageData(
        dimensions=(columns, rows, 1),
        spacing=(dx, dy, 1.0),
        origin=(domain.origin_um[0] + dx / 2, domain.origin_um[1] + dy / 2, 0.0),
    )
    for name, field in fields.items():
        if field.shape != domain.shape:
            raise InvalidProblemError(
                f"{name} has shape {field.shape}; that of the domain, {domain.shape}, is allowed."
            )
        # Compressed single precision: six digits are more than a picture shows.
        scene.point_data[name] = np.ascontiguousarray(field, dtype=np.float32).ravel()
    return scene


def point_data(cells: Cells, **values: npt.NDArray[Any]) -> pyvista.PolyData:
    """Cells as points that carry their radius and further values, (n,) each; glyphs make them spheres again."""
    import pyvista

    points = np.column_stack([_positions(cells), np.zeros(len(cells))])
    # A cloud of no points needs no cells of its own, and pyvista refuses to make them.
    made = pyvista.PolyData(points) if len(cells) else pyvista.PolyData()
    for name, value in {"radius_um": cells.radius_um, **values}.items():
        if len(cells):
            made.point_data[name] = np.asarray(value)
    return made


def _positions(cells: Cells) -> FloatArray:
    if cells.voxel is not None:
        raise InvalidProblemError("cells that live in voxels have no position_um to be drawn at; give them one.")
    return cells.position_um


class Series:
    """A folder of files over time with a ``.pvd`` that ParaView opens as one film; complete after every frame.

    Parameters
    ----------
    folder : Path
    name : str
        ``name.pvd`` lists ``name_0000.vti`` (fields) and ``name_cells_0000.vtp`` and so on.

    Examples
    --------
    >>> import tempfile
    >>> domain = Domain((0.0, 0.0), (160.0, 160.0), (8, 8))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     film = Series(Path(folder), "oxygen")
    ...     film.add(0.0, domain, {"oxygen": np.ones((8, 8))})
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['oxygen.pvd', 'oxygen_0000.vti']
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self._frames: list[tuple[float, int, str]] = []
        self._count = 0
        folder.mkdir(parents=True, exist_ok=True)

    def add(
        self,
        time_min: float,
        domain: Domain,
        fields: Mapping[str, npt.NDArray[Any]],
        cells: Cells | None = None,
        values: Mapping[str, npt.NDArray[Any]] | None = None,
        told: Mapping[str, str | float] | None = None,
    ) -> None:
        """Write one frame: fields, (H, W) each, and the cells with their values, (n,) each, if given.

        What is ``told`` about the fields, such as ``error_bound`` and ``units``, becomes field data beside them.

        Raises
        ------
        OSError
            One sentence, if the disk is full; the frames before are there.
        """
        written = [f"{self.name}_{self._count:04d}.vti"]
        scene = image_data(domain, **fields)
        for name, value in (told or {}).items():
            scene.field_data[name] = [value]
        save_scene(scene, self.folder / written[0])
        if cells is not None:
            written.append(f"{self.name}_cells_{self._count:04d}.vtp")
            save_scene(point_data(cells, **(values or {})), self.folder / written[1])
        self._frames += [(time_min, part, file) for part, file in enumerate(written)]
        self._count += 1
        self._list()

    @property
    def written(self) -> list[Path]:
        """The files that the .pvd lists."""
        return [self.folder / file for _, _, file in self._frames]

    def _list(self) -> None:
        rows = [f'    <DataSet timestep="{time:g}" part="{part}" file="{file}"/>' for time, part, file in self._frames]
        lines = ['<?xml version="1.0"?>', '<VTKFile type="Collection" version="0.1">', "  <Collection>", *rows]
        text = "\n".join([*lines, "  </Collection>", "</VTKFile>", ""])
        write_text(self.folder / f"{self.name}.pvd", text)  # the film up to the last frame survives whatever stops this


def save_scene(scene: Any, path: Path) -> None:
    """Write a scene whole or not at all; VTK itself returns as if nothing were wrong where a disk is full."""
    import pyvista

    with replacing(path) as partial:
        with pyvista.vtk_verbosity("off"), pyvista.VtkErrorCatcher(send_to_logging=False):
            scene.save(partial)
        if not partial.read_bytes()[-64:].rstrip().endswith(b"</VTKFile>"):
            raise OSError("it was cut short; make room on the disk")


def relief(
    domain: Domain,
    field: FloatArray,
    *,
    height_um: float,
    colours: str = "magma",
    limits: tuple[float, float] | None = None,
) -> Any:
    """The field as a landscape ``height_um`` high: a pyvista plotter, to ``.screenshot(path)`` or ``.show()``.

    Drawn off-screen where there is no display. The ends of the colours stand for ``limits``, and the upper one for the
    height; by default they are the field's own.
    """
    import pyvista

    scene = image_data(domain, field=field)
    peak = float(field.max()) if limits is None else limits[1]
    surface = scene.warp_by_scalar("field", factor=height_um / peak if peak > 0 else 0.0)
    plotter: Any = pyvista.Plotter(off_screen=True, window_size=[1600, 1000])
    plotter.set_background(PAPER)
    shown: dict[str, Any] = {"cmap": colours, "clim": limits, "show_scalar_bar": False}
    plotter.add_mesh(surface, scalars="field", smooth_shading=True, specular=0.3, **shown)
    plotter.view_isometric()
    plotter.camera.zoom(1.4)
    return plotter
