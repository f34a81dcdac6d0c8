"""Coding in the terminal: one example at a time. The only home of textual."""

from pipeline.screen.session import Session

__all__ = ["Session", "run_screen"]


def run_screen(session: Session) -> None:
    """Show the examples of `session` until the coder leaves.

    What kept an answer from being written is raised here, after the terminal is as it was.
    """
    from pipeline.screen.app import CodingApp

    trouble = CodingApp(session).run()
    if trouble is not None:
        raise trouble
