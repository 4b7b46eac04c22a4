"""Draw the pictures of docs/gallery anew, all or those named: ``python docs/draw_gallery.py [NAME ...]``.

Each example draws its own, ``python examples/NAME.py -o PICTURE``; here they become at most 1200 pixels wide, with a
palette of 256 colours, which nobody sees and which halves the files. What the examples print is shown, for the figures
on their pages.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
GALLERY = ROOT / "docs" / "gallery"


def drawing() -> list[Path]:
    """The examples that draw a picture."""
    return [path for path in sorted((ROOT / "examples").glob("*.py")) if '"--output"' in path.read_text("utf-8")]


def draw(example: Path) -> None:
    """Run an example in a folder that is thrown away, but for its picture."""
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "picture.png"
        subprocess.run([sys.executable, str(example), "-o", str(drawn)], cwd=folder, check=True)
        small = Image.open(drawn).convert("RGB")
        small.thumbnail((1200, 2400), Image.Resampling.LANCZOS)
        colours = small.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=3)
        few = small.quantize(palette=colours)  # with a palette it is dithered, so that no bands are seen
        few.save(GALLERY / f"{example.stem.replace('_', '-')}.png", optimize=True)


def main(names: list[str]) -> None:
    known = {path.stem: path for path in drawing()}
    for name in names or known:
        stem = Path(name).stem.replace("-", "_")
        if stem not in known:
            sys.exit(f"no example that draws is called {name!r}; there are {', '.join(known)}.")
        print(f"--- {stem}", flush=True)
        draw(known[stem])


if __name__ == "__main__":
    main(sys.argv[1:])
