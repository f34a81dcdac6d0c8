"""Start the screen, and end it with the terminal as it was."""

from pipeline.screen.session import Session


def run_screen(session: Session) -> None:
    """Show the examples of `session` until the coder leaves.

    What kept an answer from being written is raised here, after the terminal is as it was.
    """
    from pipeline.screen.app import CodingApp

    trouble = CodingApp(session).run()
    if trouble is not None:
        raise trouble
