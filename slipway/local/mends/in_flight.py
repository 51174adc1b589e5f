"""How many requests are being answered at this moment."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from slipway.local.runtime import Slot


class InFlight:
    """Counts requests by what answers them."""

    def __init__(self) -> None:
        self._counts: Counter[Slot] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def one(self, of: Slot) -> Iterator[int]:
        """Count a request while it is answered; yields how many there are, this one included."""
        with self._lock:
            self._counts[of] += 1
            now = self._counts[of]
        try:
            yield now
        finally:
            with self._lock:
                self._counts[of] -= 1
                if not self._counts[of]:
                    del self._counts[of]
