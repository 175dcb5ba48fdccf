"""A run over kept records that outlives its process: what is done stays in a folder, and whoever comes next goes on behind it.

Its joints: candidates are blocked, each tile of them was looked at, each piece was weighed. What stands in the folder counts only as
long as it is made from the same, in the caller's words, by the same code.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

import duckdb

from dangol import identity
from dangol.durable import make_folder, sync
from dangol.engines.matching import joints
from dangol.engines.matching.blocking import candidates
from dangol.engines.matching.bounds import Bounds
from dangol.engines.matching.kept import Kept
from dangol.engines.matching.pruning import TILE
from dangol.engines.matching.scoring import WEIGHED, match_of, scored
from dangol.engines.matching.store import opened_in
from dangol.engines.matching.training import learn
from dangol.identity.matching.model import Model
from dangol.identity.matching.people import PEOPLE
from dangol.identity.matching.record import Match

#: Steps of a run: what it is made from is written; all candidates are there, or those of the people who are compared.
BEGUN, BLOCKED_ALL, BLOCKED_SOME = "begun", "blocked all", "blocked some"


class Comparing:
    """The run in *folder*; a context, inside of which it is open.

    Args: folder: for it alone; personal data are in it, so nobody else may read it.
    """

    def __init__(self, folder: Path, bounds: Bounds) -> None:
        self._folder = folder
        self._bounds = bounds
        self._open = ExitStack()
        self._db: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> Self:
        """Open what stands in the folder, if it can be read."""
        if (self._folder / "matching.duckdb").exists():
            try:
                self._connect()
            except duckdb.Error:
                self.throw_away()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        """Close it; what is done stays in the folder."""
        self._close()

    @property
    def made_from(self) -> str:
        """What `begin` was told; "" where nothing stands that this code could go on with."""
        if self._db is None:
            return ""
        try:
            told, made_by = self._db.execute("select told, made_by from mark").fetchall()[0]
        except (duckdb.Error, IndexError):
            return ""
        return str(told) if made_by == engine() else ""

    def begin(self, made_from: str, kept: Kept, only: Sequence[UUID] | None) -> None:
        """Begin anew, with the records of *kept*. Args: made_from: what it stands for.  only: people who are compared, with everybody; None: all."""
        self.throw_away()
        make_folder(self._folder, 0o700)
        db = self._connect()
        joints.forget(db)
        with joints.noted(db, BEGUN):
            db.execute("create table only_id as select unnest($1::varchar[]) as id", [[str(one) for one in only or ()]])
            db.execute("create table mark as select $1 as told, $2 as made_by, $3 as everybody, '' as scores", [made_from, engine(), only is None])
        for path in (*self._folder.glob("matching.duckdb*"), self._folder):
            sync(path)
        kept.lend_to(db)

    def go_on(self, kept: Kept) -> None:
        """Go on where it was cut off; *kept* are the records that it was begun with."""
        db = self._opened
        for (table,) in db.execute("select table_name from duckdb_tables() where table_name like '\\_\\_splink%' escape '\\'").fetchall():
            db.execute(f'drop table "{table}"')
        kept.lend_to(db)

    def only(self) -> list[UUID] | None:
        """The people who are compared, with everybody; None: all of them."""
        (everybody,) = self._opened.execute("select everybody from mark").fetchall()[0]
        return None if everybody else [UUID(one) for (one,) in self._opened.execute("select id from only_id order by id").fetchall()]

    def compare_everybody(self) -> None:
        """Compare everybody from here on, whoever was named before."""
        self._opened.execute("update mark set everybody = true")

    def train(self) -> Model:
        """A model from the records; the shipped one (`trained` is false) when there are too few."""
        self._block(everybody=True)
        return learn(self._opened, PEOPLE, self._people(), self._bounds)

    def matches(self, model: Model, least_bits: float, *, tell: Callable[[float], None], after: int = 0) -> Iterator[Match]:
        """Pairs with at least *least_bits*, in the order of ids, *after* so many. *tell* is told the share of pairs looked at, 0 to 1."""
        db = self._opened
        (everybody,) = db.execute("select everybody from mark").fetchall()[0]
        self._block(everybody=everybody)
        scores = hashlib.blake2b(f"{model.to_json()} {least_bits!r}".encode(), digest_size=16).hexdigest()
        if db.execute("select scores from mark").fetchall() != [(scores,)]:
            joints.forget(db, TILE, WEIGHED)
            db.execute("update mark set scores = $1", [scores])
        for pair in scored(db, PEOPLE, model, least_bits, tell=tell, after=after, goes_on=True):
            yield match_of(*pair)

    def throw_away(self) -> None:
        """Nothing of it is needed any more."""
        self._close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _block(self, *, everybody: bool) -> None:
        db, step = self._opened, BLOCKED_ALL if everybody else BLOCKED_SOME
        if joints.done(db, step):
            return
        db.execute("drop table if exists touched")
        if not everybody:
            db.execute("create table touched as select n from record where id in (from only_id)")
        candidates(db, PEOPLE, self._bounds)
        joints.note(db, step)

    def _people(self) -> int:
        return int(self._opened.execute("select count(*) from record").fetchall()[0][0])

    @property
    def _opened(self) -> duckdb.DuckDBPyConnection:
        assert self._db is not None, "begin() comes first"
        return self._db

    def _connect(self) -> duckdb.DuckDBPyConnection:
        self._db = self._open.enter_context(opened_in(self._folder, self._bounds))
        return self._db

    def _close(self) -> None:
        self._db = None
        self._open.close()


def engine() -> str:
    """Names the code that compares: another one may do it otherwise, so that nothing begun by it counts."""
    told = hashlib.blake2b(f"{duckdb.__version__} {version('splink')}".encode(), digest_size=16)
    for folder in (Path(__file__).parent, Path(identity.__file__).parent / "matching"):
        for path in sorted(folder.glob("*.py")):
            told.update(path.read_bytes())
    return told.hexdigest()
