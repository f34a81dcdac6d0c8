import pytest

from pipeline.config import Track
from pipeline.tracking import Verdict, open_gate, resolve_bundle, track

pytestmark = pytest.mark.slow


def test_a_run_goes_to_a_server_and_its_model_comes_back(new_project, serve, make_record, tmp_path):
    with serve(new_project()) as address:
        tracked = track(make_record("remote"), Track(uri=address), tmp_path)
        assert tracked.uri == address
        with open_gate(tracked, tmp_path) as gate:
            assert gate.settle(Verdict(True, "the first"), gate.champion())
        for uri in ("models:/slant-news@champion", f"runs:/{tracked.run_id}/model"):
            bundle = resolve_bundle(uri, tracking_uri=address)
            assert (bundle / "model.json").read_text() == '{"of": "remote"}\n'
            assert not bundle.is_relative_to(tmp_path)
    # The server has it all; nothing is kept where the command ran.
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
