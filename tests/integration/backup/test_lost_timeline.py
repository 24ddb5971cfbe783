"""After a restore the runs bucket knows more than the database: claims of attempts that it believes
unfinished. Such runs end, and their commands do not run again."""

from __future__ import annotations

from pathlib import Path

from chalicelib.admin.backup import BackupContext, back_up, restore
from chalicelib.database import Database
from tests.support.fakes import FakeBucket
from tests.support.world import World

DAG = """
name: lost
tasks:
  - id: a
    command: "true"
"""


def test_an_attempt_that_was_claimed_in_the_lost_timeline_ends_by_the_repair(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    (tmp_path / "scratch").mkdir()
    path = world.database.path
    backup_context = BackupContext(
        Database(path), FakeBucket(), world.clock, scratch=tmp_path / "scratch", linger=0.0
    )
    world.upload(DAG)
    run_id = world.request("lost")
    back_up(backup_context)
    world.play(30)
    assert world.run_state(run_id) == "success"
    claims = [info.key for info in world.runs.list("lost/")]
    world.database.close()
    assert restore(backup_context, who="ann").active_runs == []
    assert world.run_state(run_id) == "queued"
    world.play(3600)
    assert world.run_state(run_id) in ("success", "failed")
    assert [key for key in claims if key.endswith("/claim")] == [
        info.key for info in world.runs.list("lost/") if info.key.endswith("/claim")
    ]
    assert world.run_state(world.request("lost")) == "queued"
    world.close()
