"""The smoke tests that are run without a host can be collected without one, and without what only extras bring."""

from __future__ import annotations

import subprocess
import sys

from tests.packaging.build import ROOT
from tests.packaging.smoke import WITH_A_HOST, WITHOUT_A_HOST

#: What a clean environment lacks.
LACKING = (
    "bigraph_schema", "build", "cma", "imageio_ffmpeg", "jsonschema", "mesa", "process_bigraph", "pyamg", "pyphysicell",
    "simulariumio", "sphinx", "tensorboard", "vivarium", "vivarium_multibody",
)  # fmt: skip


def test_what_is_run_without_a_host_imports_none() -> None:
    hidden = f"import sys; sys.modules.update(dict.fromkeys({LACKING!r}))\n"
    program = f"{hidden}import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "--collect-only", "-q", "-n0", "-p", "no:cacheprovider", *WITHOUT_A_HOST]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


def test_every_smoke_test_is_there() -> None:
    files = [each for each in (*WITHOUT_A_HOST, *WITH_A_HOST) if not each.startswith("--")]
    assert [file for file in files if not (ROOT / file).is_file()] == []
