"""Triton kernels run under its interpreter where there is no GPU, patched once a launch instead of once a call."""

from __future__ import annotations

import dataclasses
import os

import pytest
import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # read where a kernel is decorated


@pytest.fixture
def interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels on CPU tensors where there is no GPU; half of its time would go into patching what is patched already."""
    pytest.importorskip("triton", reason="Triton is made for Linux alone")
    if torch.cuda.is_available():
        return
    from triton.runtime import interpreter

    patch, run = interpreter._patch_lang, interpreter.GridExecutor.__call__
    done: set[frozenset[str]] = set()

    def patch_once(fn):
        modules = frozenset(
            name for name, value in fn.__globals__.items() if value in (interpreter.tl, interpreter.tl.core)
        )
        if modules in done:
            return interpreter._LangPatchScope() if hasattr(interpreter, "_LangPatchScope") else None
        done.add(modules)
        return patch(fn)

    def run_anew(self, *args, **kwargs):
        done.clear()
        return run(self, *args, **kwargs)

    builder = interpreter.interpreter_builder
    monkeypatch.setattr(builder, "options", dataclasses.replace(builder.options, sanitize_overflow=False))
    monkeypatch.setattr(interpreter, "_patch_lang", patch_once)
    monkeypatch.setattr(interpreter.GridExecutor, "__call__", run_anew)
