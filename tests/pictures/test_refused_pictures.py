"""Pictures that are too large or damaged are refused before they are decoded, in one sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from surrogate_plugin import InvalidProblemError
from surrogate_plugin.files import Choice, read_source
from tests.pictures.drawn import refused, save, tree


def test_a_picture_larger_than_a_solve_can_be_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    import struct
    import zlib

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    path = tmp_path / "bomb.png"
    for side in (13_000, 60_000):  # beyond what Pillow warns of, and what it refuses
        header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
        sentence = refused(path)
        assert "bomb.png" in sentence
    assert "pixels" in sentence


def test_what_does_not_fit_into_memory_is_said_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from surrogate_plugin import memory

    path = save(tmp_path / "mask.png", tree())
    monkeypatch.setattr(memory, "available_bytes", lambda: 1_000_000)
    assert "of memory are free" in refused(path)
    monkeypatch.setattr(memory, "available_bytes", lambda: None)
    assert read_source(path).fixed.any()


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is told in /proc")
def test_a_limit_on_this_process_counts_too(tmp_path: Path) -> None:
    path = save(tmp_path / "large.png", tree().resize((3000, 3000)))  # 1.8 GB in a solve
    code = f"""
import resource
from pathlib import Path
from PIL import Image
from surrogate_plugin.files import read_source
taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 10**9,) * 2)
try:
    read_source(Path({str(path)!r}))
except ValueError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "takes about 1.8 GB" in done.stdout


@pytest.mark.parametrize("suffix", ["png", "jpg", "tiff", "gif", "bmp", "webp"])
def test_a_damaged_picture_is_read_or_refused_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    whole = save(tmp_path / f"whole.{suffix}", tree(size=48)).read_bytes()
    path = tmp_path / f"damaged.{suffix}"
    rng, outcomes = np.random.default_rng(0), set()
    for _ in range(60):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), size=rng.integers(1, 8)):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged[: rng.integers(1, len(whole) + 1)] if rng.random() < 0.5 else damaged)
        try:
            read = read_source(path, Choice(threshold=0.5))
        except InvalidProblemError as error:
            outcomes.add("refused" if path.name in str(error) else "refused without its name")
        else:
            outcomes.add("read")
            assert read.values.ndim == 2
            assert set(np.unique(read.values)) <= {0.0, 1.0}
    assert "refused" in outcomes
    assert "refused without its name" not in outcomes
