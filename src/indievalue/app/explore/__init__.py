"""The explorer: look at people, questions, groups and predictions in the browser."""
