"""What people say in the pictures of the terminal app."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chatproto import EvictionReason, MemberEvicted, MemberJoined, MemberLeft


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation, as one of its people sees it."""

    me: str
    room: str
    topic: str
    members: Sequence[str]
    """As the relay lists them, with marks."""
    lines: Sequence[Any]
    """Messages of others are texts, one's own are tuples, the rest are notices."""
    after: Sequence[str]
    """What was said while nobody looked."""
    draft: str
    others: Sequence[str]
    unread: Sequence[int]


TALKS: Final[Mapping[str, Talk]] = {
    "en": Talk(
        me="Ann",
        room="kitchen table",
        topic="Saturday's market: who brings what?",
        members=("Milo (host)", "Ann", "Bea", "Chidi", "ヒロ"),
        lines=(
            "Milo: Morning! The stall is ours from seven, the awning is in the van already.",
            ("I'll bring two loaves and the good knife. Does anybody have change?",),
            "Bea: I do, about sixty in coins.",
            "ヒロ: おはよう! I'm bringing 大福, thirty of them 🍡",
            MemberJoined("Chidi"),
            "Chidi: Sorry, the train. The map: https://market.example/plan/2026 — we are number 14, beside the honey.",
            "Bea: Fourteen is perfect.",
            ("Then I'll draw the sign tonight. Big letters, no prices?",),
            "Milo: No prices. People should ask :)",
            MemberEvicted("Tom", EvictionReason.SILENCE),
        ),
        after=("Bea: Who has the key of the van?", "Milo: I do. See you at half past six, at the corner."),
        draft="Milo: half past six it is",
        others=("release 2.4", "crossword"),
        unread=(12, 0),
    ),
    "ja": Talk(
        me="花子",
        room="お茶の間",
        topic="土曜日の市場、だれが何を持っていく？",
        members=("太郎 (host)", "花子", "美咲", "健一", "Milo"),
        lines=(
            "太郎: おはようございます。場所は七時から使えます。テントはもう車に積みました。",
            ("パンを二つと、よく切れる包丁を持っていきます。おつりの小銭はありますか？",),
            "美咲: あります。六千円分くらい。",
            "Milo: Good morning! I'm bringing thirty 大福 🍡",
            MemberJoined("健一"),
            "健一: 電車が遅れました。地図です: https://market.example/plan/2026 うちは十四番、はちみつ屋さんの隣です。",
            "美咲: 十四番、いいですね。",
            ("では今夜、看板を書きます。字は大きく、値段はなしで？",),
            "太郎: 値段はなしで。聞いてもらいましょう。",
            MemberLeft("次郎"),
        ),
        after=("美咲: 車の鍵はどなたが？", "太郎: わたしです。六時半に、いつもの角で会いましょう。"),
        draft="太郎: 六時半ですね、わかりました",
        others=("リリース 2.4", "クロスワード"),
        unread=(12, 0),
    ),
}
