"""Kernels called from kernels by the address of their machine code.

A kernel that calls another takes all of its code over and has it optimised anew, with all that it calls in turn: a
driver of fifteen kernels would take a minute to compile, to run what has been compiled before. Called by its address a
kernel is the one that python calls, to the bit, and its driver compiles in seconds.

    residual = by_address(kernels.residual)           # in a file of kernels
    largest = residual(address, (team, c, ...))       # in a kernel; an int64 says where it is
    address = address_of(kernels.residual, types)     # in python, where a signature of the same types is compiled

A wrong address crashes the process. So whoever calls says which types there are in one place, and hands that to both:
``by_address`` refuses to compile a call with other types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

Types = tuple[Any, ...]


def address_of(kernel: Any, signature: Types) -> int:
    """Where the machine code of a kernel for arguments of such numba types is; it is compiled if it is not yet."""
    compiled = _compiled(kernel, signature)
    address: int = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    return address


def _compiled(kernel: Any, signature: Types) -> Any:
    kernel.compile(signature)  # nothing, where it has been before
    return kernel.overloads[signature]


def by_address(kernel: Any, signatures: Callable[[], Sequence[Types]]) -> Any:
    """What calls a kernel from other kernels, ``(address, arguments)``; for arguments of these numba types only."""

    @intrinsic
    def call(typingctx, address, arguments):
        given = tuple(arguments.types)
        if given not in [tuple(each) for each in signatures()]:
            raise TypingError(f"{kernel.__name__} is called by address with {given}, which nobody has declared.")
        returned = _compiled(kernel, given).signature.return_type

        def generate(context, builder, signature, values):
            code = context.call_conv.get_function_type(returned, given)
            pointer = builder.inttoptr(values[0], code.as_pointer())
            unpacked = cgutils.unpack_tuple(builder, values[1], len(given))
            status, result = context.call_conv.call_function(builder, pointer, returned, given, unpacked)
            with cgutils.if_unlikely(builder, status.is_error):
                context.call_conv.return_status_propagate(builder, status)
            return result

        return returned(types.int64, arguments), generate

    return call
