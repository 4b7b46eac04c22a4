"""Compiled halves of a fast sine transform around a real FFT of the same length.

scipy's DST-I runs a real FFT of twice the length. With ``N = n + 1``, ``f_0 = 0`` and ``F_k`` the sine sums
``sum_j f_j sin(pi j k / N)``, the auxiliary ``y_j = sin(pi j / N) (f_j + f_(N-j)) + (f_j - f_(N-j)) / 2`` has the
spectrum ``R_k - i I_k`` with ``I_k = F_2k`` and ``R_k = F_(2k+1) - F_(2k-1)`` (Press et al., *Numerical Recipes*,
section 12.4).
"""

from __future__ import annotations

from surrogate_plugin import jit


@jit.fast
def fold(rows, sines, half, out):
    """``out_j = y_j``; ``sines`` is ``sin(pi j / N)`` times the transform's norm, ``half`` is 1/2 times it."""
    count, n = rows.shape
    for i in range(count):
        row, folded = rows[i], out[i]
        folded[0] = 0.0
        for j in range(n):
            here, there = row[j], row[n - 1 - j]
            folded[j + 1] = sines[j] * (here + there) + half * (here - there)


@jit.exact_inner
def _unfold_four(spectrum, out, i):
    # Four running sums at once hide the latency of one.
    n = out.shape[1]
    a, b, c, d = spectrum[i], spectrum[i + 1], spectrum[i + 2], spectrum[i + 3]
    odd_a, odd_b, odd_c, odd_d = a[0].real / 2, b[0].real / 2, c[0].real / 2, d[0].real / 2
    out[i, 0], out[i + 1, 0], out[i + 2, 0], out[i + 3, 0] = odd_a, odd_b, odd_c, odd_d
    for k in range(1, (n + 1) // 2):
        odd_a += a[k].real
        odd_b += b[k].real
        odd_c += c[k].real
        odd_d += d[k].real
        out[i, 2 * k - 1], out[i, 2 * k] = -a[k].imag, odd_a
        out[i + 1, 2 * k - 1], out[i + 1, 2 * k] = -b[k].imag, odd_b
        out[i + 2, 2 * k - 1], out[i + 2, 2 * k] = -c[k].imag, odd_c
        out[i + 3, 2 * k - 1], out[i + 3, 2 * k] = -d[k].imag, odd_d


@jit.exact
def unfold(spectrum, out):
    """``F_1 .. F_n`` of every row from the spectrum of its ``y``."""
    count, n = out.shape
    for i in range(0, count - 3, 4):
        _unfold_four(spectrum, out, i)
    for i in range(count - count % 4, count):
        odd = spectrum[i, 0].real / 2
        out[i, 0] = odd
        for k in range(1, (n + 1) // 2):
            odd += spectrum[i, k].real
            out[i, 2 * k - 1], out[i, 2 * k] = -spectrum[i, k].imag, odd
    if n % 2 == 0:
        for i in range(count):
            out[i, n - 1] = -spectrum[i, n // 2].imag
