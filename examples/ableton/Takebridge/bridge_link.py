"""The UDP link to the server: requests out, replies in, polled on Live's tick. Never blocks.

A datagram may get lost, the server may die, or the machine may be so busy that it replies late. So the link acts on
silence: it repeats a request until it is acknowledged (the server renders an id only once); if a render falls silent,
it sends the request again, and the server replies with the state of the job, and all its takes if it has ended.
"""

import socket

from .messages import START_THE_SERVER, Refused
from .osc_codec import NotOsc, decode, encode

PREFIX = "/bridge/"
TERMINAL = ("done", "failed", "cancelled")
# Seconds, the same in every script of Takebridge. An acknowledgement takes milliseconds, but a machine that renders
# with all cores may take seconds over it: a request is sent again after 1, 3 and 7 seconds, and given up after 15.
WAITS = (1.0, 2.0, 4.0, 8.0)
# From this attempt on the producer is shown that there is no reply yet: after 3 seconds.
SHOWN_FROM = 3
# A render sends its progress several times a second.
SILENCE = 4.0
REMIND_AFTER = 15.0
# Datagrams read in one tick: enough for ten jobs, and a flood does not hold Live up.
MAX_IN_A_TICK = 200
CLIENT = "ableton-live"


class Pending:
    """One request on its way. `about` is the caller's own; `takes` the values of each take by its id.

    attempts: how often it was sent since the server's last reply.
    """

    def __init__(self, id, address, arguments, about, now):
        self.id = id
        self.address = address
        self.arguments = arguments
        self.about = about
        self.job = ""
        self.takes = {}
        self.replied = now
        self.sent = now
        self.attempts = 1
        self.acknowledged = False
        self.silent = False
        self.reminded = now


class BridgeLink:
    """Owns a socket on a free port.

    Calls `listener`: waiting, no_server, acknowledged, progress, take, ended, silent, alive, answered.
    """

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
                continue  # Windows reports here that an earlier datagram met a closed port; silence shows it
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
        pending.replied = self._clock()
        pending.attempts = 0
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
            # A take that is sent again, after a repeated request, is the same take.
            if values.get("take") not in pending.takes:
                pending.takes[values.get("take")] = values
                self._listener.take(pending, values)
        elif name in TERMINAL:
            if name == "done" and len(pending.takes) < values.get("takes", 0):
                self._again(pending)  # a take's datagram was lost: the server sends all of them again
                return
            self.forget(pending)
            self._listener.ended(pending, name, values)

    def _act_on_silence(self, pending, now):
        wait = WAITS[min(pending.attempts, len(WAITS)) - 1] if pending.attempts else SILENCE
        if now - max(pending.replied, pending.sent) < wait:
            return
        if pending.attempts >= len(WAITS):
            if not pending.acknowledged:
                self.forget(pending)
                self._listener.no_server(pending)
                return
            self._remind(pending, now)
        pending.attempts += 1
        pending.sent = now
        self._again(pending)
        if pending.attempts == SHOWN_FROM and not pending.acknowledged:
            self._listener.waiting(pending)

    def _remind(self, pending, now):
        """Shows that the server has gone, at once and then now and again: a status line is soon overwritten."""
        if not pending.silent or now - pending.reminded > REMIND_AFTER:
            pending.silent = True
            pending.reminded = now
            self._listener.silent(pending)

    def _again(self, pending):
        try:
            self._send(pending.address, pending.arguments)
        except Refused:
            pass  # as good as lost on the way; the next attempt or the silence shows it
