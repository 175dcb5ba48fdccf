"""The configuration of one workspace: dangol.toml, every key also as a DANGOL_… environment variable.

A wrong key or value is refused with the nearest right one: a setting that is silently ignored costs a night.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import shlex
import tomllib
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dangol.errors import DangolError

FILE_NAME = "dangol.toml"


class SettingRefused(DangolError):
    """A setting is not known or its value does not fit."""

    code = "setting_refused"


@dataclass(frozen=True, kw_only=True)
class Brand:
    """Whose customers these are, and how days are cut."""

    #: The brand's name, as the console shows it.
    name: str = "My brand"
    #: IANA zone that cuts days and shows times. Facts themselves are UTC.
    timezone: str = "Asia/Seoul"
    #: Language of the console before an operator chooses: ko or en.
    language: str = "ko"
    #: ISO 3166 region used to read phone numbers written without a country code.
    country: str = "KR"


@dataclass(frozen=True, kw_only=True)
class Collect:
    """Intake: the only process that touchpoints talk to."""

    #: Address to listen on; 0.0.0.0 for every network of this machine.
    host: str = "127.0.0.1"
    #: Port to listen on.
    port: int = 8701
    #: Collect processes sharing the port; each writes its own lane of the log. 1..16.
    processes: int = 1
    #: Largest request body in bytes, before and after decompression.
    max_body_bytes: int = 4_000_000
    #: Largest single event in bytes; a larger one is quarantined, not lost.
    max_event_bytes: int = 512_000
    #: Seconds a client may take to send a request.
    body_timeout_seconds: int = 20
    #: Bytes of requests waiting for the disk before clients are asked to wait (429).
    max_waiting_bytes: int = 64_000_000


@dataclass(frozen=True, kw_only=True)
class Process:
    """Log to state and lake."""

    #: Workers; each owns partitions of the event space. 1..16.
    workers: int = 1
    #: Events per micro-batch at most.
    batch_events: int = 4000


@dataclass(frozen=True, kw_only=True)
class Console:
    """Pages and API."""

    #: Address to listen on; 0.0.0.0 for every network of this machine.
    host: str = "127.0.0.1"
    #: Port to listen on.
    port: int = 8700
    #: The address people type, when a proxy stands in front: https://dangol.brand.kr
    public_url: str = ""
    #: API requests per token and minute.
    api_rate_per_minute: int = 6000


@dataclass(frozen=True, kw_only=True)
class State:
    """PostgreSQL. Empty url: Dangol starts its own in the workspace."""

    #: Address of a PostgreSQL to use, like postgresql://dangol:…@db.brand.kr/dangol. Empty: Dangol runs its own.
    url: str = ""
    #: Days a receipt is kept: so long a repeated event is recognised, later it counts as new. The lake keeps every event anyway.
    receipt_days: int = 400


@dataclass(frozen=True, kw_only=True)
class Log:
    """Raw intake."""

    #: Days a processed part of the log is kept before it is trimmed. The lake keeps every fact anyway.
    keep_days: int = 7


@dataclass(frozen=True, kw_only=True)
class Lake:
    """Every fact, in Parquet."""

    #: Seconds after which the newest facts are written out as a Parquet file.
    seal_seconds: int = 30
    #: Facts after which they are written out sooner.
    seal_facts: int = 200_000
    #: Small files of a finished day are rewritten as one, sorted by person, when there are more than this.
    compact_files: int = 8


@dataclass(frozen=True, kw_only=True)
class Deliver:
    """Signed webhooks to other systems."""

    #: Private networks that webhooks may reach, like "10.0.0.0/8, 127.0.0.1". Empty: none, so that nobody can point one inward.
    private_networks: str = ""


@dataclass(frozen=True, kw_only=True)
class Suggest:
    """Suggested matches: people who are probably one."""

    #: Time of day, in the brand's zone, at which new ones are looked for, like 03:30. Empty: only when somebody asks.
    at: str = "03:30"
    #: Probability from which two people are suggested, 0.5 to 1.
    probability: float = 0.9
    #: Probability from which they are joined without asking anybody, where one operator would be enough. 0: never.
    automatic_probability: float = 0.0
    #: Below this probability two operators must agree. 0: never for this reason.
    second_below: float = 0.95
    #: Two operators must agree when both people have an identifier of one of these types. Empty: never for this reason.
    second_types: str = "user_id, loyalty_number, crm_id"
    #: Two operators must agree when the two have more identifiers than this together.
    second_identifiers: int = 20
    #: A trait that says what a person is worth, like total_spent; two operators must agree from second_worth on. Empty: no such trait.
    second_trait: str = ""
    #: From this value of second_trait on two operators must agree.
    second_worth: int = 1_000_000
    #: Memory that a look for matches may take, MB.
    memory_mb: int = 512


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of a workspace, checked."""

    workspace: Path
    brand: Brand = field(default_factory=Brand)
    collect: Collect = field(default_factory=Collect)
    process: Process = field(default_factory=Process)
    console: Console = field(default_factory=Console)
    state: State = field(default_factory=State)
    log: Log = field(default_factory=Log)
    lake: Lake = field(default_factory=Lake)
    deliver: Deliver = field(default_factory=Deliver)
    suggest: Suggest = field(default_factory=Suggest)

    @property
    def quoted(self) -> str:
        """The workspace's path as a shell takes it, for the commands that messages propose."""
        return shlex.quote(str(self.workspace))

    @property
    def log_dir(self) -> Path:
        """Lanes of the log, one SQLite file each."""
        return self.workspace / "log"

    @property
    def lake_dir(self) -> Path:
        """Parquet files."""
        return self.workspace / "lake"

    @property
    def state_dir(self) -> Path:
        """PostgreSQL's own folder."""
        return self.workspace / "state"

    @property
    def run_dir(self) -> Path:
        """What only matters while processes run: pids, sockets, the collect snapshot."""
        return self.workspace / "run"

    @property
    def plan_dir(self) -> Path:
        """Tracking plan files a brand keeps beside its configuration."""
        return self.workspace / "plan"

    @property
    def secrets_dir(self) -> Path:
        """Keys of this workspace, readable by its owner alone."""
        return self.workspace / "secrets"

    @property
    def logs_dir(self) -> Path:
        """What the processes say."""
        return self.workspace / "logs"


