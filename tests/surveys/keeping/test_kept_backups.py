"""A backup every night, read back before it counts, and its age and failure told."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from surveys.base import worker
from surveys.keeping import backup, kept_backups

NOW = datetime(2026, 3, 10, 2, 41, tzinfo=UTC)


class TestWithAFolder:
    """With BACKUP_DIR."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """Where backups lie."""
        return tmp_path / "backups"

    @pytest.fixture
    def settings_overrides(self, folder: Path) -> dict[str, str]:
        """The folder, which somebody made."""
        folder.mkdir()
        return {"BACKUP_DIR": str(folder)}

    def test_every_night_one_is_made_and_read_back_and_told(self, world, make, folder, monkeypatch):
        row = make.response(make.survey(), 9, comment="kept")
        with time_machine.travel(NOW, tick=False):
            assert told(world) == ({"at": None, "failed": False}, {"earshot_backup_failed": 0.0})
            (folder / ".earshot-2026-03-09.unread").write_text("of a worker that was killed")
            worker.do_duties(NOW, night=True)
            assert named(folder) == ["earshot-2026-03-10.gz"]
            assert row.id.encode() in gzip.decompress((folder / "earshot-2026-03-10.gz").read_bytes())
            assert backup.check(folder / "earshot-2026-03-10.gz").rows["response"] == 1
        with time_machine.travel(NOW + timedelta(hours=9), tick=False):
            assert told(world) == (
                {"at": "2026-03-10T02:41:00.000Z", "failed": False},
                {"earshot_backup_failed": 0.0, "earshot_backup_age_seconds": 9 * 3600.0},
            )
            # Not due yet.
            (folder / "earshot-2026-03-10.gz").unlink()
            worker.do_duties(NOW + timedelta(hours=9))
            assert named(folder) == []

    def test_what_failed_is_told_and_made_up_for_within_the_hour(self, world, folder, monkeypatch, caplog):
        with time_machine.travel(NOW, tick=False):
            kept_backups.make(world.settings)

        later = NOW + timedelta(days=1)
        with time_machine.travel(later, tick=False):
            with monkeypatch.context() as patched:
                patched.setattr(backup, "check", lambda _: (_ for _ in ()).throw(backup.NotABackup("short")))
                worker.do_duties(later, night=True)
            assert told(world)[0] == {"at": "2026-03-10T02:41:00.000Z", "failed": True}
            assert named(folder) == ["earshot-2026-03-10.gz"]
            assert "backup failed" in caplog.text
            away = folder.rename(folder.with_name("unmounted"))
            worker.do_duties(later)
            assert told(world)[1]["earshot_backup_failed"] == 1.0
            away.rename(folder)
            worker.do_duties(later)
            assert told(world)[0] == {"at": "2026-03-11T02:41:00.000Z", "failed": False}
            assert named(folder) == ["earshot-2026-03-10.gz", "earshot-2026-03-11.gz"]


def told(world):
    """What /readyz says, and what /metrics says of backups."""
    ready = world.client.get("/readyz")
    assert ready.status_code == 200
    lines = world.client.get("/metrics").get_data(as_text=True).splitlines()
    pairs = (line.split() for line in lines if line.startswith("earshot_backup"))
    return ready.get_json()["backup"], {name: float(value) for name, value in pairs}


def named(folder):
    """The backups in a folder; nothing unfinished may lie there."""
    found = sorted(path.name for path in folder.iterdir())
    return [name for name in found if name != ".lock"]


def test_without_a_folder_there_is_nothing_to_tell(world):
    worker.do_duties(NOW, night=True)
    assert told(world) == (None, {})


def test_seven_days_and_four_weeks_are_kept(tmp_path):
    (tmp_path / "earshot-2026-99-99.gz").touch()
    (tmp_path / "first.gz").touch()
    for number in range(120):
        day = NOW.date() + timedelta(days=number)
        (tmp_path / f"earshot-{day}.gz").touch()
        for path in kept_backups.not_kept(tmp_path.iterdir()):
            path.unlink()
    kept = sorted(path.name[8:18] for path in tmp_path.glob("earshot-2026-0*"))
    # 7 July 2026 is a Tuesday: seven days, then the last of each week before.
    assert kept == [
        *("2026-06-14", "2026-06-21", "2026-06-28", "2026-06-30"),
        *(f"2026-07-{day:02}" for day in range(1, 8)),
    ]
    assert (tmp_path / "first.gz").exists()
    assert (tmp_path / "earshot-2026-99-99.gz").exists()
