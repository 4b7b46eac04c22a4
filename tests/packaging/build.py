"""``python -m tests.packaging.build OUT``: the sdist of this tree, and the wheel from that sdist.

The same revision gives the same bytes on any day and machine: times of files, owners and their order in the sdist are
set here, since setuptools sets them in wheels alone.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: The earliest time that a zip file can hold; it stands where no revision gives a time.
_EPOCH = 315532800


def epoch() -> int:
    """SOURCE_DATE_EPOCH, else the time of the revision that is checked out, in seconds."""
    told = os.environ.get("SOURCE_DATE_EPOCH")
    if told:
        return int(told)
    git = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True)
    return int(git.stdout) if git.returncode == 0 and git.stdout.strip() else _EPOCH


def make_sdist(tree: Path, out: Path, seconds: int) -> Path:
    """The sdist of a tree; its bytes depend on what the files hold and on ``seconds`` alone."""
    sdist = _built("--sdist", tree, out, seconds)
    _repack(sdist, seconds)
    return sdist


def make_wheel(tree: Path, out: Path, seconds: int) -> Path:
    """The wheel of a tree, or of an sdist."""
    if tree.is_dir():
        return _built("--wheel", tree, out, seconds)
    with tempfile.TemporaryDirectory() as folder, tarfile.open(tree) as archive:
        if hasattr(tarfile, "data_filter"):  # from Python 3.11.4 on
            archive.extraction_filter = staticmethod(tarfile.data_filter)
        archive.extractall(folder)
        (unpacked,) = Path(folder).iterdir()
        return _built("--wheel", unpacked, out, seconds)


def _built(kind: str, tree: Path, out: Path, seconds: int) -> Path:
    before = set(out.glob("*"))
    command = [sys.executable, "-m", "build", "--no-isolation", kind, "--outdir", str(out), str(tree)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(seconds)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    (made,) = set(out.glob("*")) - before
    return made


def _repack(sdist: Path, seconds: int) -> None:
    with tarfile.open(sdist) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, contents in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(contents), seconds, 0o644
            archive.addfile(member, io.BytesIO(contents))
    sdist.write_bytes(gzip.compress(plain.getvalue(), mtime=seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT", help="an empty folder, or one to be made")
    out = parser.parse_args().out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    sdist = make_sdist(ROOT, out, epoch())
    print(sdist)
    print(make_wheel(sdist, out, epoch()))


if __name__ == "__main__":
    main()
