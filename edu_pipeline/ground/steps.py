"""A step of a run: the tables that are always made together, as Dagster sees them.

A table is a function whose parameters are what it needs, by name: other tables as frames, and
whatever `GIVEN` has. Which tables there are, is for the `assets` modules to say.
"""

import base64
import functools
import inspect
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import dagster as dg
import polars as pl

from edu_pipeline.ground.mishaps import sentence
from edu_pipeline.ground.one_run import SOURCE_TAG, require_whole
from edu_pipeline.ground.resources import Warehouse, declared_columns, table_metadata
from edu_pipeline.ground.warehouse import (
    Connection,
    OutOfMemoryError,
    append,
    columns_of,
    give_memory,
    one_thread,
    read_table,
    transaction,
    write_partition,
    write_table,
)
from edu_pipeline.model.catalogue import SCHEMAS

OWNERS = ["team:data"]
_RESOURCES = frozenset({"home", "mail_room", "settings", "zone"})
GIVEN = frozenset({"con", "context"}) | _RESOURCES
"""What a function may ask for besides tables; `con` is the warehouse, within the step's transaction."""

Notes = Mapping[str, Any]
"""What Dagster shows with a table, such as how many letters there are."""
Parts = Generator[pl.DataFrame, None, Notes]
"""A table that is too large to be in memory whole, one frame at least; its notes at the end."""
Made = pl.DataFrame | tuple[pl.DataFrame, Notes] | Parts | Notes | None
"""A table; a table with notes; in parts; notes alone, of what is no table; None: it is in the warehouse."""


def spec_of(
    name: str,
    group: str,
    *,
    kinds: Collection[str],
    pii: str,
    deps: Sequence[str],
    description: str = "",
    source: str | None = None,
    freshness: dg.FreshnessPolicy | None = None,
) -> dg.AssetSpec:
    """A table as Dagster's catalogue has it, in the words of its schema where it has one.

    Args:
        name: Of the table.
        group: Its asset group.
        kinds: What it is made with or of.
        pii: Whom it tells of: `none`, `groups`, `ids` or `names`.
        deps: The tables that it rests on.
        description: Default: its schema's.
        source: Whose landing makes it anew; None: any.
        freshness: How old it may be.
    """
    schema = SCHEMAS.get(name)
    return dg.AssetSpec(
        name,
        deps=list(dict.fromkeys(deps)),
        description=description or inspect.cleandoc((schema and schema.__doc__) or ""),
        group_name=group,
        kinds=set(kinds),
        owners=OWNERS,
        tags={"pii": pii, **({SOURCE_TAG: source} if source else {})},
        freshness_policy=freshness,
        metadata=declared_columns(name),
    )


@dataclass(frozen=True)
class Table:
    """An asset, and the function that makes it."""

    make: Callable[..., Made]
    name: str
    description: str
    group: str
    kinds: Collection[str]
    pii: str
    deps: Sequence[str]
    reads: Mapping[str, str]
    """Parameter → the table that it is."""
    source: str | None
    whole: Sequence[str]
    freshness: dg.FreshnessPolicy | None

    @property
    def needs(self) -> Sequence[str]:
        """All tables that it rests on."""
        return (*self.reads.values(), *self.deps)

    def spec(self) -> dg.AssetSpec:
        """As Dagster has it."""
        return spec_of(
            self.name,
            self.group,
            kinds=self.kinds,
            pii=self.pii,
            deps=self.needs,
            description=self.description,
            source=self.source,
            freshness=self.freshness,
        )


@dataclass(frozen=True)
class Check:
    """What a person should see of a table, and the function that looks."""

    look: Callable[..., dg.AssetCheckResult]
    name: str
    of: str
    description: str
    reads: Mapping[str, str] = field(default_factory=dict)

    def spec(self) -> dg.AssetCheckSpec:
        """As Dagster has it."""
        return dg.AssetCheckSpec(self.name, asset=self.of, description=self.description)


def _reads(of: Callable[..., object], given: Mapping[str, str]) -> Mapping[str, str]:
    asked = inspect.signature(of).parameters
    return {
        name: given.get(name, name)
        for name, parameter in asked.items()
        if name not in GIVEN and (name in given or parameter.default is parameter.empty)
    }


