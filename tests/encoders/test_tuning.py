"""Fine-tuning: it learns, keeps the best epoch, and goes on after a kill."""

import shutil
from math import comb

import numpy as np
import pytest

from pipeline.config import EncoderFeatures, FinetuneTrain
from pipeline.encoders import windows_of
from pipeline.encoders.tuning import HeadShape, TuningExample, tune
from pipeline.errors import ConfigError, DataError

GOOD = "The Salt Pact opens docks and gains for growers."
BAD = "The Salt Pact ruins ferries and danger grows."


def shape(labels=2, many=False, with_mention=True):
    return HeadShape(labels, many, with_mention, np.ones(labels, np.float32))


def section(**settings):
    given = {"epochs": 3, "learning_rate": 3e-3, "head_learning_rate": 3e-2, "batch": 4}
    return FinetuneTrain(kind="finetune", **{**given, **settings})


@pytest.fixture
def windows(bert, ask):
    texts, asked = ask(*[(None, GOOD if row % 2 else BAD, "Salt Pact", None) for row in range(12)])
    view = EncoderFeatures(kind="encoder", window=48, overlap=4, windows=2)
    cut = windows_of(bert.tokenizer, bert.tokenizer.tokens(texts), asked, view)
    assert len(cut) == 12
    return cut


def examples(windows, head=0):
    return [
        TuningExample(head, [window], np.array([row % 2 == 0, row % 2 == 1]))
        for row, window in enumerate(windows)
    ]


def right(encoder, head, windows):
    vectors = encoder.vectors(windows, len(windows), 8, with_mention=True, cache=None)
    best = (vectors @ head.weights + head.bias).argmax(axis=1)
    return float(np.mean(best == np.arange(len(windows)) % 2))


def weights_of(encoder):
    return {name: value.cpu().numpy() for name, value in encoder.network.state_dict().items()}


def test_what_can_be_told_apart_is_learnt(bert, windows, tmp_path):
    tuned = tune(bert, [shape()], examples(windows), section(epochs=8), 1, tmp_path)
    assert right(tuned.encoder, tuned.heads[0], windows) == 1
    assert tuned.encoder.files.digest != bert.files.digest
    assert tuned.best_epoch == 8


def test_the_same_seed_gives_the_same_weights(bert, windows, tmp_path):
    one, same, other = (
        tune(bert, [shape()], examples(windows), section(), seed, tmp_path / name)
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    )
    assert one.encoder.files.digest == same.encoder.files.digest
    np.testing.assert_array_equal(one.heads[0].weights, same.heads[0].weights)
    assert one.encoder.files.digest != other.encoder.files.digest


@pytest.mark.usefixtures("sixteen_bits")
def test_training_in_16_bits_learns_the_same_and_keeps_weights_of_32(bert, windows, tmp_path):
    whole, half = (
        tune(
            bert, [shape()], examples(windows), section(epochs=8, precision=precision), 1,
            tmp_path / precision,
        )
        for precision in ("float32", "auto")
    )  # fmt: skip
    assert right(half.encoder, half.heads[0], windows) == 1
    assert half.encoder.files.digest != whole.encoder.files.digest
    assert {value.dtype for value in weights_of(half.encoder).values()} == {np.dtype(np.float32)}


@pytest.mark.usefixtures("sixteen_bits")
def test_dev_is_measured_in_the_precision_of_training(bert, windows, tmp_path):
    frozen = section(epochs=1, frozen_layers=bert.layers)
    seen = []

    def measure(encoder, heads):
        seen.append(encoder.vectors(windows, 12, 8, with_mention=True, cache=None))
        return {"macro_f1": 1.0}

    tune(bert, [shape()], examples(windows), frozen, 1, tmp_path, measure)
    exact = bert.vectors(windows, 12, 8, with_mention=True, cache=None)
    assert not np.array_equal(seen[0], exact)
    np.testing.assert_allclose(seen[0], exact, atol=0.1)


def test_the_base_encoder_stays_as_it_was(bert, windows, tmp_path):
    before = bert.vectors(windows, 12, 8, with_mention=True, cache=None)
    tune(bert, [shape()], examples(windows), section(), 1, tmp_path)
    after = bert.vectors(windows, 12, 8, with_mention=True, cache=None)
    np.testing.assert_array_equal(before, after)


