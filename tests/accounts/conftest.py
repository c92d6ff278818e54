import pytest

from stylesearch.accounts.roles import Role
from stylesearch.accounts.users import add_user

PASSWORD = "four quiet herons wade"


@pytest.fixture
def add(database):
    """Add a user, by default without a password, which takes a moment."""

    def make(email="ann@example.org", role="viewer", password=None):
        with database.session() as session:
            return add_user(session, email=email, name="Ann", role=Role(role), password=password)

    return make
