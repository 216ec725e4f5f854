"""Whether tables come from one run: the guard of what must not rest on a mixture.

In the UI any asset can be materialised alone. Most may; the gate and the queue may not, because the
one must speak of the tables that are there and the other must freeze what was just written.
"""

from collections.abc import Collection, Sequence

import dagster as dg
import polars as pl

SOURCE_TAG = "source"
"""Of a table that is made anew when this source has landed anew."""


def require_whole(
    context: dg.AssetExecutionContext,
    name: str,
    jobs: Sequence[str],
    step: Collection[str],
    apart: Collection[str] | None,
) -> None:
    """Stop unless this is a run of a job that makes a table, with all that it must rest on.

    Args:
        context: Of the step that makes the table.
        name: Of the table.
        jobs: That may make it; the first is named in the message.
        step: The tables of its step; those that it rests on must be made as well.
        apart: Of the tables of other steps, those that may be from another run; None: all.

    Raises:
        dagster.Failure: Something would be older; the message says which job to launch.
    """
    layer = context.job_def.asset_layer
    made = {key.path[-1] for key in layer.executable_asset_keys}
    rests_on = {
        key.path[-1] for key in layer.asset_graph.get_ancestor_asset_keys(dg.AssetKey(name))
    }
    # what a run leaves out has no tags and nothing before it in its graph, so only names tell
    older = {
        each
        for each in rests_on - made
        if each in step or (apart is not None and each not in apart)
    }
    chosen = context.run.step_keys_to_execute  # None: all, as of a run that a sensor started
    again = chosen is not None and set(context.job_def.graph.node_dict) - set(chosen)
    if context.run.job_name not in jobs or older or again:
        raise dg.Failure(
            f"{name} must not be made alone: what it rests on may be from another run. Launch the "
            f"whole job {jobs[0]}.",
            allow_retries=False,
        )


def sources_made(context: dg.AssetExecutionContext) -> frozenset[str]:
    """The sources of which this run makes any table; none where it makes only what is of all."""
    layer = context.job_def.asset_layer
    found = (layer.asset_graph.get(key).tags.get(SOURCE_TAG) for key in layer.executable_asset_keys)
    return frozenset(source for source in found if source)


def require_one_refresh(landing_files: pl.DataFrame, mail_gate: pl.DataFrame) -> None:
    """Stop unless the gate was recorded by the refresh that listed the school's files.

    Raises:
        dagster.Failure: A refresh began and did not come to its end.
    """
    listed, recorded = (
        set(landing_files.filter(source="school")["refresh"]),
        set(mail_gate["refresh"]),
    )
    if listed != recorded:
        raise dg.Failure(
            "The last refresh did not finish, so the tables do not fit together. Run the refresh "
            "job again, then send."
        )


def require_finished_refresh(context: dg.AssetExecutionContext, first: str, last: str) -> None:
    """Stop unless the run that began the last refresh came to its end.

    Args:
        context: Of the asset that asks.
        first: An asset that a refresh makes early.
        last: One that it makes late.

    Raises:
        dagster.Failure: They are from different runs.
    """
    events = [
        context.instance.get_latest_materialization_event(dg.AssetKey(name))
        for name in (first, last)
    ]
    if len({event and event.run_id for event in events}) > 1:
        raise dg.Failure(
            "The last refresh did not finish, so the tables do not fit together. Run the refresh "
            "job again, then send."
        )


def is_older_than(
    instance: dg.DagsterInstance, written: str, partition: str, refreshed: str
) -> bool:
    """Whether a partition of an asset was last made before another asset was.

    Args:
        instance: The history.
        written: Name of the partitioned asset.
        partition: Its partition.
        refreshed: Name of the other asset, which has no partitions.
    """
    newer = instance.get_latest_materialization_event(dg.AssetKey(refreshed))
    if newer is None:
        return False
    found = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=dg.AssetKey(written), asset_partitions=[partition]), limit=1
    ).records
    return not found or found[0].timestamp < newer.timestamp
