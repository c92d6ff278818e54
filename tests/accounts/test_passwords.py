import pytest

from stylesearch.accounts import passwords
from stylesearch.accounts.passwords import hash_password, is_outdated, is_password
from stylesearch.errors import InputError

GOOD = "four quiet herons wade"


def test_a_password_is_known_again_and_kept_as_argon2id():
    kept = hash_password(GOOD)
    assert kept.startswith("$argon2id$")
    assert GOOD not in kept
    assert is_password(GOOD, kept)
    assert not is_password(f"{GOOD} ", kept)
    assert not is_outdated(kept)
    assert kept != hash_password(GOOD)


def test_where_there_is_none_every_password_is_wrong():
    assert not is_password(GOOD, None)
    assert not is_password("", None)
    assert not is_password(GOOD, "no hash at all")
    assert not is_password("x" * (passwords.LONGEST + 1), hash_password(GOOD))


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short", "too short"),
        ("", "too short"),
        ("x" * 1001, "too long"),
        ("aaaaaaaaaaaaaaaa", "easily guessed"),
        ("abababababababab", "easily guessed"),
        ("Ann@example.org", "easily guessed"),
    ],
)
def test_what_is_no_password(password, words):
    with pytest.raises(InputError) as caught:
        hash_password(password, email="ann@example.org")
    assert words in caught.value.message


def test_what_was_made_with_other_parameters_is_to_be_made_anew():
    from argon2 import PasswordHasher

    assert is_outdated(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(GOOD))