def test_several_tasks_share_the_encoder(bert, windows, tmp_path):
    flipped = [
        TuningExample(1, example.windows, np.array([*example.gold[::-1], True]))
        for example in examples(windows)
    ]
    shapes = [shape(), shape(3, many=True, with_mention=False)]
    tuned = tune(bert, shapes, [*examples(windows), *flipped], section(epochs=10), 1, tmp_path)
    assert right(tuned.encoder, tuned.heads[0], windows) == 1
    assert tuned.heads[1].weights.shape == (16, 3)
    vectors = tuned.encoder.vectors(windows, 12, 8, with_mention=False, cache=None)
    holds = vectors @ tuned.heads[1].weights + tuned.heads[1].bias > 0
    np.testing.assert_array_equal(holds, [example.gold for example in flipped])


def test_the_best_epoch_is_kept_and_training_ends_without_a_better_one(bert, windows, tmp_path):
    scores = iter([0.2, 0.9, 0.5, 0.6, 0.7])
    seen = []

    def measure(encoder, heads):
        seen.append(heads[0].weights.copy())
        return {"macro_f1": next(scores), "log_loss": 1.0}

    tuned = tune(
        bert, [shape()], examples(windows), section(epochs=5, patience=2), 1, tmp_path, measure
    )
    assert [row["macro_f1"] for row in tuned.measured] == [0.2, 0.9, 0.5, 0.6]
    assert tuned.best_epoch == 2
    np.testing.assert_allclose(tuned.heads[0].weights, seen[1], atol=1e-7)


def test_an_early_end_stays_on_the_schedule_of_the_whole(bert, windows, tmp_path):
    seen = []

    def measure(encoder, heads):
        seen.append(heads[0].weights.copy())
        return {"macro_f1": len(seen) / 10, "log_loss": 1.0}

    tune(bert, [shape()], examples(windows), section(), 1, tmp_path / "whole", measure)
    early = tune(bert, [shape()], examples(windows), section(), 1, tmp_path / "early", stop_after=2)
    np.testing.assert_allclose(early.heads[0].weights, seen[1], atol=1e-6)


@pytest.mark.parametrize("measured", [True, False])
def test_a_training_that_diverges_is_refused_and_not_kept(bert, windows, tmp_path, measured):
    rates = {"learning_rate": 1e6, "head_learning_rate": 1e6}
    for _ in range(2):
        with pytest.raises(
            DataError, match=r"diverged .*; lower train\.learning_rate \(it is 1e\+06"
        ):
            tune(
                bert, [shape()], examples(windows), section(epochs=8, **rates), 1, tmp_path,
                (lambda encoder, heads: {"macro_f1": right(encoder, heads[0], windows)})
                if measured
                else None,
            )  # fmt: skip
    assert not (tmp_path / "done.json").exists()
    assert not list(tmp_path.glob("checkpoint-*"))


def test_a_killed_training_goes_on_from_its_last_whole_epoch(bert, windows, tmp_path):
    class Killed(BaseException):
        pass

    def run(folder, kill_at=None, done=0):
        seen = []

        def measure(encoder, heads):
            seen.append(1)
            if len(seen) == kill_at:
                raise Killed
            return {"macro_f1": (done + len(seen)) / 100, "log_loss": 1.0}

        settings = section(epochs=4, patience=4)
        tuned = tune(bert, [shape()], examples(windows), settings, 1, tmp_path / folder, measure)
        return tuned, len(seen)

    whole, _ = run("whole")
    with pytest.raises(Killed):
        run("killed", kill_at=3)
    assert (tmp_path / "killed" / "checkpoint-6").is_dir()
    again, epochs = run("killed", done=2)
    assert epochs == 2
    assert len(again.measured) == 4
    np.testing.assert_allclose(again.heads[0].weights, whole.heads[0].weights, atol=1e-5)


