"""How many bits the products in a network have: 16 where the processor multiplies such numbers.

The weights stay in 32 bits, and so do sums, losses and what the optimizer keeps.
"""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "float32"]
Half = Literal["bfloat16", "float16"]


def half_of(precision: Precision) -> Half | None:
    """Return the 16-bit type to multiply in on this machine; None stands for 32 bits throughout."""
    if precision == "float32":
        return None
    try:
        import torch
    except ModuleNotFoundError:  # who runs the network says what to install
        return None
    if torch.cuda.is_available():
        is_native = torch.cuda.is_bf16_supported(including_emulation=False)
        return "bfloat16" if is_native else "float16"
    # torch emulates the type on other processors, and is slower there than with 32 bits.
    told: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return "bfloat16" if told.get("avx512_bf16") or told.get("amx_bf16") else None


def autocast(half: Half | None) -> "torch.autocast | nullcontext[None]":
    """Return a context in which networks compute with `half`."""
    if half is None:
        return nullcontext()
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.autocast(device, dtype=getattr(torch, half))