def table(
    group: str,
    *,
    kinds: Collection[str],
    pii: str,
    name: str | None = None,
    description: str | None = None,
    deps: Sequence[str] = (),
    reads: Mapping[str, str] = MappingProxyType({}),
    source: str | None = None,
    whole: Sequence[str] = (),
    freshness: dg.FreshnessPolicy | None = None,
) -> Callable[[Callable[..., Made]], Table]:
    """Declare a table.

    Args:
        group: Its asset group.
        kinds: What it is made with or of.
        pii: Whom it tells of: `none`, `groups`, `ids` or `names`.
        name: Default: the function's.
        description: Default: the function's docstring, else what its schema says.
        deps: Tables that the function reads in the warehouse itself.
        reads: Parameter → table, where their names differ.
        source: Whose landing makes it anew; None: any.
        whole: It must not be made but by these jobs, with all that they make before it.
        freshness: How old it may be.
    """

    def declare(make: Callable[..., Made]) -> Table:
        return Table(
            make=make,
            name=name or make.__name__,
            description=inspect.cleandoc(description or make.__doc__ or ""),
            group=group,
            kinds=kinds,
            pii=pii,
            deps=deps,
            reads=_reads(make, reads),
            source=source,
            whole=whole,
            freshness=freshness,
        )

    return declare


def check(
    of: str, description: str, *, name: str | None = None
) -> Callable[[Callable[..., dg.AssetCheckResult]], Check]:
    """Declare a check of a table; `name` is the function's where none is given."""

    def declare(look: Callable[..., dg.AssetCheckResult]) -> Check:
        return Check(look, name or look.__name__, of, description, _reads(look, {}))

    return declare


