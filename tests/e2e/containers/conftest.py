"""Images built once, and containers that are gone when their test is, however it ends."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from testcontainers.core.config import testcontainers_config
from testcontainers.core.labels import LABEL_SESSION_ID, SESSION_ID
from testcontainers.core.network import Network

from conformance.people import People
from e2e.containers import engine
from e2e.containers.engine import Images, build_images, remove_images, remove_labelled
from e2e.containers.stage import RELAY_NAME, BotsContainer, ChatContainer, Ports, RelayContainer

# Its image may be out of reach, and what it would remove we remove.
testcontainers_config.ryuk_disabled = True

StartRelay = Callable[..., RelayContainer]
StartChat = Callable[..., ChatContainer]
StartBots = Callable[..., BotsContainer]


@pytest.fixture(scope="session")
def images(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    """Build both images from the checkout; in the end they are gone, and whatever was made of them."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"containers: {line}", file=sys.stderr, flush=True)

    built = build_images(f"test-{SESSION_ID[:8]}", tmp_path_factory.mktemp("images") / "images.env", say)
    yield built
    for name, seconds in engine.stops.items():
        say(f"{name} ended within {seconds:.1f} s (promised: {engine.PROMISED_SECONDS:g} s, where nothing else runs)")
    remove_labelled(f"{LABEL_SESSION_ID}={SESSION_ID}")
    remove_images(built)


@pytest.fixture(autouse=True, scope="module")
def _without_own_settings() -> Iterator[None]:
    """Keep the caller's settings of relays, bots and Compose out."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("RELAY_", "BOT_", "COMPOSE_")):
                patch.delenv(name)
        yield


@pytest.fixture
def network() -> Iterator[Network]:
    """Make a network of the test's own, where no address was somebody else's a moment ago."""
    network = Network()
    with network:
        yield network
    network._docker.client.close()  # or its connection is left to the garbage collector, which warns


@pytest.fixture
def start_relay(images: Images, network: Network) -> Iterator[StartRelay]:
    """Start relays with settings such as ``silence_timeout_seconds=3``, and ``same`` ports outside and inside."""
    with ExitStack() as stack:

        def start(same: Ports | None = None, **settings: object) -> RelayContainer:
            named = {f"RELAY_{name.upper()}": str(value) for name, value in settings.items()}
            return stack.enter_context(RelayContainer(images.server, network, named, same))

        yield start


@pytest.fixture
def start_chat(images: Images, network: Network) -> Iterator[StartChat]:
    """Start containers in which somebody chats: ``start_chat("join", "demo", "--name", "bob")``."""
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(ChatContainer(images.client, network, *arguments))


@pytest.fixture
def start_bots(images: Images, network: Network) -> Iterator[StartBots]:
    """Start containers of bots: ``start_bots(SCENARIOS / "load.yaml", BOT_ROOMS="2")``."""
    with ExitStack() as stack:
        yield lambda scenario, **settings: stack.enter_context(
            BotsContainer(images.client, network, scenario, {"BOT_SERVER": RELAY_NAME} | settings)
        )


@pytest.fixture
def relay(start_relay: StartRelay) -> RelayContainer:
    return start_relay()


@pytest.fixture
def people(relay: RelayContainer) -> Iterator[People]:
    """People on this machine, who speak through the published ports."""
    with People(relay.relay) as people:
        yield people
