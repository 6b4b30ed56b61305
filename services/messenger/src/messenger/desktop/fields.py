"""A field of a form: its name above, what is wrong with it below."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QVBoxLayout, QWidget


class Field(QWidget):
    """A control with a name and a problem."""

    def __init__(self, name: str, control: QLineEdit | QComboBox, description: str) -> None:
        super().__init__()
        self.control = control
        self.label = QLabel(name)
        self.label.setBuddy(control)
        control.setAccessibleName(name.replace("&", ""))
        control.setAccessibleDescription(description)
        self._description = description
        self.problem = QLabel()
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setProperty("role", "problem")
        self.problem.setWordWrap(True)
        self.problem.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for widget in (self.label, control, self.problem):
            column.addWidget(widget)

    def complain(self, problem: str) -> None:
        """Say what is wrong; empty if nothing is any more."""
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        # Screen readers read this when they come to the field.
        self.control.setAccessibleDescription(problem or self._description)
        if self.control.property("wrong") != bool(problem):
            self.control.setProperty("wrong", bool(problem))
            self.control.style().polish(self.control)
