"""Two hundred strings that do harm in a page that takes a text for markup, a link or a script."""

from itertools import cycle, islice
from typing import Final

_ELEMENTS: Final = (
    "<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "<svg onload=alert(1)>", "<b>bold</b>",
    "<iframe srcdoc='<script>alert(1)</script>'>", "<style>*{display:none}</style>", "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0>", "<form action=//evil.example><input name=q>", "<math><mtext></mtext></math>",
    "<a href=javascript&colon;alert(1)>x</a>", "<video src=//evil.example/v autoplay>", "<object data=x></object>",
    "<embed src=x>", "<link rel=stylesheet href=//evil.example/x.css>", "<template><b>x</b></template>",
    "<chat-app></chat-app>", "<details open ontoggle=alert(1)>", "<marquee onstart=alert(1)>", "<plaintext>",
)  # fmt: skip
_ADDRESSES: Final = (
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,<script>alert(1)</script>",
    "vbscript:x", "file:///etc/passwd", "blob:https://evil.example/x", 'https://evil.example/"onmouseover=alert(1)',
    "https://evil.example/'onclick='alert(1)", "https://user:pass@evil.example/<b>", "[x](javascript:alert(1))",
    "chat://evil.example/<b>x</b>", "//evil.example/x.js", "https://[::1", "http://",
)  # fmt: skip
_BROKEN: Final = (
    '"><img src=x>', "'><b>", "--><b>", "]]><b>", "</div></article><b>", "</textarea><b>", "&lt;b&gt;", "&#60;b&#62;",
    "%3Cb%3E", "\\u003cb\\u003e", "{{constructor}}", "${alert(1)}", "{what} {todo}", "{name}", "__proto__",
    "constructor", "e2e1.AAAA", "`<b>x</b>`", "> <i>quoted</i>", "```\n<b>\n```", "<b\u2028>", "<\u0000b>", "\x1b[2J",
    "<b>" * 40,
)  # fmt: skip
_DIRECTIONS: Final = (
    "\u202eevil\u202c", "\u202dabc", "\u2066<b>\u2069", "\u2067abc", "\u202a\u202b\u202e", "\u200f<i>", "\u061cabc",
    "a\u0301" * 60, "\ufeff<b>", "\u2800<b>",
)  # fmt: skip
_BASES: Final = (*_ELEMENTS, *_ADDRESSES, *_BROKEN, *_DIRECTIONS)
_AROUND: Final = ("{}", "x{}", "{}\u202e", "<p>{}")

HOSTILE: Final = [
    around.replace("{}", base) + f" {number}"
    for number, (around, base) in enumerate(
        islice(((around, base) for around in cycle(_AROUND) for base in _BASES), 200)
    )
]
"""Each ends with its own number, for members' names must differ."""

DIRECTION_SIGNS: Final = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

STRANGE: Final = r"""(own) => [...document.body.querySelectorAll("*")].flatMap((element) => {
  const tag = element.localName;
  const attributes = element.getAttributeNames();
  const found = [];
  if (!own.includes(tag)) found.push(`<${tag}>`);
  if (attributes.some((name) => name.startsWith("on") || name === "srcdoc")) found.push(element.outerHTML);
  if (element instanceof HTMLImageElement && element.getAttribute("src") !== "icon.svg") found.push(element.outerHTML);
  if (element instanceof HTMLAnchorElement && !/^https?:$/.test(element.protocol)) found.push(element.outerHTML);
  return found;
})"""
"""Returns what is in a page beside elements of these names: others, handlers, pictures, links that are no https."""

OWN_ELEMENTS: Final = (
    "chat-app", "room-list", "room-view", "room-banner", "message-list", "message-composer", "member-list",
    "start-page", "open-rooms", "nav", "main", "header", "section", "div", "span", "p", "h1", "h2", "ul", "li", "bdi",
    "img", "svg", "path", "circle", "rect", "form", "fieldset", "legend", "label", "input", "textarea", "button",
    "article", "time", "a", "code", "pre", "blockquote", "mark", "noscript",
)  # fmt: skip
"""What the page's body is made of."""
