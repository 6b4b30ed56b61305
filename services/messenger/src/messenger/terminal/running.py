"""From the command line to the app, and from its end to an exit code."""

import asyncio
import random
from datetime import datetime

from chatbrain import Ended, RejoinPolicy
from chatclient.links import SocketLinks
from messenger.cli.arguments import Arguments
from messenger.cli.platforms import on_end
from messenger.core.entry import Entry
from messenger.core.messenger import Messenger
from messenger.presentation import wording
from messenger.store.ignored import IgnoredPeople
from messenger.store.known_servers import KnownServers, default_path
from messenger.store.logbook import Logbook
from messenger.store.recents import Recents
from messenger.terminal.app import ChatApp
from messenger.terminal.start_screen import Form


async def chat_on_terminal(arguments: Arguments, password: str | None, log: Logbook | None) -> Ended | None:
    """Show the app until the person leaves or a signal comes.

    Returns how the room that was asked for at the start ended, or None if there was none or one left it.
    """
    links = SocketLinks(asyncio.get_running_loop())
    known = KnownServers(default_path())
    messenger = Messenger(
        links,
        known,
        IgnoredPeople(known.path.with_name("ignored.json")),
        word=wording.word,
        random=random.random,
        clock=lambda: datetime.now().astimezone(),
        rejoin=RejoinPolicy(enabled=arguments.rejoin),
        transport=arguments.transport,
    )
    if log:
        log.follow(messenger)
    recents = Recents(known.path.with_name("recents.json"))
    form = Form(name=arguments.name)
    app = ChatApp(messenger, form=form, first=_entry(arguments, password), recents=recents, bell=arguments.bell)
    on_end(app.leave_at_end, interrupt=True)
    try:
        await app.run_async()
    finally:
        messenger.leave_all()
    return app.left_badly()


def _entry(arguments: Arguments, password: str | None) -> Entry | None:
    if arguments.command is None:
        return None
    return Entry.read(
        arguments.server,
        arguments.room,
        arguments.name,
        create=arguments.command == "create",
        password=password or "",
        tls=arguments.tls,
        transport=arguments.transport,
        key=arguments.key,
    )
