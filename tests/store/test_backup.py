"""Backup and restore: what was there is there again, and nothing else comes in."""

import io
import os
import sqlite3
import stat
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.waiting import ENDLESS, wait_until
from unlearn_core.commands.main import main
from unlearn_core.engine.engine import Engine
from unlearn_core.errors import UserError
from unlearn_core.store.backup import _Packing, restore_backup, write_backup
from unlearn_core.store.cleanup import clean_up
from unlearn_core.store.database import DATABASE
from unlearn_core.store.example import install_example
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def backup(store: Store, tmp_path: Path) -> Path:
    """A backup of a home with a finished run."""
    path = tmp_path / "backup.tar.gz"
    install_example(store)
    write_backup(store.root, path)
    return path


def test_what_a_server_at_work_backs_up_is_there_after_a_restore(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(own_home)
    engine = Engine(store)
    try:
        ended = install_example(store)
        under_way = engine.submit(ENDLESS)
        wait_until(lambda: store.get(under_way).steps_done >= 2)
        (own_home / "matches").mkdir()
        (own_home / "matches" / "a.json").write_text("{}", encoding="utf-8")
        assert main(["backup", str(tmp_path / "b.tar.gz")]) == 0
        assert store.get(under_way).state == RunState.RUNNING
    finally:
        engine.close()
    assert main(["backup", str(tmp_path / "later.tar.gz")]) == 0
    said = capsys.readouterr().out
    assert "b.tar.gz: 1 run," in said
    assert "1 run not in the backup: under way" in said
    assert stat.S_IMODE((tmp_path / "b.tar.gz").stat().st_mode) & 0o077 == 0
    monkeypatch.setenv("UNLEARN_HOME", str(tmp_path / "new"))
    assert main(["restore", str(tmp_path / "b.tar.gz")]) == 0
    restored = Store(tmp_path / "new")
    (run,) = restored.runs()
    assert run.parsed_result() == ended.parsed_result()
    assert files_of(restored.folder(run.id)) == files_of(store.folder(ended.id))
    assert (restored.root / "matches" / "a.json").read_text(encoding="utf-8") == "{}"
    monkeypatch.setenv("UNLEARN_HOME", str(tmp_path / "newer"))
    assert main(["restore", str(tmp_path / "later.tar.gz")]) == 0
    interrupted = Store(tmp_path / "newer")
    assert files_of(interrupted.folder(under_way)) == files_of(store.folder(under_way))
    assert interrupted.queue_again(under_way).state == RunState.QUEUED
    assert not [path for path in restored.root.rglob("*") if path.stat().st_mode & 0o077]


def test_a_run_that_goes_on_or_is_deleted_while_it_is_packed_is_left_out(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, resumed, deleted = (store.create(ForgetRequest()) for _ in range(3))
    for run in (kept, resumed, deleted):
        store.finish(run.id, RunState.INTERRUPTED)
        (store.folder(run.id) / "steps.jsonl").write_text("", encoding="utf-8")
    add = _Packing.add

    def add_and_change(packing: _Packing, name: str) -> bool:
        if name == "classifiers":
            store.queue_again(resumed.id)
            store.delete(deleted.id)
        return add(packing, name)

    monkeypatch.setattr(_Packing, "add", add_and_change)
    done = write_backup(store.root, tmp_path / "backup")
    assert (done.runs, done.left_out) == (1, 2)
    restore_backup(tmp_path / "new", tmp_path / "backup")
    assert [run.id for run in Store(tmp_path / "new").runs()] == [kept.id]
    assert [folder.name for folder in (tmp_path / "new" / "runs").iterdir()] == [kept.id]


def test_runs_that_share_their_files_share_them_after_a_restore(store: Store, tmp_path: Path) -> None:
    first, second = (store.create(ForgetRequest()) for _ in range(2))
    (store.folder(first.id) / "weights.safetensors").write_bytes(os.urandom(10**6))
    weights = store.folder(second.id) / "weights.safetensors"
    weights.hardlink_to(store.folder(first.id) / weights.name)
    for run in (first, second):
        store.finish(run.id, RunState.DONE)
    write_backup(store.root, tmp_path / "backup")
    assert (tmp_path / "backup").stat().st_size < 1.1e6
    restore_backup(tmp_path / "new", tmp_path / "backup")
    again = Store(tmp_path / "new").folder(second.id) / weights.name
    assert again.read_bytes() == weights.read_bytes()
    assert again.stat().st_nlink == 2


def test_nothing_that_is_there_is_overwritten(store: Store, backup: Path, tmp_path: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(UserError, match="exists already: choose another name"):
        write_backup(store.root, backup)
    assert backup.read_bytes() == before
    for name in (DATABASE, "uploads"):
        home = tmp_path / name
        (home / name).mkdir(parents=True)
        with pytest.raises(UserError, match=f"has {name} already: set UNLEARN_HOME to an empty folder"):
            restore_backup(home, backup)
        assert list(home.iterdir()) == [home / name]


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-4],
        flipped,
        lambda data: b"",
        lambda data: b"no archive",
    ],
)
def test_a_damaged_backup_is_one_sentence_and_changes_nothing(
    backup: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    backup.write_bytes(damage(backup.read_bytes()))
    home = tmp_path / "new"
    with pytest.raises(UserError, match=r"^[^\n]*cannot be restored: [^\n]+\.$|^This is not a backup"):
        restore_backup(home, backup)
    assert list(home.iterdir()) == []


def link(kind: bytes, name: str, to: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, to
    return member


@pytest.mark.parametrize(
    "member",
    [
        link(tarfile.REGTYPE, "../outside"),
        link(tarfile.REGTYPE, "runs/../../outside"),
        link(tarfile.REGTYPE, "/etc/outside"),
        link(tarfile.REGTYPE, "server.py"),
        link(tarfile.DIRTYPE, "."),
        link(tarfile.SYMTYPE, "uploads/link", "/etc/passwd"),
        link(tarfile.LNKTYPE, "uploads/link", "../../../../etc/passwd"),
        link(tarfile.LNKTYPE, "uploads/link", "nothing"),
        link(tarfile.CHRTYPE, "uploads/null"),
        link(tarfile.FIFOTYPE, "uploads/pipe"),
    ],
    ids=lambda member: f"{member.name} {member.linkname}",
)
def test_a_hostile_archive_puts_nothing_anywhere(member: tarfile.TarInfo, tmp_path: Path) -> None:
    path, home = tmp_path / "hostile", tmp_path / "new"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(link(tarfile.REGTYPE, DATABASE), io.BytesIO())
        archive.addfile(member)
    with pytest.raises(UserError):
        restore_backup(home, path)
    assert list(home.iterdir()) == []
    assert sorted(one.name for one in tmp_path.iterdir()) == ["home", "hostile", "new"]


def test_no_home_and_no_file_are_sentences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UNLEARN_HOME", str(tmp_path / "nothing"))
    assert main(["backup", str(tmp_path / "b")]) == 2
    assert "There are no runs in" in capsys.readouterr().err
    assert not (tmp_path / "nothing").exists()
    assert main(["restore", str(tmp_path / "b")]) == 2
    assert "cannot be restored" in capsys.readouterr().err


def test_what_vanishes_while_it_is_packed_takes_nothing_else_with_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "c"):
        (store.root / "classifiers" / name).mkdir(parents=True)
    members = _Packing._members

    def with_one_that_vanished(packing: _Packing, top: Path, name: str) -> Iterator[Path]:
        for member in members(packing, top, name):
            yield member
            if member.name == "a":
                yield member.with_name("b")

    monkeypatch.setattr(_Packing, "_members", with_one_that_vanished)
    write_backup(store.root, tmp_path / "backup")
    restore_backup(tmp_path / "new", tmp_path / "backup")
    assert sorted(one.name for one in (tmp_path / "new" / "classifiers").iterdir()) == ["a", "c"]


def test_what_lies_on_another_disk_is_packed_and_links_inside_are_told(store: Store, tmp_path: Path) -> None:
    moved, linked = install_example(store), store.create(ForgetRequest())
    store.finish(linked.id, RunState.FAILED)
    (store.folder(linked.id) / "weights.safetensors").symlink_to("/etc/passwd")
    (store.root / "runs").rename(tmp_path / "large")
    (store.root / "runs").symlink_to(tmp_path / "large")
    done = write_backup(store.root, tmp_path / "backup")
    assert (done.runs, done.left_out) == (1, 1)
    assert done.unread == (f"runs/{linked.id}/weights.safetensors",)
    restore_backup(tmp_path / "new", tmp_path / "backup")
    assert files_of(tmp_path / "new" / "runs" / moved.id) == files_of(tmp_path / "large" / moved.id)


def test_an_id_never_leads_out_of_the_home(store: Store, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "precious.txt").touch()
    run = store.create(ForgetRequest(), visitor="a" * 16)
    store.finish(run.id, RunState.FAILED)
    with sqlite3.connect(store.root / DATABASE) as connection:
        connection.execute(
            "UPDATE run SET id = ?, checksum = NULL, finished = '2020-01-01 00:00:00.000000'",
            (f"../../{victim.name}",),
        )
    connection.close()
    with (
        closing(sqlite3.connect(store.root / DATABASE)) as own,
        closing(sqlite3.connect(tmp_path / "copy")) as copy,
    ):
        own.backup(copy)
    for _ in range(2):
        Store(store.root)
    clean_up(store)
    assert [path.name for path in victim.iterdir()] == ["precious.txt"]
    with tarfile.open(tmp_path / "crafted", "w:gz") as archive:
        archive.add(tmp_path / "copy", DATABASE)
    with pytest.raises(UserError, match=r"it has a run called '\.\./\.\./victim'"):
        restore_backup(tmp_path / "new", tmp_path / "crafted")


def test_what_should_be_a_folder_is_one(store: Store, tmp_path: Path) -> None:
    with (
        closing(sqlite3.connect(store.root / DATABASE)) as own,
        closing(sqlite3.connect(tmp_path / "copy")) as copy,
    ):
        own.backup(copy)
    with tarfile.open(tmp_path / "crafted", "w:gz") as archive:
        archive.add(tmp_path / "copy", DATABASE)
        archive.addfile(link(tarfile.REGTYPE, "runs"), io.BytesIO())
    with pytest.raises(UserError, match="runs is not a folder"):
        restore_backup(tmp_path / "new", tmp_path / "crafted")
