"""What the property tests draw from: legal names, tokens and messages, and ways to cut a stream."""

from itertools import pairwise

from hypothesis import strategies as st

from chatproto import BadNameError, Completion, Feature, Request, check_password, check_room_name, check_user_name


def _is_legal_room(name: str) -> bool:
    try:
        check_room_name(name.encode())
    except BadNameError:
        return False
    return True


def _is_legal_user(name: str) -> bool:
    try:
        check_user_name(name.encode())
    except BadNameError:
        return False
    return True


_ANY_TEXT = st.text(
    st.one_of(
        st.sampled_from('{"[ \\azAZ09é漢😀\u3000\xa0'),
        st.characters(codec="utf-8", exclude_categories=("C", "Z")),
    ),
    min_size=1,
    max_size=63,
)
ROOM_NAMES = _ANY_TEXT.filter(_is_legal_room)
USER_NAMES = _ANY_TEXT.filter(_is_legal_user)
TOKENS = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=",:"), min_size=1, max_size=255
).map(str.encode)
PLAIN_TOKENS = TOKENS.filter(lambda token: not token.startswith(b"{"))
PASSWORDS = st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).map(check_password)
FEATURES = st.frozensets(st.sampled_from(Feature))
REQUESTS = st.one_of(
    st.builds(Request, USER_NAMES),
    st.builds(Request, USER_NAMES, PASSWORDS, st.just(value=True), st.just(value=False), FEATURES),
    st.builds(
        Request,
        USER_NAMES,
        json_reply=st.just(value=True),
        plain=st.just(value=False),
        sealed=st.booleans(),
        features=st.just(frozenset({Feature.SEALED})),
    ),
    st.builds(Request, USER_NAMES, PASSWORDS, json_reply=st.booleans(), plain=st.just(value=False)),
)
COMPLETIONS = st.builds(
    Completion,
    PLAIN_TOKENS,
    st.booleans(),
    st.integers(1, 2**16 - 1),
    st.floats(min_value=0, max_value=1e9),
    st.integers(0, 2**32),
    st.booleans(),
    FEATURES,
    sealed=st.booleans(),
    web=st.sampled_from(["", "https://chat.example.org/", "http://[2001:db8::7]:9080/#port=9001"]),
)


@st.composite
def split(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """Cut ``data`` into pieces, in order; some of them may be empty."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    edges = [0, *cuts, len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=6,
)
