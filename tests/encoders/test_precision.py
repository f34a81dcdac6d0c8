"""Which 16-bit numbers a machine multiplies."""

import pytest

from pipeline.encoders.precision import half_of

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    ("gpu", "told", "half"),
    [
        (None, {"avx512_bf16": True}, "bfloat16"),
        (None, {"amx_bf16": True}, "bfloat16"),
        (None, {"avx512_bf16": False, "avx2": True}, None),
        (None, {}, None),
        ("new", {}, "bfloat16"),
        ("old", {"avx512_bf16": True}, "float16"),
    ],
)
def test_a_machine_multiplies_what_it_can(monkeypatch, gpu, told, half):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu is not None)
    monkeypatch.setattr(
        torch.cuda,
        "is_bf16_supported",
        lambda including_emulation: including_emulation or gpu == "new",
    )  # what is emulated is not asked for
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    assert half_of("auto") == half
    assert half_of("float32") is None


def test_an_older_torch_that_does_not_tell_means_32_bits(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert half_of("auto") is None
