"""The one exception that is meant for the person at the keyboard."""


class IndievalueError(Exception):
    """Something the user can put right: what was wrong, where, and what to do, in one message.

    The command line prints it on one line of stderr and exits with 1. Anything else that is raised is a defect of ours.
    """
