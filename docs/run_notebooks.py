"""Run the notebooks of docs/gallery and keep what they show: ``python docs/run_notebooks.py [NAME ...]``.

They run in a folder that is thrown away. What a run leaves beside its results (times, counters, what was told on
stderr) is taken out, and pictures get a palette, so that a notebook changes only where what it says does. The first
picture of each becomes that of its card.
"""

from __future__ import annotations

import argparse
import base64
import io
import tempfile
from pathlib import Path

import nbformat
from jupyter_client import AsyncKernelManager
from nbclient import NotebookClient
from PIL import Image

GALLERY = Path(__file__).parent / "gallery"


def run(path: Path, folder: str) -> nbformat.NotebookNode:
    """A notebook, run in a folder; raises where one of its cells does."""
    notebook = nbformat.read(path, as_version=4)
    kernel = AsyncKernelManager(transport="ipc", ip=str(Path(folder) / "kernel"))  # opens no port
    where = {"metadata": {"path": folder}}
    NotebookClient(notebook, km=kernel, timeout=300, resources=where, coalesce_streams=True).execute()
    return stripped(notebook)


def stripped(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without what differs from run to run."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = None
                if "image/png" in output.get("data", {}):
                    output.data = {"image/png": smaller(output.data["image/png"])}
                    output.metadata = {}
    return notebook


def smaller(encoded: str) -> str:
    """A picture with a palette of 256 colours."""
    picture = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")
    stream = io.BytesIO()
    few = picture.quantize(palette=picture.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=3))
    few.save(stream, "PNG", optimize=True)
    return base64.b64encode(stream.getvalue()).decode("ascii")


def pictures(notebook: nbformat.NotebookNode) -> list[str]:
    """The pictures that a notebook shows, PNG in base64."""
    shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    return [data["image/png"] for data in shown if "image/png" in data]


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the notebooks of docs/gallery and keep what they show.")
    parser.add_argument("names", nargs="*", help="those to run (default: all)")
    parser.add_argument("--into", type=Path, default=GALLERY, help="where to write (default: where they are)")
    chosen = parser.parse_args()
    wanted = {Path(name).stem for name in chosen.names}
    for path in sorted(GALLERY.glob("*.ipynb")):
        if wanted and path.stem not in wanted:
            continue
        print(path.name, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            notebook = run(path, folder)
        written = chosen.into / path.name
        nbformat.write(notebook, written)
        written.with_suffix(".png").write_bytes(base64.b64decode(pictures(notebook)[0]))


if __name__ == "__main__":
    main()
