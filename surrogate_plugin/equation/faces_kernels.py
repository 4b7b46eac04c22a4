"""The compiled pass from pixels to the faces between them."""
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

from surrogate_plugin import jit


@jit.exact
def fill_between(links, permeance, faces):
    """The faces between neighbours along the middle axis: harmonic means, in series with what is on them.

    ``links`` (b, n, a) float64; ``permeance`` (b, n - 1 or n, a), or None without membranes; ``faces`` (b, n + 1, a),
    whose first and last are left as they are. The arithmetic is that of `per_axis.harmonic_mean` and `in_series`.
    """
    for b in range(links.shape[0]):
        for i in range(links.shape[1] - 1):
            for j in range(links.shape[2]):
                one, other = links[b, i, j], links[b, i + 1, j]
                total = one + other
                face = 2 * one * other / total if total > 0 else 0.0
                if permeance is not None:
                    face = face / (1.0 + face / permeance[b, i, j]) if face > 0 else 0.0
                faces[b, i + 1, j] = face
