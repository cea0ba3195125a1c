"""The reader of chatctl's output: a pager, head, a script."""


class ReaderGone(Exception):
    """The reader of our output has closed it. Not an OSError, because typer would make a failure of
    one."""
