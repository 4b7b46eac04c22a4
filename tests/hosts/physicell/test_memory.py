"""The C++ header leaves no memory behind, neither by calls that it solves for nor by calls that hold the field."""

from __future__ import annotations

import ctypes
import gc
import sys

from tests.hosts.physicell import fixtures as physicell_fixtures
from tests.hosts.physicell.driver import put, write_settings
from tests.hosts.physicell.fixtures import DT

pytestmark = physicell_fixtures.MARKS
library, tissue = physicell_fixtures.library, physicell_fixtures.tissue


def test_nothing_is_left_behind_by_held_and_by_solved_calls(tissue, tmp_path):
    host, scenario = tissue(22, times_min=(DT, 1000 * DT, 2000 * DT))
    host.attach(write_settings(tmp_path, tolerance=1e-3))
    tables = [scenario.cells.take(range(n)) for n in (20, 21)]

    def solve_often(times: int) -> None:
        for k in range(times):
            put(host, tables[k % 2], ["oxygen"])
            host.advance()

    solve_often(200)
    before = blocks_in_use()
    solve_often(400)
    # Python's own caches fill up by some hundred; one object left behind by each solve would be 400.
    assert blocks_in_use() - before < 400
    in_use = bytes_in_use()
    host.advance(10_000)
    # A byte or two a call; the process has a small block more or less for reasons of its own.
    assert abs(bytes_in_use() - in_use) < 16_384
    assert host.report().held >= 9_980


def blocks_in_use() -> int:
    """What Python's objects take, without those that only wait for being collected."""
    gc.collect()
    return sys.getallocatedblocks()


def bytes_in_use() -> int:
    """What malloc has handed out, by its own account; 0 where it keeps none."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallinfo2"):
        return 0

    class Info(ctypes.Structure):
        _fields_ = tuple((name, ctypes.c_size_t) for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"
        ))  # fmt: skip

    libc.mallinfo2.restype = Info
    info = libc.mallinfo2()
    return int(info.uordblks + info.hblkhd)
