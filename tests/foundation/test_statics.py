"""Browsers keep style sheets and scripts for ever, and have the new ones at once after an update."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

from server.statics import keep_none_that_changed, version_of_files

FILES = re.compile(r'(?:href|src)="(/static/[^"]+)"')


@pytest.fixture
def rooms(tmp_path):
    (tmp_path / "chatui/static/css").mkdir(parents=True)
    (tmp_path / "chatui/static/css/base.css").write_text("a { color: red }")
    return tmp_path


def test_what_a_page_is_made_of_is_asked_for_once(client, db):
    files = FILES.findall(client.get("/login/").text)
    assert len(files) > 10
    for file in files:
        answer = client.get(file)
        assert (answer.status_code, "immutable" in answer["Cache-Control"]) == (200, True), file


def test_a_script_finds_its_modules_under_the_same_address(client):
    app = client.get(f"{settings.STATIC_URL}chatui/js/app.js").getvalue().decode()
    for module in re.findall(r'import (?:.* from )?"(\./[^"]+)"', app):
        assert client.get(f"{settings.STATIC_URL}chatui/js/{module[2:]}").status_code == 200, module


@pytest.mark.parametrize("before", ["0123456789ab/", ""])
def test_a_page_from_before_an_update_gets_the_new_file(client, before):
    answer = client.get(f"/static/{before}chatui/css/base.css")
    assert (answer.status_code, answer["Location"]) == (302, f"{settings.STATIC_URL}chatui/css/base.css")
    assert "no-store" in answer["Cache-Control"]


def test_what_does_not_exist_leads_nowhere(client, db):
    assert client.get(f"{settings.STATIC_URL}chatui/css/none.css").status_code == 404


def test_every_change_of_a_file_changes_the_address(rooms):
    versions = {version_of_files(rooms)}
    file = rooms / "chatui/static/css/base.css"
    file.write_text("a { color: blue }")
    versions.add(version_of_files(rooms))
    file.rename(file.with_name("other.css"))
    versions.add(version_of_files(rooms))
    assert len(versions) == 3


def test_what_an_update_puts_under_the_running_server_is_kept_by_nobody(rooms):
    headers = {"Cache-Control": "immutable"}
    keep_none_that_changed(headers, str(rooms / "chatui/static/css/base.css"), "")
    assert headers == {"Cache-Control": "no-store"}