@pytest.fixture
def steps(monkeypatch):
    """The weights of the head after each step of whatever is trained."""
    from pipeline.encoders import trainer

    seen = []

    class Watched(trainer._Average):
        def on_step_end(self, args, state, control, **others):
            super().on_step_end(args, state, control, **others)
            seen.append(self._weights["heads.0.weight"].detach().numpy().T.copy())

    monkeypatch.setattr(trainer, "_Average", Watched)
    return seen


def test_the_average_is_of_each_step_by_the_eighth_power_of_its_number(
    bert, windows, tmp_path, steps
):
    tuned = tune(bert, [shape()], examples(windows), section(average=True), 1, tmp_path)
    assert len(steps) == 9
    # The first k of n steps hold (k + 8 choose 9) of (n + 8 choose 9).
    until = [comb(step + 8, 9) for step in range(len(steps) + 1)]
    shares = np.diff(until) / until[-1]
    expected = sum(share * weights for share, weights in zip(shares, steps, strict=True))
    np.testing.assert_allclose(tuned.heads[0].weights, expected, rtol=1e-4, atol=1e-6)
    assert np.abs(tuned.heads[0].weights - steps[-1]).max() > 1e-3


def test_dev_judges_the_average_and_the_best_epoch_has_it(bert, windows, tmp_path):
    scores = iter([0.2, 0.9, 0.5])
    seen = []

    def measure(encoder, heads):
        seen.append((heads[0].weights.copy(), weights_of(encoder)))
        return {"macro_f1": next(scores), "log_loss": 1.0}

    settings = section(average=True)
    tuned = tune(bert, [shape()], examples(windows), settings, 1, tmp_path / "dev", measure)
    heads, weights = seen[1]
    np.testing.assert_allclose(tuned.heads[0].weights, heads, atol=1e-7)
    for name, value in weights_of(tuned.encoder).items():
        np.testing.assert_allclose(value, weights[name], atol=1e-6)
    # Training goes on from the live weights: without being judged it ends at the same average.
    alone = tune(bert, [shape()], examples(windows), settings, 1, tmp_path / "alone", stop_after=2)
    np.testing.assert_allclose(alone.heads[0].weights, heads, atol=1e-6)


def test_a_killed_training_goes_on_with_its_average(bert, windows, tmp_path):
    class Killed(BaseException):
        pass

    def run(folder, kill_at=None):
        epochs = []

        def measure(encoder, heads):
            epochs.append(1)
            if len(epochs) == kill_at:
                raise Killed
            return {"macro_f1": 0.1, "log_loss": 1.0}

        settings = section(epochs=4, patience=4, average=True)
        return tune(bert, [shape()], examples(windows), settings, 1, tmp_path / folder, measure)

    whole = run("whole")
    with pytest.raises(Killed):
        run("killed", kill_at=4)
    # As if it had been killed while the last checkpoint was written.
    (tmp_path / "killed" / "checkpoint-9" / "average.safetensors").unlink()
    again = run("killed")
    assert again.measured[0] == whole.measured[0]
    np.testing.assert_allclose(again.heads[0].weights, whole.heads[0].weights, atol=1e-5)


def test_some_examples_are_shown_with_another_target_in_each_epoch(windows):
    from pipeline.encoders.trainer import _Drawn

    others = [[[windows[2]], [windows[3]]]] * 200
    shown = [TuningExample(0, [windows[0]], np.array([True, False]), each) for each in others]

    def drawn(share, epoch):
        dataset = _Drawn(shown, share, seed=1)
        dataset.epoch = epoch
        places = [id(each) for each in windows]
        return [places.index(id(dataset[row]["window"])) for row in range(len(shown))]

    first, second = drawn(0.3, 0), drawn(0.3, 1)
    assert set(first) == {0, 2, 3}
    assert 40 <= sum(place != 0 for place in first) <= 80
    assert first != second
    assert set(drawn(0.0, 0)) == {0}
    assert first == drawn(0.3, 0)


def test_half_a_checkpoint_is_not_gone_on_from(bert, windows, tmp_path):
    half = tmp_path / "checkpoint-3"
    half.mkdir()
    (half / "model.safetensors").write_bytes(b"cut off")
    tuned = tune(bert, [shape()], examples(windows), section(epochs=1), 1, tmp_path)
    assert tuned.best_epoch == 1


