"""The optional package of a stronger representation, to be installed and removed during a test."""

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from feedback.analysis.topics import representations, transformer
from tests.feedback import tiny_model


class Site:
    """A folder that packages are found in. Each change is like a restart: the representation is chosen anew."""

    def __init__(self, folder: Path):
        self._folder = folder

    def install(self) -> None:
        """The package is there, with the tiny model."""
        tiny_model.install(self._folder)
        self.restart()

    def remove(self) -> None:
        """The package is gone."""
        shutil.rmtree(self._folder / transformer.PACKAGE)
        self.restart()

    def restart(self) -> None:
        """As a new process, know nothing of what was installed before."""
        importlib.invalidate_caches()
        representations.current.cache_clear()
        transformer.load.cache_clear()


@pytest.fixture
def representation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    """A site without the package, whatever this machine has installed."""
    monkeypatch.setattr(transformer, "PACKAGE", "tiny_sentence_model")
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
    site = Site(folder)
    site.restart()
    yield site
    monkeypatch.undo()
    site.restart()
