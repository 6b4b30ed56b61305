"""What all dashboards share: time range, refresh interval, links, the selection of relays, and panel ids."""

from collections.abc import Sequence
from itertools import count
from typing import Final, TypeAlias

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

TAG: Final = "chat"
SOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="prometheus")

Panel: TypeAlias = Builder[model.Panel]

Section: TypeAlias = tuple[str, Sequence[Panel]]
"""A heading, empty for none, and the panels below it."""


def board(
    uid: str, title: str, about: str, sections: Sequence[Section], *, choose_instance: bool = False
) -> model.Dashboard:
    """Build a dashboard of sections, one below the other; panels are side by side where they fit."""
    builder = (
        builders.Dashboard(title)
        .uid(uid)
        .description(about)
        .tags([TAG])
        .time("now-15m", "now")
        .refresh("5s")
        .timezone("browser")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .readonly()
        .link(_to_the_others())
    )
    if choose_instance:
        builder.with_variable(_instances())
    for heading, panels in sections:
        if heading:
            builder.with_row(builders.Row(heading))
        for panel in panels:
            builder.with_panel(panel)
    return _numbered(builder.build())


def to_json(dashboard: model.Dashboard) -> str:
    """Encode a dashboard as JSON for Grafana; the same dashboard always gives the same text."""
    return JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False).encode(dashboard) + "\n"


def _numbered(dashboard: model.Dashboard) -> model.Dashboard:
    for panel, number in zip(dashboard.panels or [], count(1), strict=False):
        panel.id_val = number
    return dashboard


def _to_the_others() -> builders.DashboardLink:
    return (
        builders.DashboardLink("Chat")
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .keep_time(True)
        .as_dropdown(False)
        .icon("external link")
    )


def _instances() -> builders.QueryVariable:
    every = model.VariableOption(selected=True, text="All", value="$__all")
    return (
        builders.QueryVariable("instance")
        .label("Relay")
        .description("The relays to show, if there are several.")
        .datasource(SOURCE)
        .query('label_values(relay_rooms{job="relay"}, instance)')
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(every)
    )