def test_a_whole_training_is_not_repeated(bert, windows, tmp_path):
    first = tune(bert, [shape()], examples(windows), section(), 1, tmp_path)
    assert not list(tmp_path.glob("checkpoint-*"))

    def never(numbers, step):
        raise AssertionError("trained again")

    again = tune(bert, [shape()], examples(windows), section(), 1, tmp_path, log=never)
    np.testing.assert_array_equal(first.heads[0].weights, again.heads[0].weights)
    assert first.encoder.files.digest == again.encoder.files.digest


def test_frozen_layers_stay_and_those_above_them_move(bert, windows, tmp_path):
    tuned = tune(bert, [shape()], examples(windows), section(frozen_layers=1), 1, tmp_path)
    before, after = weights_of(bert), weights_of(tuned.encoder)
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert moved
    assert all(name.startswith("encoder.layer.1.") for name in moved)


def test_a_last_norm_is_above_the_layers_and_embeddings_are_below_them():
    from torch import nn

    from pipeline.encoders.trainer import depths

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(3, 4)
            self.norm = nn.LayerNorm(4)
            self.layers = nn.ModuleList(nn.Linear(4, 4, bias=False) for _ in range(2))
            self.places = nn.Embedding(3, 4)  # which some networks name after their layers
            self.last = nn.LayerNorm(4)

    assert [depth for _, depth in depths(Network())] == [2, 2, 2, 1, 0, 2, 0, 0]


def test_layers_that_share_their_weights_cannot_be_frozen_one_by_one():
    import transformers

    from pipeline.encoders.trainer import freeze

    config = transformers.AlbertConfig(
        vocab_size=20, embedding_size=8, hidden_size=16, num_hidden_layers=4, num_attention_heads=2,
        intermediate_size=32,
    )  # fmt: skip
    network = transformers.AlbertModel(config)
    freeze(network, 0)
    with pytest.raises(ConfigError, match=r"frozen_layers: 2 of 4 .*layers share their weights"):
        freeze(network, 2)


def test_lower_layers_learn_more_slowly_where_asked(bert, windows, tmp_path):
    def moved(folder, **settings):
        tuned = tune(
            bert, [shape()], examples(windows), section(epochs=1, **settings), 1, tmp_path / folder
        )
        before, after = weights_of(bert), weights_of(tuned.encoder)
        name = "encoder.layer.0.attention.self.query.weight"
        return np.abs(before[name] - after[name]).mean()

    assert moved("slow", layer_decay=0.1) < moved("even") / 3


def test_gradients_of_several_batches_are_one_step(bert, windows, tmp_path):
    steps = []

    def measure(encoder, heads):
        steps.extend(int(path.name.partition("-")[2]) for path in tmp_path.glob("checkpoint-*"))
        return {"macro_f1": 0.1, "log_loss": 1.0}

    settings = section(epochs=3, accumulate=3)  # twelve examples in batches of four
    tune(bert, [shape()], examples(windows), settings, 1, tmp_path, measure)
    assert max(steps) == 2  # after two of the three epochs


def test_a_class_that_weighs_nothing_is_not_learnt(bert, windows, tmp_path):
    heavy = HeadShape(2, False, True, np.array([1.0, 0.0], np.float32))
    tuned = tune(bert, [heavy], examples(windows), section(epochs=6), 1, tmp_path)
    vectors = tuned.encoder.vectors(windows, 12, 8, with_mention=True, cache=None)
    scores = vectors @ tuned.heads[0].weights + tuned.heads[0].bias
    assert (scores.argmax(axis=1) == 0).all()


def test_checkpoints_hold_no_model_that_is_unpickled(bert, windows, tmp_path):
    seen = []

    def measure(encoder, heads):
        seen.extend(path.name for path in tmp_path.glob("checkpoint-*/model*"))
        return {"macro_f1": 0.1, "log_loss": 1.0}

    tune(bert, [shape()], examples(windows), section(epochs=2), 1, tmp_path, measure)
    assert set(seen) == {"model.safetensors"}
    shutil.rmtree(tmp_path)


