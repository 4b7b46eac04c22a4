"""Pictures as part of a page: vectors in its own ink, or a PNG written out in it."""

from __future__ import annotations

import base64
import io
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PNG = b"\x89PNG\r\n\x1a\n"
#: Pixels per inch of a figure that becomes a PNG: sharp at twice the width of a phone.
_DPI = 144


def embedded(picture: Figure | bytes, *, name: str, alt: str) -> str:
    """The markup of a picture.

    Parameters
    ----------
    picture : matplotlib Figure or bytes of a PNG
    name : str
        Where its own identifiers begin, so that those of two pictures differ.
    alt : str
        What is to be seen; escaped already.

    Raises
    ------
    ValueError
        If bytes are no PNG.
    """
    if isinstance(picture, bytes):
        if not picture.startswith(_PNG):
            raise ValueError(f"the picture begins with {picture[:8]!r}; a matplotlib Figure or a PNG is allowed.")
        return _image(picture, alt)
    if any(axes.images for axes in picture.axes):
        return _image(png_of(picture), alt)
    return _vectors(_saved(picture, "svg", transparent=True).decode(), name, alt)


def png_of(figure: Figure) -> bytes:
    """A figure as a PNG of 256 colours, a third of the size of one with all of them."""
    from PIL import Image

    stream = io.BytesIO()
    with Image.open(io.BytesIO(_saved(figure, "png", dpi=_DPI))) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(stream, format="png", optimize=True)
    return stream.getvalue()


def _image(png: bytes, alt: str) -> str:
    return f'<img src="data:image/png;base64,{base64.b64encode(png).decode()}" alt="{alt}">'


def _saved(figure: Figure, kind: str, **options: Any) -> bytes:
    import matplotlib as mpl

    stream = io.BytesIO()
    # Text stays text, which is small and can be searched; identifiers do not change from run to run.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "report"}):
        figure.savefig(stream, format=kind, metadata={"Date": None} if kind == "svg" else None, **options)
    return stream.getvalue()


def _vectors(svg: str, name: str, alt: str) -> str:
    """An SVG as an element of a page, with black as the page's ink and white as its paper."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"(fill|stroke): #000000\b", r"\1: currentColor", svg)
    svg = re.sub(r"(fill|stroke): #ffffff\b", r"\1: var(--tint)", svg)
    head, rest = svg.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    assert box is not None  # matplotlib always writes one
    return f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" {box[0]} role="img" aria-label="{alt}">{rest.strip()}'
