"""What ships: every pack's own conversation tests pass, take every step, and hold in a project made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.flow.read import read
from config.packs import make, packs, refuse_ungranted
from config.settings import DeskFile, Settings
from config.talks.command import all_pass
from tests.config.test_main import run

PACKS = ("shop", "starter", "helpdesk", "clinic")


def test_these_packs_ship() -> None:
    assert set(packs()) >= set(PACKS)


@pytest.mark.parametrize("pack", PACKS)
def test_a_pack_s_tests_pass_and_take_every_step_and_branch(pack: str) -> None:
    told: list[str] = []
    good = all_pass(packs()[pack], only="", coverage=True, fail_under=100, echo=told.append)
    assert good, "\n".join(told)


@pytest.mark.parametrize("pack", PACKS)
def test_a_new_project_passes_check_and_test_at_once(pack: str, tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    made = run("init", str(folder), "--pack", pack, data=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    project = {"FRONTDESK_CONFIG": str(folder / "config" / "frontdesk.yaml")}
    checked, played = (run(command, data=tmp_path, **project) for command in ("check", "test"))
    assert (checked.returncode, checked.stderr, played.returncode) == (0, "", 0), played.stdout
    assert f"{folder}/flows: " in checked.stdout
    assert {path.name for path in (folder / "flows").iterdir()} >= {"texts", "knowledge", "tests", "actions.py"}
    assert not list(folder.rglob("packs"))
    assert not list(folder.rglob("__init__.py"))


def test_the_project_in_the_folder_one_stands_in_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "starter")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FRONTDESK_CONFIG", raising=False)
    assert Settings().desk_file().flows == tmp_path / "flows"


def test_nothing_is_overwritten_and_no_pack_is_made_up(tmp_path: Path) -> None:
    make(tmp_path, "starter")
    with pytest.raises(SettingsError, match="exists already"):
        make(tmp_path, "starter")
    with pytest.raises(SettingsError, match="there is no pack 'clinc'; did you mean 'clinic'"):
        make(tmp_path / "b", "clinc")


def test_flows_do_not_run_until_a_desk_grants_what_they_need(tmp_path: Path) -> None:
    book = read(packs()["shop"])
    file = DeskFile(flows=tmp_path, grants=("payments",))
    with pytest.raises(SettingsError, match=r"need the scope 'account': add 'grants: \[payments, account\]'"):
        refuse_ungranted(book, file, {})
    refuse_ungranted(book, file.model_copy(update={"grants": ("account", "payments")}), {})
    make(tmp_path / "desk", "clinic")
    config = tmp_path / "desk" / "config" / "frontdesk.yaml"
    config.write_text(config.read_text().replace("[appointments, prescriptions]", "[]"))
    refused = run("check", data=tmp_path, FRONTDESK_CONFIG=str(config))
    assert refused.returncode == 1
    assert "need the scopes 'appointments', 'prescriptions'" in refused.stderr


def test_settings_that_the_flows_need_are_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "flows"
    make(tmp_path, "starter")
    header = folder / "assistant.yaml"
    header.write_text(header.read_text() + "needs: {settings: [SHOP_URL]}\n")
    book, file = read(folder), DeskFile(flows=folder)
    with pytest.raises(SettingsError, match="need SHOP_URL in the environment"):
        refuse_ungranted(book, file, {})
    refuse_ungranted(book, file, {"SHOP_URL": "https://shop.example"})


def test_a_package_can_be_a_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "frontdesk_hotel"
    make(tmp_path / "made", "starter")
    (tmp_path / "made" / "flows").rename(package)
    (package / "__init__.py").touch()
    info = tmp_path / "frontdesk_hotel-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: frontdesk-hotel\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[frontdesk.packs]\nhotel = frontdesk_hotel\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert packs()["hotel"] == package
    assert make(tmp_path / "desk", "hotel").assistant.name == "Ada"
