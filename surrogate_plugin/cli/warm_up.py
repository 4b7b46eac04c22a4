"""``surrogate-plugin warm-up``, and ``python -m surrogate_plugin.cli.warm_up``: no first solve waits for kernels."""

from __future__ import annotations

import time

from surrogate_plugin.cli import options
from surrogate_plugin.cli.console import plain_errors, print_json, progress, stdout, stopped_at_once


def warm_up(json: options.Json = False, quiet: options.Quiet = False) -> None:
    """Compile the kernels, so that nobody's first solve waits for it.

    What was compiled is kept in the user's cache folder, or in that of SURROGATE_PLUGIN_CACHE, so only the first run on
    a machine, or after a change, takes long: half a minute. A container image, or a cluster's nodes, may have it done
    beforehand. One that was stopped goes on with what is missing.

    Examples
    --------
    surrogate-plugin warm-up

    JSON
    ----
    folder : where compiled kernels are kept
    seconds : that it took
    """
    from surrogate_plugin.cli.warming import ROUTES
    from surrogate_plugin.folders import cache_folder

    began = time.perf_counter()
    farewell = "Stopped; the same command goes on with what is missing."
    with plain_errors(), stopped_at_once(farewell), progress("compiling the kernels", len(ROUTES), quiet=quiet) as bar:
        for route in ROUTES:
            route()
            bar.advance()
    seconds = time.perf_counter() - began
    if quiet:
        return
    if json:
        print_json({"folder": str(cache_folder()), "seconds": seconds})
    else:
        said = f"All kernels are compiled, in {cache_folder()}; it took {seconds:.1f} s."
        stdout().print(said, markup=False, soft_wrap=True)


if __name__ == "__main__":
    warm_up()
