"""How long a receiver should let sound and pictures wait for what is sent again, before it plays them (sans-IO).

A browser keeps its buffer short: sound that comes with a repetition or an answer is then too late, and pictures stand
and jump.
"""

import math

from media.forwarder.api import ReceiverWindow

WAIT_FROM_LOSS = 0.03
"From so much loss on the wait is worth its delay;"
CALM_LOSS = 0.015
"it ends after less than this"
CALM_S = 10.0
"for so long."
LEAST_LOST = 3.0
"Of fewer packets nothing can be told."
OVER_S = 2.0
"Older windows count less and less: after so long, a third."
AFTER_FULL_S = 3.0
"What was lost up to so long after packets stood in the line's queue had no room in it: waiting does not help there."
TWICE_FROM_LOSS = 0.08
"With so much loss the answer is often lost as well, and asked for again."
USUAL_RTT_S = 0.1
"Where it has not been measured."
ASK_AGAIN_MS = 100
"So often browsers ask for what is missing (where they do not know the line's delay), or once in a round trip."
NOTICED_MS = 90
"From the loss until it is noticed, and from the answer until it is decoded."
STEP_MS = 20
MOST_MS = 400
"Longer, and people begin to speak at the same time."


class RepairWait:
    """One receiver's; give it each window."""

    def __init__(self) -> None:
        self._sent = self._lost = 0.0
        self._at: float | None = None
        self._full_at = self._lossy_at = float("-inf")
        self._questions = 0
        "How many questions and answers are worth waiting for."
        self._ms = 0

    def take(self, window: ReceiverWindow, *, full: bool) -> None:
        """Learn; `full`: packets stand in the line's queue."""
        keep = 0.0 if self._at is None else math.exp((self._at - window.at) / OVER_S)
        self._at = window.at
        self._sent = keep * self._sent + window.sent_packets
        self._lost = keep * self._lost + window.lost_packets
        if full:
            self._full_at = window.at
        loss = self._lost / self._sent if self._lost >= LEAST_LOST else 0.0
        if loss >= CALM_LOSS and window.at - self._full_at > AFTER_FULL_S:
            self._lossy_at = window.at
            if loss >= WAIT_FROM_LOSS:
                self._questions = max(self._questions, 2 if loss >= TWICE_FROM_LOSS else 1)
        elif window.at - self._lossy_at > CALM_S:
            self._questions = 0

    def milliseconds(self, rtt_s: float | None) -> int:
        """What to tell the receiver; 0: as its browser thinks right."""
        if self._questions == 0:
            self._ms = 0
            return 0
        rtt_ms = 1000 * (USUAL_RTT_S if rtt_s is None else rtt_s)
        wanted = NOTICED_MS + (self._questions - 1) * max(ASK_AGAIN_MS, rtt_ms) + rtt_ms
        if abs(wanted - self._ms) > STEP_MS:
            # Not at every little change: each is heard as slower or faster speech.
            self._ms = min(MOST_MS, STEP_MS * math.ceil(wanted / STEP_MS))
        return self._ms
