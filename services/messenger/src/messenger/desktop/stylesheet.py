"""Qt's own widgets, made calm: edges, roundings and spacing."""

from collections.abc import Mapping
from string import Template
from typing import Final

_RULES: Final = Template("""
QWidget#side, QWidget#members { background: $side; }
QWidget#side { border-right: 1px solid $line; }
QWidget#members { border-left: 1px solid $line; }
QWidget#bar { background: $ground; border-bottom: 1px solid $line; }
QWidget#chat, QWidget#foot, QScrollArea#start, QWidget#startGround, QDialog { background: $ground; }

QLabel[role="title"] { font-size: $title; font-weight: 600; }
QLabel[role="heading"] { font-weight: 600; }
QLabel[role="muted"] { color: $muted; }
QLabel[role="problem"] { color: $danger; }
QLabel[role="code"] { font-family: monospace; }
QLabel[role="key"] {
    background: $side; border: 1px solid $line; border-radius: 5px; padding: 2px 7px; color: $muted;
}

QFrame#card { background: $raised; border: 1px solid $line; border-radius: 14px; }

QLineEdit, QComboBox, QFrame#input {
    background: $raised; border: 1px solid $line; border-radius: 8px; padding: 6px 9px; color: $text;
    selection-background-color: $accent; selection-color: $on_accent;
}
QFrame#card QLineEdit, QFrame#card QComboBox { background: $ground; }
QLineEdit:focus, QComboBox:focus { border: 1px solid $accent; }
QFrame#input[focused="true"] { border: 1px solid $accent; }
QLineEdit[wrong="true"], QComboBox[wrong="true"], QFrame#input[wrong="true"] { border: 1px solid $danger; }
QComboBox QLineEdit { border: none; padding: 0; background: transparent; }
QComboBox::drop-down { border: none; width: 22px; }
QComboBox QAbstractItemView { background: $raised; border: 1px solid $line; selection-background-color: $chosen;
    selection-color: $text; padding: 4px; outline: none; }
QPlainTextEdit#words { background: transparent; border: none; padding: 0; color: $text; }

QPushButton {
    background: $raised; border: 1px solid $line; border-radius: 8px; padding: 6px 14px; color: $text;
}
QPushButton:hover { background: $hover; }
QPushButton:focus { border: 1px solid $accent; }
QPushButton:disabled { color: $muted; }
QPushButton[role="primary"] {
    background: $accent; border: 1px solid $accent; color: $on_accent; font-weight: 600;
}
QPushButton[role="primary"]:focus { border: 2px solid $text; padding: 5px 13px; }
QPushButton[role="primary"]:disabled { background: $line; border-color: $line; color: $muted; }
QPushButton[role="mode"] {
    border-radius: 7px; padding: 6px 10px; background: transparent; border: 1px solid transparent;
}
QPushButton[role="mode"]:hover { background: $hover; }
QPushButton[role="mode"]:checked { background: $raised; border: 1px solid $line; font-weight: 600; }
QPushButton[role="mode"]:focus { border: 1px solid $accent; }
QFrame#modes { background: $side; border: 1px solid $line; border-radius: 9px; }
QFrame#card QFrame#modes QPushButton:checked { background: $chosen; border-color: $chosen; }
QPushButton[role="quiet"] { background: transparent; border: 1px solid transparent; color: $muted; padding: 4px 8px; }
QPushButton[role="quiet"]:hover { background: $hover; }
QPushButton[role="quiet"]:focus { border: 1px solid $accent; }
QPushButton[role="quiet"]:disabled { color: transparent; }
QPushButton[role="float"] {
    background: $accent; color: $on_accent; border: none; border-radius: 15px; padding: 6px 16px; font-weight: 600;
}

QToolButton { border: 1px solid transparent; border-radius: 8px; padding: 5px; background: transparent; }
QToolButton:hover, QToolButton:pressed, QToolButton:checked { background: $hover; }
QToolButton:focus { border: 1px solid $accent; }
QToolButton::menu-indicator { image: none; }
QToolButton#send { background: $accent; border-radius: 9px; }
QToolButton#send:disabled { background: $line; }
QToolButton#send:focus { border: 2px solid $text; }

QListWidget { background: transparent; border: none; outline: none; padding: 2px 6px; }
QListWidget#recents, QListWidget#openRooms { padding: 0; }
QTextBrowser#transcript { background: $ground; border: none; color: $text;
    selection-background-color: $accent; selection-color: $on_accent; }

QFrame#search { border: none; border-bottom: 1px solid $line; background: $side; }
QFrame#banner { border: none; border-bottom: 1px solid $line; background: $side; }
QFrame#banner[tone="warning"] { background: $warning_ground; }
QFrame#banner[tone="warning"] QLabel { color: $warning; }
QFrame#banner[tone="danger"] { background: $danger_ground; }
QFrame#banner[tone="danger"] QLabel { color: $danger; }

QWidget#startGround QFrame#banner { border: none; border-radius: 10px; }

QMenu { background: $raised; border: 1px solid $line; padding: 5px; }
QMenu::item { padding: 6px 26px 6px 14px; border-radius: 6px; }
QMenu::item:selected { background: $chosen; color: $text; }
QMenu::item:disabled { color: $muted; }
QMenu::separator { height: 1px; background: $line; margin: 5px 8px; }

QSplitter::handle { background: transparent; }
QScrollBar:vertical { background: transparent; width: 11px; margin: 2px; }
QScrollBar::handle:vertical { background: $line; border-radius: 3px; min-height: 32px; }
QScrollBar::handle:vertical:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page { background: none; height: 0; }
""")


def stylesheet(colours: Mapping[str, object]) -> str:
    """Fill the colours, and the size of titles, into the rules."""
    return _RULES.substitute(colours)