SECTIONS: dict[str, type] = {
    "brand": Brand,
    "collect": Collect,
    "process": Process,
    "console": Console,
    "state": State,
    "log": Log,
    "lake": Lake,
    "deliver": Deliver,
    "suggest": Suggest,
}

#: Lowest and highest value of the settings that are numbers.
RANGES: dict[str, tuple[float, float]] = {
    "collect.port": (1, 65535),
    "collect.processes": (1, 16),
    "collect.max_body_bytes": (1_000, 64_000_000),
    "collect.max_event_bytes": (1_000, 64_000_000),
    "collect.body_timeout_seconds": (1, 600),
    "collect.max_waiting_bytes": (1_000_000, 4_000_000_000),
    "process.workers": (1, 16),
    "process.batch_events": (1, 100_000),
    "console.port": (1, 65535),
    "console.api_rate_per_minute": (1, 10_000_000),
    "state.receipt_days": (30, 36_500),
    "log.keep_days": (0, 3650),
    "lake.seal_seconds": (1, 3600),
    "lake.seal_facts": (1, 10_000_000),
    "lake.compact_files": (2, 10_000),
    "suggest.probability": (0.5, 1),
    "suggest.automatic_probability": (0, 1),
    "suggest.second_below": (0, 1),
    "suggest.second_identifiers": (2, 1_000_000),
    "suggest.second_worth": (0, 10**15),
    "suggest.memory_mb": (128, 65_536),
}

#: Environment variables with the DANGOL_ prefix that are not settings.
NOT_SETTINGS = {"DANGOL_WORKSPACE"}


