"""OSC from surfaces and patches on this machine: /ace/repaint and the like in, replies back to the sender."""

import socket

from .osc_codec import NotOsc, decode, encode

PREFIX = "/ace/"
MAX_IN_A_TICK = 50


class OscInput:
    """A socket on loopback, polled on Live's tick. obey(action, values, sender) is called for each message.

    mistake: why it does not listen, for the producer; "" when all is well.
    """

    def __init__(self, port, obey, log):
        self._obey = obey
        self._log = log
        self.mistake = ""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind(("127.0.0.1", port))
        except OSError as error:
            self._socket.close()
            self.mistake = (
                f"OSC port {port} is in use ({error.strerror}), so only MIDI works; choose another listen_port in "
                "settings.json."
            )

    @property
    def port(self):
        return self._socket.getsockname()[1]

    def poll(self):
        """Handles what has arrived since the last tick."""
        for _ in range(0 if self.mistake else MAX_IN_A_TICK):
            try:
                data, sender = self._socket.recvfrom(65536)
            except BlockingIOError:
                return
            except OSError:
                continue  # Windows reports here that an earlier answer met a closed port
            try:
                messages = decode(data)
            except NotOsc as error:
                self._log(f"Invalid OSC from port {sender[1]}: {error}")
                continue
            for address, arguments in messages:
                self._receive(address, arguments, sender)

    def answer(self, sender, name, *arguments):
        """Replies to the sender; None is a pad, which gets no reply."""
        if sender is None or self.mistake:
            return
        try:
            self._socket.sendto(encode(PREFIX + name, arguments), sender)
        except OSError:
            pass  # the sender has gone, or does not listen; the status line shows it as well

    def close(self):
        self._socket.close()

    def _receive(self, address, arguments, sender):
        if not address.startswith(PREFIX):
            self._log(f"Unknown OSC address {address}")
            return
        # Surfaces send a button's state along: 1.0 when it is pressed, 0.0 when it is let go.
        if len(arguments) == 1 and not isinstance(arguments[0], str):
            if not arguments[0]:
                return
            arguments = []
        if len(arguments) % 2 or not all(isinstance(name, str) for name in arguments[::2]):
            self.answer(sender, "failed", "sentence", "Arguments must be pairs of name and value.", "remedy",
                        "For example: /ace/repaint prompt \"warm strings\" takes 2")  # fmt: skip
            return
        values = dict(zip(arguments[::2], arguments[1::2], strict=True))
        port = values.pop("reply_port", sender[1])
        if isinstance(port, int) and 0 < port < 65536:
            sender = (sender[0], port)
        self._obey(address[len(PREFIX) :], values, sender)
