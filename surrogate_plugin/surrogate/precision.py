"""What the dense layers of a network compute in, by the device that they are on."""

from __future__ import annotations

import torch

#: On a device that is not named here it is float32. `python -m benchmarks.precision` measures what the default model
#: loses by it, which is as good as nothing, see docs/default-model.md; float16 loses less still, but ends at 65504.
#: Sums, solves and sweeps are float32 on all devices.
PRECISION: dict[str, torch.dtype] = {"cuda": torch.bfloat16}


def dense_layers(kind: str, device: torch.device | str, precision: torch.dtype | None = None) -> torch.autocast:
    """A context in which the dense layers of a network compute in ``precision``, or in the device's own.

    Parameters
    ----------
    kind : str
        Of the network, see `surrogate_plugin.surrogate.networks.NETWORKS`; only the compact one has been measured, and
        any other computes in float32 if nothing else is asked for.
    device : torch.device or str
    precision : torch.dtype, optional

    Examples
    --------
    >>> with dense_layers("compact", "cpu", torch.bfloat16):
    ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    torch.bfloat16
    """
    of = torch.device(device).type
    chosen = precision or (PRECISION.get(of, torch.float32) if kind == "compact" else torch.float32)
    reduced = chosen != torch.float32
    return torch.autocast(of, chosen if reduced else None, enabled=reduced)
