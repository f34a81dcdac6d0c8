import subprocess
import sys

import pytest

from pipeline.errors import PipelineError
from pipeline.tracking import ui_command, ui_environment


def test_the_server_is_on_loopback_with_one_worker_and_its_checks_on(tmp_path):
    (tmp_path / "mlflow.db").touch()
    command = ui_command(port=5001, folder=tmp_path)
    assert command[:4] == [sys.executable, "-m", "mlflow", "server"]
    options = dict(zip(command[4::2], command[5::2], strict=True))
    assert options == {
        "--backend-store-uri": f"sqlite:///{tmp_path}/mlflow.db",
        "--host": "127.0.0.1",
        "--port": "5001",
        "--workers": "1",
    }


def test_the_environment_starts_no_jobs_and_sends_nothing():
    environment = ui_environment()
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_another_database_can_be_named(tmp_path):
    uri = "postgresql://anna:secret@db/mlflow"
    assert uri in ui_command(uri, folder=tmp_path)


def test_a_missing_database_is_not_made(tmp_path):
    with pytest.raises(PipelineError, match=r"mlflow\.db: no runs are recorded here yet"):
        ui_command(folder=tmp_path)


def test_a_server_needs_no_server(tmp_path):
    with pytest.raises(PipelineError, match=r"^http://host:5000 is a server already"):
        ui_command("http://anna:secret@host:5000", folder=tmp_path)


@pytest.mark.slow
def test_mlflow_is_not_imported_before_it_is_used():
    code = "import sys, pipeline.tracking; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
