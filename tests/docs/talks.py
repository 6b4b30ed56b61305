"""Who talks in the pictures of the window and of the page, and what: made up."""

# ruff: noqa: RUF001 - Japanese has exclamation marks of its own

from datetime import datetime
from typing import Final

MORNING: Final = datetime(2026, 5, 16, 9, 41)  # noqa: DTZ001 - wherever one is

Said = tuple[str, str, float]
"""Who, what, and after how many seconds."""

TALKS: Final[dict[str, dict[str, list[Said]]]] = {
    "en": {
        "hikers": [
            ("Bea", "Good morning! Is everybody still in for the hike on Sunday?", 0),
            ("Ann", "I am. The forecast says sun until four.", 25),
            ("Bea", "Here is the way I had in mind: https://maps.example.org/ridge-trail", 70),
            ("Bea", "About eleven kilometres, with one steep part in the middle.", 8),
            ("さくら", "楽しみです！お弁当を持っていきます。", 60),
            ("Ann", "Lovely. Then I bring tea for all of us, and the first-aid kit.", 40),
            ("Cem", "Count me in. Shall we meet at the station at half past eight?", 50),
        ],
        "book club": [("Dora", "Chapter four is where it gets good.", 0), ("Eli", "No spoilers, please!", 20)],
        "garden": [("Fay", "The tomatoes are in.", 0)],
    },
    "ja": {
        "山歩き": [
            ("美咲", "おはようございます！日曜日の山歩き、みなさん参加できそうですか？", 0),
            ("さくら", "参加します。予報では午後4時まで晴れだそうです。", 25),
            ("美咲", "コースはこちらを考えています: https://maps.example.org/ridge-trail", 70),
            ("美咲", "全部で11キロほど、途中に一か所だけ急な登りがあります。", 8),
            ("Bea", "Sounds great! I'll bring sandwiches.", 60),
            ("さくら", "いいですね。では、みんなのお茶と救急セットを持っていきます。", 40),
            ("健太", "行きます。8時半に駅で待ち合わせでいいですか？", 50),
        ],
        "読書会": [("大輔", "第四章からぐっと面白くなりますよ。", 0), ("結衣", "ネタバレはなしでお願いします！", 20)],
        "庭いじり": [("陽子", "トマトの苗を植えました。", 0)],
    },
}
WORDS: Final = {
    "en": ("Ann", "Sunday hike: meet at 8:30", "Half past eight is fine. See you on Sunday!"),
    "ja": ("さくら", "日曜日の山歩き・8時半集合", "8時半で大丈夫です。日曜日に会いましょう！"),
}
"""By language: one's own name, the topic of the first room, and what one is about to say."""