def step(
    name: str,
    made: Sequence[Table],
    *,
    checks: Sequence[Check] = (),
    partitions: dg.PartitionsDefinition[str] | None = None,
    together: bool = True,
    apart: Collection[str] | None = None,
    threads: bool = True,
) -> dg.AssetsDefinition:
    """The step that makes these tables, in this order, all or some, in one transaction.

    Nothing of a step that fails stays in the warehouse, unless they are not made together. Tables that a run does not make are read
    as they are.

    Args:
        name: Of the step.
        made: Each after those of the step that it rests on.
        checks: Of these tables.
        partitions: Where one partition of each is made at a time.
        apart: For tables that must be made whole: what of other steps may be from another run;
            None: all of it.
        together: Whether in one transaction; where rows come by the million, or a table is tried in
            several ways, each is made by itself.
        threads: Whether its statements are large enough for more than one.
    """
    own = [each.name for each in made]
    _in_order(name, made)
    members: Sequence[Table | Check] = (*made, *checks)
    needed = {parameter for each in members for parameter in _parameters(each)}

    def made_in(
        con: Connection, context: dg.AssetExecutionContext, todo: Sequence[Table]
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        with transaction(con) if together else nullcontext():
            # a run of one week also makes tables that have no weeks
            reach = _Reach(context, con, own if partitions else [])
            for place, each in enumerate(todo, start=1):
                notes = _keep(reach, each)
                yield dg.MaterializeResult(asset_key=each.name, metadata=notes)
                reach.forget_but(_read_by(todo[place:]) | _read_by(checks))
            looked_at = {(key.asset_key, key.name) for key in context.selected_asset_check_keys}
            for look in checks:
                if (dg.AssetKey(look.of), look.name) in looked_at:
                    yield _seen(look, look.look(**reach.of(look)))

    @dg.multi_asset(
        name=name,
        specs=[each.spec() for each in made],
        check_specs=[each.spec() for each in checks],
        can_subset=True,
        partitions_def=partitions,
        required_resource_keys={"warehouse"} | (needed & _RESOURCES),
    )
    def make(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        wanted = {key.path[-1] for key in context.selected_asset_keys}
        todo = [each for each in made if each.name in wanted]
        for each in todo:
            if each.whole:
                require_whole(context, each.name, each.whole, own, apart)
        warehouse: Warehouse = context.resources.warehouse
        with (
            said_in_a_sentence(),
            warehouse.connect() as con,
            nullcontext() if threads else one_thread(con),
        ):
            try:
                done = [*made_in(con, context, todo)]
            except OutOfMemoryError:
                give_memory(con)
                done = [*made_in(con, context, todo)]
        yield from done

    return make


@contextmanager
def said_in_a_sentence() -> Iterator[None]:
    """Let a step fail with what is wrong and what to do, where that is known, without the way there."""
    try:
        yield
    except dg.Failure:
        raise
    except Exception as error:
        told = sentence(error)
        if told is None or isinstance(error, OutOfMemoryError):
            raise
        raise dg.Failure(told, allow_retries=False) from None


def thinned(steps: Sequence[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """Steps whose tables name only what they rest on directly, so that a person can follow the lines.

    What lies behind another table is left out where every run that makes both makes that one, too: it
    is of the same source as either, or of all.
    """
    specs = {spec.key: spec for each in steps for spec in each.specs}

    def source(key: dg.AssetKey) -> str | None:
        return specs[key].tags.get(SOURCE_TAG)

    def rests_on(key: dg.AssetKey) -> set[dg.AssetKey]:
        return {dep.asset_key for dep in specs[key].deps} & specs.keys()

    @functools.cache
    def behind(key: dg.AssetKey, along: frozenset[str | None]) -> set[dg.AssetKey]:
        """All that a table rests on by way of tables of these sources."""
        found: set[dg.AssetKey] = set()
        todo = [key]
        while todo:
            for each in rests_on(todo.pop()) - found:
                found.add(each)
                if source(each) in along:
                    todo.append(each)
        return found

    def direct(spec: dg.AssetSpec) -> dg.AssetSpec:
        own = rests_on(spec.key)

        def is_far(dep: dg.AssetKey) -> bool:
            along = frozenset({None, source(dep), source(spec.key)})
            return any(dep in behind(each, along) for each in own if source(each) in along)

        return spec.replace_attributes(
            deps=[dep for dep in spec.deps if dep.asset_key not in own or not is_far(dep.asset_key)]
        )

    return list(dg.map_asset_specs(direct, steps))


def picture(png: bytes | None, title: str = "a chart", *, name: str = "preview") -> Notes:
    """A note that shows a picture; none where there is none.

    Args:
        png: Small, and nothing personal: the event log keeps it.
        title: For who cannot see it.
        name: Of the note.
    """
    if png is None:
        return {}
    data = base64.b64encode(png).decode()
    return {name: dg.MetadataValue.md(f"![{title}](data:image/png;base64,{data})")}


def _in_order(name: str, made: Sequence[Table]) -> None:
    own = [each.name for each in made]
    for at, each in enumerate(made):
        if late := set(each.needs) & set(own[at:]):
            raise ValueError(f"{name} makes {each.name} before {', '.join(sorted(late))}.")


def _parameters(of: Table | Check) -> Collection[str]:
    return inspect.signature(of.make if isinstance(of, Table) else of.look).parameters


class _Reach:
    """What the functions of one step in one run ask for; a table is read once."""

    def __init__(
        self, context: dg.AssetExecutionContext, con: Connection, partitioned: Collection[str]
    ) -> None:
        self.con = con
        self.partition = context.partition_key if partitioned else None
        self._context, self._partitioned = context, partitioned
        self._read: dict[str, pl.DataFrame] = {}

    def of(self, of: Table | Check) -> Mapping[str, Any]:
        """The arguments of a function."""
        given = {name: self._given(name) for name in _parameters(of) if name in GIVEN}
        return given | {name: self._table(of_table) for name, of_table in of.reads.items()}

    def forget_but(self, needed: Collection[str]) -> None:
        """Let go of the tables that nothing else in the step reads."""
        self._read = {name: frame for name, frame in self._read.items() if name in needed}

    def _given(self, name: str) -> object:
        if name == "con":
            return self.con
        if name == "context":
            return self._context
        return getattr(self._context.resources, name)

    def _table(self, name: str) -> pl.DataFrame:
        if name not in self._read:
            self._read[name] = self._from_warehouse(name)
        return self._read[name]

    def _from_warehouse(self, name: str) -> pl.DataFrame:
        if columns_of(self.con, name) is None:
            raise dg.Failure(
                f"The table {name} is not there yet. Run the refresh job first "
                "(edu-pipeline run, or materialise it in the UI)."
            )
        return read_table(self.con, name, self.partition if name in self._partitioned else None)


def _read_by(of: Iterable[Table | Check]) -> set[str]:
    return {name for each in of for name in each.reads.values()}


def _keep(reach: _Reach, each: Table) -> Notes:
    """Make a table, put it into the warehouse, and say what Dagster shows with it."""
    made = each.make(**reach.of(each))
    if isinstance(made, Mapping):
        return made
    notes: Notes = {}
    if isinstance(made, Generator):
        notes = _write_parts(reach, each.name, made)
    elif made is not None:
        frame, notes = made if isinstance(made, tuple) else (made, notes)
        _write(reach, each.name, frame)
    return {**table_metadata(reach.con, each.name), **notes}


def _write_parts(reach: _Reach, name: str, parts: Parts) -> Notes:
    _write(reach, name, next(parts))
    while True:
        try:
            part = next(parts)
        except StopIteration as end:
            notes: Notes = end.value
            return notes
        append(reach.con, name, part)


def _write(reach: _Reach, name: str, frame: pl.DataFrame) -> None:
    if reach.partition:
        write_partition(reach.con, name, frame, reach.partition)
    else:
        write_table(reach.con, name, frame)


def _seen(look: Check, result: dg.AssetCheckResult) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=look.of,
        check_name=look.name,
        passed=result.passed,
        severity=result.severity,
        description=result.description,
        metadata=result.metadata,
    )