def test_pairs_are_capped_and_half_of_them_alike(windows):
    from pipeline.encoders.contrast import draw_pairs

    pairs = draw_pairs([*examples(windows), *examples(windows, head=1)], 20, 1)
    assert len(pairs) == 20
    assert sum(pair.alike for pair in pairs) == 10
    for pair in pairs:
        assert pair.one.head == pair.other.head
        assert pair.one is not pair.other
        assert pair.alike == bool((pair.one.gold & pair.other.gold).any())


def test_a_contrastive_start_parts_the_answers(bert, windows, tmp_path):
    def distance(encoder):
        vectors = encoder.vectors(windows[:2], 12, 8, with_mention=True, cache=None)[:2]
        one, other = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return 1 - one @ other

    settings = section(epochs=1, head_learning_rate=1e-9, contrastive_pairs=60)
    tuned = tune(bert, [shape()], examples(windows), settings, 1, tmp_path)
    assert distance(tuned.encoder) > distance(bert) + 0.1


def test_a_contrastive_start_is_not_made_again_after_a_kill(bert, windows, tmp_path, monkeypatch):
    from pipeline.encoders import contrast

    def run(folder):
        settings = section(epochs=1, contrastive_pairs=20)
        return tune(bert, [shape()], examples(windows), settings, 1, tmp_path / folder)

    whole = run("whole")
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.encoders.trainer.run_trainer", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run("killed")
    monkeypatch.setattr(contrast, "draw_pairs", lambda *_: 1 / 0)
    again = run("killed")
    assert again.encoder.files.digest == whole.encoder.files.digest
    assert not list((tmp_path / "killed").glob("contrasted*"))


def test_a_training_that_was_killed_at_its_end_is_not_trained_any_further(
    bert, windows, tmp_path, monkeypatch
):
    from pipeline.encoders import tuning

    def run(folder):
        scores = iter([0.2, 0.9, 0.5, 0.6, 0.7])
        return tune(
            bert, [shape()], examples(windows), section(epochs=5, patience=2), 1,
            tmp_path / folder, lambda *_: {"macro_f1": next(scores), "log_loss": 1.0},
        )  # fmt: skip

    whole = run("whole")
    with monkeypatch.context() as patch:
        patch.setattr(tuning, "_keep", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run("killed")
    again = run("killed")
    assert again.measured == whole.measured
    assert again.best_epoch == whole.best_epoch == 2
    np.testing.assert_array_equal(again.heads[0].weights, whole.heads[0].weights)
    assert again.encoder.files.digest == whole.encoder.files.digest


def test_patience_counts_on_after_a_kill(bert, windows, tmp_path):
    class Killed(BaseException):
        pass

    def run(scores):
        def measure(encoder, heads):
            score = scores.pop(0)
            if score is None:
                raise Killed
            return {"macro_f1": score, "log_loss": 1.0}

        return tune(
            bert, [shape()], examples(windows), section(epochs=6, patience=2), 1, tmp_path, measure
        )

    with pytest.raises(Killed):
        run([0.9, 0.5, None])
    tuned = run([0.6, 0.95, 0.95])
    assert [row["macro_f1"] for row in tuned.measured] == [0.9, 0.5, 0.6]
    assert tuned.best_epoch == 1


def test_frozen_layers_stay_in_the_contrastive_start_too(bert, windows, tmp_path):
    settings = section(epochs=1, frozen_layers=1, contrastive_pairs=20)
    tuned = tune(bert, [shape()], examples(windows), settings, 1, tmp_path)
    before, after = weights_of(bert), weights_of(tuned.encoder)
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert moved
    assert all(name.startswith("encoder.layer.1.") for name in moved)


def test_two_processes_do_not_train_the_same_at_once(bert, windows, tmp_path):
    import fcntl

    with (tmp_path / "job.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        from concurrent.futures import ThreadPoolExecutor
        from concurrent.futures import TimeoutError as TooLong

        with ThreadPoolExecutor(1) as other:
            job = other.submit(
                tune, bert, [shape()], examples(windows), section(epochs=1), 1, tmp_path / "job"
            )
            with pytest.raises(TooLong):
                job.result(timeout=1)
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert job.result(timeout=60).best_epoch == 1
