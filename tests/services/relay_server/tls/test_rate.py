"""How many handshakes one address may make."""

import ssl
from pathlib import Path

from relay_server.tls.files import load_certificate
from relay_server.tls.server import Tls
from services.relay_server.tls.certificates import issue

JOIN_RATE = 20.0
CLASS, PER_SECOND = 125, 15


def test_a_class_shakes_hands_at_once_and_nobody_for_long(tmp_path: Path) -> None:
    files = issue(tmp_path)
    tls = Tls(lambda: load_certificate(files, ssl.TLSVersion.TLSv1_3), join_rate=JOIN_RATE)
    asked = 10 * CLASS
    assert [sum(tls.admit(b"flood", second) for _ in range(asked)) for second in (0.0, 1.0, 2.0)] == [
        CLASS,
        PER_SECOND,
        PER_SECOND,
    ]
    assert tls.admit(b"another", 2.0)
