"""The mail room as Dagster sees it: periods recorded, letters queued, delivered and counted."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import dagster as dg
import polars as pl

from edu_pipeline.mail.delivery import deliver
from edu_pipeline.mail.due import Period
from edu_pipeline.mail.frames import letters_from
from edu_pipeline.mail.ledger import Ledger
from edu_pipeline.mail.proofs import write_proofs
from edu_pipeline.mail.render import environment
from edu_pipeline.mail.transports.folder import FolderTransport
from edu_pipeline.one_run import require_one_run
from edu_pipeline.settings import Home
from edu_pipeline.shipped import shipped

GROUP = "mail"
REMEMBERED = "ledger"
"""Group of what is read from the ledger before anything is computed."""
OWNERS = ["team:data"]


def open_ledger(home: Home) -> Ledger:
    """A home's ledger."""
    home.data.mkdir(parents=True, exist_ok=True)
    return Ledger(f"sqlite:///{home.ledger}")


def recorded_periods(campaign: str, table: str) -> dg.AssetsDefinition:
    """The asset that records a campaign's periods.

    Args:
        campaign: Such as `teachers`.
        table: The asset with its periods, a frame of `due.PERIODS`.
    """

    @dg.asset(
        name="recorded_periods",
        group_name=GROUP,
        kinds={"sqlite"},
        owners=OWNERS,
        tags={"pii": "none"},
        ins={"periods": dg.AssetIn(table)},
    )
    def record(periods: pl.DataFrame, home: dg.ResourceParam[Home]) -> dg.MaterializeResult[None]:
        """What may be sent, written to the ledger, where sensors can read it during a run."""
        with open_ledger(home) as ledger:
            ledger.record_periods(
                campaign, [Period(**row) for row in periods.iter_rows(named=True)]
            )
        return dg.MaterializeResult(
            metadata={"periods": periods.height, "held": periods["held"].count()}
        )

    return record


def said_before(weeks: dg.PartitionsDefinition[str], campaign: str) -> dg.AssetsDefinition:
    """The asset that tells a week's letters what was said before, so that they can correct it.

    Args:
        weeks: One partition per week.
        campaign: Such as `teachers`.
    """

    @dg.asset(
        name="said_before",
        group_name=REMEMBERED,
        kinds={"sqlite"},
        owners=OWNERS,
        tags={"pii": "ids"},
        partitions_def=weeks,
    )
    def said(context: dg.AssetExecutionContext, home: dg.ResourceParam[Home]) -> pl.DataFrame:
        """The figures of the newest earlier period whose letters arrived, from the ledger.

        One row per letter and figure: `period`, `recipient_key`, `subject`, `numerator`,
        `denominator`; `week_start` is the week of the letters that may correct them.
        """
        with open_ledger(home) as ledger:
            return ledger.figures_before(campaign, date.fromisoformat(context.partition_key))

    return said


def weekly_assets(
    weeks: dg.PartitionsDefinition[str], campaign: str, table: str
) -> Sequence[dg.AssetsDefinition]:
    """The steps of a week's sending.

    Args:
        weeks: One partition per week.
        campaign: Such as `teachers`.
        table: The asset with the week's letters, a frame of `frames.SCHEMA`.
    """

    @dg.asset(
        group_name=GROUP,
        kinds={"sqlite"},
        owners=OWNERS,
        tags={"pii": "names"},
        partitions_def=weeks,
        ins={"letters": dg.AssetIn(table)},
    )
    def queued_letters(
        context: dg.AssetExecutionContext,
        letters: pl.DataFrame,
        home: dg.ResourceParam[Home],
    ) -> dg.MaterializeResult[None]:
        """The week's letters, frozen in the ledger. What already went out stays as it is."""
        with open_ledger(home) as ledger:
            result = ledger.queue(
                letters_from(letters), now=datetime.now(UTC), by=f"run {context.run.run_id}"
            )
        return dg.MaterializeResult(
            metadata={
                "new": result.new,
                "unchanged": result.unchanged,
                "changed": result.changed,
                "already sent": result.already_sent,
                "cancelled": result.cancelled,
            }
        )

    @dg.asset(
        group_name=GROUP,
        kinds={"email"},
        owners=OWNERS,
        tags={"pii": "names"},
        partitions_def=weeks,
        deps=[queued_letters],
    )
    def delivered_letters(
        context: dg.AssetExecutionContext, home: dg.ResourceParam[Home]
    ) -> dg.MaterializeResult[None]:
        """The week's pending letters, delivered; each at most once. The proof sheet shows all."""
        require_one_run(context, "send_letters", partitioned_only=True)
        templates = environment([home.templates, shipped("templates")])
        with open_ledger(home) as ledger:
            period = next(
                (
                    period
                    for period in ledger.recorded_periods()
                    if (period.campaign, period.partition) == (campaign, context.partition_key)
                ),
                None,
            )
            if period is None:
                raise dg.Failure(
                    "The last refresh has no figures for this week. Run the refresh job, or choose "
                    "a week that has some."
                )
            sent = 0
            if period.held is None:
                sent = deliver(
                    ledger,
                    FolderTransport(home.outbox),
                    campaign=campaign,
                    period=period.period,
                    now=lambda: datetime.now(UTC),
                    owner=f"run {context.run.run_id}",
                    lock_path=home.ledger.with_suffix(".sender"),
                ).sent
            else:
                context.log.warning("Held, nothing delivered: %s", period.held)
            write_proofs(home.outbox, ledger, campaign, period.period, templates)
            counts = ledger.counts(campaign, period.period)
        return dg.MaterializeResult(
            metadata={"sent now": sent, **{f"letters {state}": n for state, n in counts.items()}}
        )

    return [said_before(weeks, campaign), queued_letters, delivered_letters]


@dg.asset(
    group_name=GROUP,
    kinds={"duckdb"},
    owners=OWNERS,
    tags={"pii": "none"},
    deps=["delivered_letters"],
)
def ledger_letters(home: dg.ResourceParam[Home]) -> pl.DataFrame:
    """A copy of the ledger for analysis: one row per letter, no content, no names, no addresses."""
    with open_ledger(home) as ledger:
        return ledger.letters_frame()


@dg.asset(group_name=REMEMBERED, kinds={"sqlite"}, owners=OWNERS, tags={"pii": "names"})
def gate_releases(home: dg.ResourceParam[Home]) -> pl.DataFrame:
    """The problems that a person released, and why: the gate holds nothing because of these."""
    with open_ledger(home) as ledger:
        return ledger.releases_frame()


@dg.asset(group_name=REMEMBERED, kinds={"sqlite"}, owners=OWNERS, tags={"pii": "none"})
def mailed_before(home: dg.ResourceParam[Home]) -> pl.DataFrame:
    """Whether letters ever went out: then a warehouse without a past was deleted."""
    with open_ledger(home) as ledger:
        return pl.DataFrame({"mailed": [ledger.has_sent()]})


@dg.asset_check(asset="recorded_periods", description="The newest week's letters may go out.")
def newest_week_is_not_held(home: dg.ResourceParam[Home]) -> dg.AssetCheckResult:
    """Shows the gate; sending does not rely on this check but on the record."""
    with open_ledger(home) as ledger:
        newest = max(ledger.recorded_periods(), key=lambda period: period.last_day, default=None)
    held = newest.held if newest else "No week has figures."
    return dg.AssetCheckResult(passed=held is None, description=held or "Not held.")


ASSETS: Sequence[dg.AssetsDefinition] = [gate_releases, ledger_letters, mailed_before]
CHECKS: Sequence[dg.AssetChecksDefinition] = [newest_week_is_not_held]
