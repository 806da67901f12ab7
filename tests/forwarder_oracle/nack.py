"""Which packets of a source are missing, when to ask for them (again), and when to give up (RFC 4585 6.2.1)."""

from dataclasses import dataclass

from forwarder_oracle.sequence import MAX_GAP

_FIRST_RETRY_S = 0.06
_RETRY_GROWTH = 1.3
_LONGEST_RETRY_S = 0.2


@dataclass(slots=True)
class _Missing:
    due_at: float
    tries: int
    wait_s: float


class NackGenerator:
    """Keeps the missing extended numbers of one source."""

    def __init__(self, max_tries: int, max_missing: int = 500) -> None:
        self._max_tries = max_tries
        self._max_missing = max_missing
        self._missing: dict[int, _Missing] = {}
        self._gave_up = False

    def gap(self, first: int, end: int, now: float) -> None:
        """Numbers first <= n < end are missing; they are due at once."""
        if end - first > MAX_GAP:
            self._missing.clear()
            self._gave_up = True
            return
        for ext_seq in range(first, end):
            self._missing[ext_seq] = _Missing(now, 0, _FIRST_RETRY_S)
        while len(self._missing) > self._max_missing:
            del self._missing[next(iter(self._missing))]
            self._gave_up = True

    def arrived(self, ext_seq: int) -> None:
        """A packet came; it need not have been missing."""
        self._missing.pop(ext_seq, None)

    def take_due(self, now: float) -> list[int]:
        """Return the numbers to ask for now, ascending, and forget those asked for in vain too often."""
        if not self._missing:
            return []
        due: list[int] = []
        for ext_seq, missing in list(self._missing.items()):
            if missing.due_at > now:
                continue
            if missing.tries >= self._max_tries:
                del self._missing[ext_seq]
                self._gave_up = True
                continue
            missing.tries += 1
            missing.due_at = now + missing.wait_s
            missing.wait_s = min(missing.wait_s * _RETRY_GROWTH, _LONGEST_RETRY_S)
            due.append(ext_seq)
        return sorted(due)

    def take_gave_up(self) -> bool:
        """Tell once whether a packet was given up: a picture then needs a key frame."""
        gave_up, self._gave_up = self._gave_up, False
        return gave_up
