"""Which 16-bit numbers a machine multiplies."""

import pytest

from pipeline.encoders.precision import half_of

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    ("is_gpu", "is_new", "told", "half"),
    [
        (False, False, {"avx512_bf16": True}, "bfloat16"),
        (False, False, {"amx_bf16": True}, "bfloat16"),
        (False, False, {"avx512_bf16": False, "avx2": True}, None),
        (False, False, {}, None),
        (True, True, {}, "bfloat16"),
        (True, False, {"avx512_bf16": True}, "float16"),
    ],
)
def test_a_machine_multiplies_what_it_can(monkeypatch, is_gpu, is_new, told, half):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: is_gpu)
    # Every GPU emulates it; what counts is whether it does so without.
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation or is_new
    )
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    assert half_of("auto") == half
    assert half_of("float32") is None


def test_an_older_torch_that_does_not_tell_means_32_bits(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert half_of("auto") is None
