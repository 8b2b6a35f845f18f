"""The connection to Pro Tools: PTSL commands one after the other, with errors in words.

py-ptsl carries the protocol. It has no deadlines, and Pro Tools answers nothing while one of its dialogs is open, so
each command runs in a thread of its own: the main thread stays free for Ctrl-C and for a reminder.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

from .problem import Problem

ADDRESS = "localhost:31416"
OLDEST = (2025, 6)
REMIND_AFTER = 10.0  # seconds without an answer

NOT_RUNNING = (
    "Pro Tools is not answering at {address}.",
    "Start Pro Tools, open the session and try again.",
)
TOO_OLD = (
    "This Pro Tools has no command for that.",
    "Pro Tools 2025.6 or newer is needed; for older versions, see docs/any-daw.md.",
)
# By Pro Tools' own name for the error, without its prefix.
IN_WORDS = {
    "PT_NoOpenedSession": ("No session is open in Pro Tools.", "Open one and select something in it."),
    "OS_NoSessionFound": ("No session is open in Pro Tools.", "Open one and select something in it."),
    "PT_UnsupportedCommand": TOO_OLD,
    "SDK_NotImplemented": TOO_OLD,
    "SDK_VersionMismatch": TOO_OLD,
    "PT_HostNotReady": ("Pro Tools is still starting.", "Try again when the session is open."),
    "PT_HostIsBusy": ("Pro Tools is busy.", "Close its dialogs, wait until it is done and try again."),
    "PT_ReadOnlySession": ("The session is read-only.", "Save a copy and open that."),
}


class Link:
    """Pro Tools, registered with. say: for what the producer should know while something takes long."""

    def __init__(self, ptsl: Any, engine: Any, say: Callable[[str], None], remind_after: float) -> None:
        self.protocol = ptsl.PTSL_pb2
        self._ptsl = ptsl
        self._engine = engine
        self._say = say
        self._remind_after = remind_after

    def run(self, command: str, doing: str, **fields: Any) -> Any:
        """The response body of a command; None where it has none. doing: for the error, "bounce the track".

        Raises Problem.
        """
        operation = self._operation(command, fields)
        self._patiently(doing, lambda: self._engine.client.run(operation))
        return operation.response

    def tracks(self) -> list[Any]:
        """Every track of the session, as the protocol's Track. Raises Problem."""
        found: list[Any] = self._patiently("list its tracks", self._engine.track_list)
        return found

    def _operation(self, command: str, fields: dict[str, Any]) -> Any:
        """py-ptsl's own operation, or one it has only the messages of; it finds those by the class's name."""
        name = f"CId_{command}"
        known = getattr(self._ptsl.ops, name, None)
        return (known or type(name, (self._ptsl.ops.Operation,), {}))(**fields)

    def _patiently(self, doing: str, action: Callable[[], Any]) -> Any:
        return patiently(doing, action, self._say, self._remind_after)


def patiently(doing: str, action: Callable[[], Any], say: Callable[[str], None], remind_after: float) -> Any:
    """What the action returns. Raises Problem for what it raises; KeyboardInterrupt gets through meanwhile."""
    outcome: list[Any] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(action())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=work, name="Pro Tools", daemon=True)
    thread.start()
    thread.join(remind_after)
    if thread.is_alive():
        say("Pro Tools has not answered yet. If it shows a dialog, close that; Ctrl-C gives up.")
    while thread.is_alive():
        thread.join(0.2)  # not for ever in one go: Windows would not let Ctrl-C through
    if failure:
        raise in_words(doing, failure[0]) from failure[0]
    return outcome[0]


def in_words(doing: str, error: BaseException) -> Problem:
    """A failed command as a sentence."""
    responses = getattr(error, "error_responses", None)
    if responses:
        name = str(getattr(error, "error_name", "") or "").removeprefix("CEType_")
        if name in IN_WORDS:
            return Problem(*IN_WORDS[name])
        said = str(getattr(error, "message", "")).strip().rstrip(".")
        return Problem(f"Pro Tools did not {doing}: {said or name or 'it gave no reason'}.")
    if responses is not None:
        return Problem(f"Pro Tools did not {doing}, and gave no reason.", "Look for a dialog in Pro Tools.")
    code = getattr(error, "code", None)
    if callable(code):
        if getattr(code(), "name", "") == "UNAVAILABLE":
            return Problem(*(text.format(address="its port") for text in NOT_RUNNING))
        return Problem(f"Pro Tools did not {doing}: {code()}.")
    return Problem(f"Pro Tools did not {doing}: {error}.")


@contextlib.contextmanager
def connected(address: str, say: Callable[[str], None], remind_after: float = REMIND_AFTER) -> Iterator[Link]:
    """Pro Tools for as long as the block lasts. Raises Problem."""
    # A proxy of the system must not get what is for this machine; gRPC asks for it in its own variable first.
    os.environ["no_grpc_proxy"] = "localhost,127.0.0.1"  # noqa: SIM112
    try:
        import grpc
        import ptsl
        import ptsl.ops
    except ImportError as error:
        raise Problem(
            "Pro Tools is reached with the Python package py-ptsl, which is not installed.",
            "pip install 'takebridge[protools]'",
        ) from error

    def connect() -> Any:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            return ptsl.Engine(company_name="Takebridge", application_name="Takebridge", address=address)

    try:
        engine = connect()
    except grpc.RpcError as error:
        raise Problem(*(text.format(address=address) for text in NOT_RUNNING)) from error
    try:
        link = Link(ptsl, engine, say, remind_after)
        check_version(link)
        yield link
    finally:
        engine.close()


def check_version(link: Link) -> None:
    """Raises Problem for a Pro Tools without the commands that are needed."""
    found = link.run("GetPTSLVersion", "report its version")
    version = (found.version, found.version_minor)
    if version < OLDEST:
        year = f"{version[0]}.{version[1]}" if version[0] > 2000 else "before 2025"
        raise Problem(f"This Pro Tools is too old (its scripting version is {year}).", TOO_OLD[1])