_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def load(workspace: Path, environ: dict[str, str] | None = None) -> Settings:
    """The settings of *workspace*: defaults, then dangol.toml, then DANGOL_SECTION_KEY variables.

    Raises: SettingRefused, naming what was seen and the nearest right key.
    """
    environ = dict(os.environ) if environ is None else environ
    path = workspace / FILE_NAME
    given: dict[str, dict[str, Any]] = {}
    if path.exists():
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise SettingRefused(f"{path} is not valid TOML: {error}. Correct that line; nothing was started.") from error
    values: dict[str, dict[str, Any]] = {}
    for section, keys in given.items():
        if section not in SECTIONS:
            raise SettingRefused(_unknown(f"[{section}]", [f"[{name}]" for name in SECTIONS], str(path)))
        if not isinstance(keys, dict):
            raise SettingRefused(f"{section} in {path} must be a section [{section}] with keys, not a value.")
        for key, value in keys.items():
            values.setdefault(section, {})[key] = _checked(section, key, value, str(path))
    for name, text in environ.items():
        if not name.startswith("DANGOL_") or name in NOT_SETTINGS:
            continue
        section, _, key = name.removeprefix("DANGOL_").lower().partition("_")
        if section not in SECTIONS or key not in _types(section):
            raise SettingRefused(_unknown(name, _variables(), "the environment"))
        values.setdefault(section, {})[key] = _checked(section, key, text, "the environment")
    sections = {name: kind(**values.get(name, {})) for name, kind in SECTIONS.items()}
    return Settings(workspace=workspace.resolve(), **sections)


def _variables() -> list[str]:
    return [f"DANGOL_{section}_{key}".upper() for section in SECTIONS for key in _types(section)]


def _types(section: str) -> dict[str, type]:
    kinds = {}
    for item in fields(SECTIONS[section]):
        default = item.default if item.default is not MISSING else None
        kinds[item.name] = type(default)
    return kinds


def _checked(section: str, key: str, value: Any, where: str) -> Any:
    kinds = _types(section)
    if key not in kinds:
        raise SettingRefused(_unknown(f"{section}.{key}", [f"{section}.{name}" for name in kinds], where))
    name, kind = f"{section}.{key}", kinds[key]
    if kind is int and not isinstance(value, int):
        try:
            value = int(str(value))
        except ValueError:
            raise SettingRefused(f"{name} = {value!r} in {where} must be a whole number.") from None
    if kind is float and not isinstance(value, float):
        try:
            value = float(str(value))
        except ValueError:
            raise SettingRefused(f"{name} = {value!r} in {where} must be a number, like 0.95.") from None
    if kind is str and not isinstance(value, str):
        raise SettingRefused(f"{name} = {value!r} in {where} must be text in quotes.")
    if name in RANGES and not RANGES[name][0] <= value <= RANGES[name][1]:
        low, high = RANGES[name]
        raise SettingRefused(f"{name} = {value} in {where} must be {low}..{high}.")
    if name == "deliver.private_networks":
        try:
            [ipaddress.ip_network(one.strip(), strict=False) for one in value.split(",") if one.strip()]
        except ValueError as error:
            raise SettingRefused(f"{name} = {value!r} in {where}: {error}; write networks like 10.0.0.0/8, 127.0.0.1.") from None
    if name == "suggest.at" and value and not _TIME_OF_DAY.fullmatch(value):
        raise SettingRefused(f"{name} = {value!r} in {where} must be a time of day like 03:30, or empty.")
    if name == "state.url" and value and not re.match(r"postgres(ql)?://|\w+\s*=", value):  # PostgreSQL reads "host=… dbname=…" as well
        # The value is not shown: it may hold a password.
        raise SettingRefused(f"{name} in {where} is not an address of PostgreSQL; write one like postgresql://dangol:…@db.brand.kr/dangol.")
    if name == "brand.timezone":
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise SettingRefused(f"{name} = {value!r} in {where} is not a time zone; write one like Asia/Seoul.") from None
    if name == "brand.language" and value not in ("ko", "en"):
        raise SettingRefused(f"{name} = {value!r} in {where} must be ko or en.")
    return value


def _unknown(seen: str, known: list[str], where: str) -> str:
    near = difflib.get_close_matches(seen, known, n=1, cutoff=0.4)
    hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
    return f"{seen} in {where} is not a setting. {hint}"
