"""Storages: what cannot be opened is explained."""

import sys
from concurrent.futures import ThreadPoolExecutor

from helpers.studies import workers

import postgres
import pytest


def test_a_missing_driver_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    url = "postgresql+psycopg://me:secret@localhost:1/db"
    with pytest.raises(workers.StorageGone, match=r"install psycopg\[binary\]") as error:
        workers.reach(url, tmp_path / "study.journal")
    assert "secret" not in str(error.value)


@pytest.mark.skipif(postgres.MISSING is not None, reason=str(postgres.MISSING))
def test_workers_that_open_an_empty_database_at_once_all_get_it():
    with postgres.server() as url, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(workers.reach, [url] * 4, [None] * 4))
        assert len(found) == 4
        for storage in found:
            storage.engine.dispose()
