"""The UDP link to the server: requests out, replies in, polled on Live's tick. Never blocks.

A datagram may get lost and the server may die, so the link acts on silence: it repeats a request until it is
acknowledged (the server renders an id only once); if a render falls silent, it sends the request again, and the server
replies with the state of the job, and all its takes if it has ended.
"""

import socket

from .messages import START_THE_SERVER, Refused
from .osc_codec import NotOsc, decode, encode

PREFIX = "/bridge/"
TERMINAL = ("done", "failed", "cancelled")
# Seconds. An acknowledgement takes milliseconds; a render tells its progress several times a second.
REPEAT_AFTER = 0.7
REPEATS = 3
SILENCE = 4.0
TELL_AGAIN = 15.0
# Datagrams read in one tick: enough for ten jobs, and a flood does not hold Live up.
MAX_IN_A_TICK = 200
CLIENT = "ableton-live"


class Pending:
    """One request on its way. `about` is the caller's own; `takes` the values of each take by its id."""

    def __init__(self, id, address, arguments, about, now):
        self.id = id
        self.address = address
        self.arguments = arguments
        self.about = about
        self.job = ""
        self.takes = {}
        self.heard = now
        self.asked = now
        self.asks = 0
        self.acknowledged = False
        self.silent = False
        self.told = now


class BridgeLink:
    """Owns a socket on a free port. Calls `listener`: acknowledged, progress, take, ended, silent, alive, no_server."""

    def __init__(self, host, port, token, listener, clock):
        self._address = (host, port)
        self._token = token
        self._listener = listener
        self._clock = clock
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        # On loopback when the bridge is: the system's firewall then has nothing to ask the producer.
        self._socket.bind(("127.0.0.1" if host in ("127.0.0.1", "localhost") else "", 0))
        self.pending = {}

    @property
    def port(self):
        return self._socket.getsockname()[1]

    def request(self, command, id, values, about):
        """Requests a render. values: name -> value, as in docs/protocol.md. Raises Refused when it cannot be sent."""
        fields = dict(values, client=CLIENT, reply_port=self.port)
        arguments = [id]
        for name, value in fields.items():
            arguments += [name, value]
        pending = Pending(id, PREFIX + command, arguments, about, self._clock())
        self._send(pending.address, pending.arguments)
        self.pending[id] = pending
        return pending

    def cancel(self, pending):
        """Cancels a job; the server replies with `cancelled`."""
        self._send(PREFIX + "cancel", [pending.job or pending.id, "client", CLIENT, "reply_port", self.port])

    def ask_status(self, id):
        self._send(PREFIX + "status", [id, "client", CLIENT, "reply_port", self.port])

    def poll(self):
        """Handles what has arrived and acts on silence; called on every tick."""
        for _ in range(MAX_IN_A_TICK):
            try:
                data, sender = self._socket.recvfrom(65536)
            except BlockingIOError:
                break
            except OSError:
                continue  # Windows reports here that an earlier datagram met a closed port; silence will tell
            # Any program on this machine can send here; only the server's own replies count.
            if sender[1] == self._address[1]:
                self._receive(data)
        now = self._clock()
        for pending in list(self.pending.values()):
            self._act_on_silence(pending, now)

    def forget(self, pending):
        self.pending.pop(pending.id, None)

    def close(self):
        self._socket.close()

    def _send(self, address, arguments):
        if self._token:
            arguments = [*arguments, "token", self._token]
        try:
            self._socket.sendto(encode(address, arguments), self._address)
        except BlockingIOError:
            pass  # as good as lost on the way; it is repeated
        except OSError as error:
            raise Refused(
                "The server cannot be reached: %s." % (error.strerror or error), START_THE_SERVER
            ) from None

    def _receive(self, data):
        try:
            messages = decode(data)
        except NotOsc:
            return
        for address, arguments in messages:
            if not address.startswith(PREFIX) or not arguments or len(arguments) % 2 == 0:
                continue
            values = dict(zip(arguments[1::2], arguments[2::2], strict=False))
            self._understand(address[len(PREFIX) :], str(arguments[0]), values)

    def _understand(self, name, id, values):
        pending = self.pending.get(id)
        if pending is None:
            if name in ("ok", "failed"):
                self._listener.answered(name, id, values)
            return
        pending.heard = self._clock()
        pending.asks = 0
        if pending.silent:
            pending.silent = False
            self._listener.alive(pending)
        if name == "ack":
            pending.job = values.get("job", "")
            if not pending.acknowledged:
                pending.acknowledged = True
                self._listener.acknowledged(pending, values)
        elif name == "progress":
            self._listener.progress(pending, values)
        elif name == "take":
            # A take that is told again, after a repeated request, is the same take.
            if values.get("take") not in pending.takes:
                pending.takes[values.get("take")] = values
                self._listener.take(pending, values)
        elif name in TERMINAL:
            if name == "done" and len(pending.takes) < values.get("takes", 0):
                self._send(
                    pending.address, pending.arguments
                )  # a take's datagram was lost: all are told again
                return
            self.forget(pending)
            self._listener.ended(pending, name, values)

    def _act_on_silence(self, pending, now):
        wait = SILENCE if pending.acknowledged else REPEAT_AFTER
        if now - max(pending.heard, pending.asked) < wait:
            return
        if not pending.acknowledged and pending.asks == REPEATS:
            self.forget(pending)
            self._listener.no_server(pending)
            return
        # Asked once in vain may be a datagram lost; twice is a bridge that has gone.
        if (
            pending.acknowledged
            and pending.asks >= 2
            and (not pending.silent or now - pending.told > TELL_AGAIN)
        ):
            pending.silent = True
            pending.told = now
            self._listener.silent(pending)
        pending.asks += 1
        pending.asked = now
        self._again(pending)

    def _again(self, pending):
        try:
            self._send(pending.address, pending.arguments)
        except Refused:
            pass  # the next repeat, or the silence, will tell
