import io
import re

import pytest

from stylesearch.accounts.invitations import invited
from stylesearch.accounts.tokens import find_bearer
from stylesearch.accounts.users import check_sign_in, find_user

PASSWORD = "four quiet herons wade"


@pytest.fixture
def typed(monkeypatch):
    def give(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))

    return give


def test_the_first_administrator_is_made_here_with_a_password_of_their_own(
    environment, database, run_command, typed
):
    assert "There is no user yet" in run_command("users", "list").out
    typed(f"{PASSWORD}\n")
    done = run_command(
        "users", "add", "Ann@example.org", "--name", "Ann", "--role", "admin", "--password-stdin"
    )
    assert (done.code, done.out) == (0, "ann@example.org: admin\n")
    with database.session() as session:
        assert check_sign_in(session, "ann@example.org", PASSWORD).role == "admin"
    listed = run_command("users", "list").out
    assert "ann@example.org" in listed
    assert "a password" in listed


def test_nobody_gets_a_password_by_default(environment, database, run_command, typed):
    typed("")
    done = run_command("users", "add", "ann@example.org")
    assert done.code == 1
    assert "nobody to ask for a password" in done.err
    typed("short\n")
    assert "too short" in run_command("users", "add", "ann@example.org", "--password-stdin").err
    with database.session() as session, pytest.raises(Exception, match="no user"):
        find_user(session, "ann@example.org")


def test_a_link_instead_of_a_password(environment, database, run_command):
    for command in (("add", "ann@example.org", "--invite"), ("invite", "ann@example.org")):
        done = run_command("users", *command)
        link = re.search(r"/invitations/(\S+)", done.out)
        assert link
        with database.session() as session:
            assert invited(session, link[1]).email == "ann@example.org"


def test_users_are_changed(environment, database, run_command, typed):
    for email, role in (("ann@example.org", "admin"), ("bea@example.org", "admin")):
        run_command("users", "add", email, "--role", role, "--invite")
    assert run_command("users", "role", "bea@example.org", "curator").out == "bea@example.org: curator\n"
    assert "only administrator" in run_command("users", "disable", "ann@example.org").err
    assert run_command("users", "disable", "bea@example.org").out == "bea@example.org: disabled\n"
    assert run_command("users", "enable", "bea@example.org").out == "bea@example.org: active\n"
    typed(PASSWORD)
    assert run_command("users", "password", "bea@example.org", "--password-stdin").code == 0
    with database.session() as session:
        assert check_sign_in(session, "bea@example.org", PASSWORD)
    assert run_command("users", "role", "bea@example.org", "king").code == 2
    assert "no user" in run_command("users", "role", "nobody@example.org", "viewer").err
    assert "no user" in run_command("users", "password", "nobody@example.org", "--password-stdin").err


def test_tokens_are_made_listed_and_revoked(environment, database, run_command):
    assert "There is no token yet" in run_command("tokens", "list").out
    run_command("users", "add", "ann@example.org", "--invite")
    made = run_command(
        "tokens", "make", "ann@example.org", "--label", "Harvester", "--scope", "read", "--days", "0"
    )
    text = made.out.strip()
    with database.session() as session:
        assert find_bearer(session, text).scopes == {"read"}
    listed = run_command("tokens", "list", "--user", "ann@example.org").out
    assert "Harvester" in listed
    assert "never" in listed
    assert text not in listed
    assert (
        "not for a viewer"
        in run_command("tokens", "make", "ann@example.org", "--label", "x", "--scope", "admin").err
    )
    assert run_command("tokens", "revoke", "1").out == "Harvester: revoked\n"
    assert "no token 1" in run_command("tokens", "revoke", "1").err
