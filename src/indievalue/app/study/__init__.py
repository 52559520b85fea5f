"""The human study: people who read a stranger's statements and predict the stranger's other answers."""
