"""What both apps and the command line show: the language, the wording, labels and states; no toolkit in it."""
