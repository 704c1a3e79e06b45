"""A migrated PostgreSQL behind PgBouncer in transaction mode, in the place of the databases that tests usually get."""

from contextlib import contextmanager

import pytest

from tests import servers


@pytest.fixture(scope="module", name="pool")
def pooling(postgres):
    with servers.pooler(postgres) as running:
        yield running


class Pooled:
    """Copies of the migrated database, reached by way of the pooler."""

    kind = "postgresql"

    def __init__(self, base, pool):
        self.base, self.pool = base, pool

    @contextmanager
    def copy(self, directory):
        with self.base.copy(directory) as environment:
            direct = environment["DATABASE_URL"]
            through = self.pool.database_url(direct.rpartition("/")[2])
            yield {**environment, "DATABASE_URL": through, "DATABASE_DIRECT_URL": direct}


@pytest.fixture(scope="module")
def template(templates, pool):
    return Pooled(templates("postgresql"), pool)
