"""Standing patrol policy in force: the city file's, or the newest that was put; flags; past calls."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from pydantic import ValidationError

from fleet.errors import Conflict, NotFound, StoreError
from fleet.link.clock import Clock
from fleet.model.standing import Flag, PolicyRecord
from missions.city import City
from missions.demand import Demand, known
from missions.learned import MOST_CALLS, PastCall
from missions.policy import Policy, faults

LEARN_EACH_S = 600.0
"""Past calls are read again so often."""
log = structlog.get_logger(__name__)


class StandingStore(Protocol):
    """Durable memory of policy, flags and calls.

    Raises
    ------
    fleet.errors.StoreError
        By every method, where the database cannot be reached or refuses.
    """

    async def latest(self) -> PolicyRecord | None:
        """Return the newest version that was put, or None."""

    async def version(self, number: int) -> PolicyRecord | None:
        """Return one version that was put, or None."""

    async def add(self, record: PolicyRecord) -> None:
        """Add a version and who put it."""

    async def flags(self) -> Sequence[Flag]:
        """Return every flag that was ever set."""

    async def set_flag(self, flag: Flag) -> None:
        """Insert or replace a flag."""

    async def calls_since(
        self, since: datetime, limit: int
    ) -> Sequence[tuple[float, float, datetime]]:
        """Return longitude, latitude and time of the newest calls since a time."""


class Unremembered:
    """A memory that keeps nothing."""

    async def latest(self) -> PolicyRecord | None:
        """Return none."""
        return None

    async def version(self, number: int) -> PolicyRecord | None:
        """Return none."""
        return None

    async def add(self, record: PolicyRecord) -> None:
        """Forget it."""

    async def flags(self) -> Sequence[Flag]:
        """Return none."""
        return ()

    async def set_flag(self, flag: Flag) -> None:
        """Forget it."""

    async def calls_since(
        self, since: datetime, limit: int
    ) -> Sequence[tuple[float, float, datetime]]:
        """Return none."""
        return ()


class Standing:
    """The policy in force and what it asks of the city now.

    Parameters
    ----------
    city, store, clock
        The city; durable memory; time.
    """

    def __init__(self, city: City, store: StandingStore, clock: Clock) -> None:
        self._city = city
        self._store = store
        self._clock = clock
        self._flags: dict[str, Flag] = {}
        self._history: tuple[PastCall, ...] = ()
        self._turn = asyncio.Lock()
        self.record = self.of_city_file
        self.trouble = ""
        """Why the newest version that was put is not in force, in words."""
        self.demand = Demand.of(city, city.policy)

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.demand.policy

    @property
    def of_city_file(self) -> PolicyRecord:
        """What the city file says, as version 0."""
        return PolicyRecord(version=0, body=as_body(self._city.policy))

    async def load(self) -> None:
        """Take what the store knows.

        A stored policy that does not fit the city any more is not in force, and that is said: the
        city file's is.

        Raises
        ------
        StoreError
            If it cannot be read.
        """
        self._flags = {flag.name: flag for flag in await self._store.flags()}
        policy = self._city.policy
        stored = await self._store.latest()
        if stored is not None:
            self.record = stored
            try:
                policy = Policy.model_validate(stored.body)
                self.trouble = "; ".join(in_words(self.faults(policy)))
            except ValidationError as error:
                self.trouble = str(error)
            if self.trouble:
                policy = self._city.policy
                log.error("stored policy is not used", version=stored.version, why=self.trouble)
        self._history = await self._past_calls(policy)
        self.demand = Demand.of(self._city, policy, self._history)  # nothing else runs yet

    async def run(self) -> None:
        """Read past calls again and again, for ever; a store that refuses is tried again."""
        while True:
            await asyncio.sleep(LEARN_EACH_S)
            try:
                await self.learn()
            except StoreError as error:
                log.error("past calls not read", error=str(error))

    async def learn(self) -> None:
        """Read past calls.

        Raises
        ------
        StoreError
            If they cannot be read; what was known of them stays.
        """
        async with self._turn:
            history = await self._past_calls(self.policy)
            if history or self._history:
                await self._demand(self.policy, history)

    def faults(self, policy: Policy) -> list[tuple[tuple[str | int, ...], str]]:
        """Return what in a policy does not fit the city."""
        return list(faults(policy, known(self._city)))

    def flags(self) -> list[Flag]:
        """Return the flags that the policy's rules ask for, by name; those never set are off."""
        return [self._flags.get(name, Flag(name=name)) for name in sorted(self.policy.flags)]

    def set_flags(self, at: datetime) -> frozenset[str]:
        """Return the names of the flags that are on at a time."""
        return frozenset(flag.name for flag in self._flags.values() if flag.holds(at))

    def owed_s(self, at: datetime) -> list[float]:
        """Return how often each cell is owed a visit, seconds, in the order of ``city_cells``."""
        return [float(seconds) for seconds in self.demand.owed_s(at, self.set_flags(at))]

    async def version(self, number: int) -> PolicyRecord:
        """Return one version.

        Raises
        ------
        NotFound
            If there is none of that number.
        """
        found = self.of_city_file if number == 0 else await self._store.version(number)
        if found is None:
            raise NotFound(f"no policy version {number}; the newest is {self.record.version}")
        return found

    async def put(
        self, policy: Policy, reason: str, actor: str, expected: int | None
    ) -> PolicyRecord:
        """Put a policy in force; it is stored first. The caller has looked at ``faults``.

        Parameters
        ----------
        expected
            The version that the caller has changed; None where it does not matter.

        Raises
        ------
        Conflict
            If another version is the newest.
        StoreError
            If the store does not take it: then nothing has changed.
        """
        async with self._turn:
            if expected is not None and expected != self.record.version:
                newest = self.record
                raise Conflict(
                    f"version {newest.version} by {newest.by} is the newest, not {expected}"
                )
            record = PolicyRecord(
                version=self.record.version + 1,
                at=self._clock.now(),
                by=actor,
                reason=reason,
                body=as_body(policy),
            )
            await self._store.add(record)
            self.record, self.trouble = record, ""
            await self._demand(policy, self._history)
        log.info("policy put", version=record.version, by=actor, reason=reason)
        return record

    async def set_flag(
        self, name: str, *, on: bool, until: datetime | None, reason: str, actor: str
    ) -> Flag:
        """Set or clear a flag; it is stored first.

        Raises
        ------
        NotFound
            If no rule of the policy asks for it.
        StoreError
            If the store does not take it: then nothing has changed.
        """
        if name not in self.policy.flags:
            asked = ", ".join(sorted(self.policy.flags)) or "none"
            raise NotFound(f"no rule asks for a flag {name!r}; there are {asked}")
        flag = Flag(name=name, on=on, until=until, reason=reason, at=self._clock.now(), by=actor)
        async with self._turn:
            await self._store.set_flag(flag)
            self._flags[name] = flag
        log.info("flag set", flag=name, on=on, by=actor, reason=reason)
        return flag

    async def _past_calls(self, policy: Policy) -> tuple[PastCall, ...]:
        now = self._clock.now()
        since = now - timedelta(days=policy.history.days)
        calls = await self._store.calls_since(since, MOST_CALLS)
        return tuple(PastCall(lon, lat, (now - at).total_seconds()) for lon, lat, at in calls)

    async def _demand(self, policy: Policy, history: tuple[PastCall, ...]) -> None:
        """Work out what is asked, beside the event loop: a tenth of a second for a large city."""
        self._history = history
        self.demand = await asyncio.to_thread(Demand.of, self._city, policy, history)


def as_body(policy: Policy) -> dict[str, object]:
    """Return a policy as it is stored and sent."""
    return policy.model_dump(mode="json", exclude_defaults=True)


def in_words(found: Sequence[tuple[tuple[str | int, ...], str]]) -> list[str]:
    """Return findings as they are told: ``policy.rules.0.where.beats.1: ...``."""
    return [f"{'.'.join(str(step) for step in ('policy', *path))}: {rule}" for path, rule in found]
