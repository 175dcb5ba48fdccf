"""Setting the stage for the demo: workspace, processes, sources, owner, history. The same doors as any brand uses."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from dangol import settings as settings_module
from dangol.settings import FILE_NAME, Settings
from dangol.world.demo import OWNER, PATIENCE_SECONDS, PORTS_TRIED, DemoRefused, Mark
from dangol.world.devices import SOURCES
from dangol.world.going_on import Orders
from dangol.world.tour import Guest, Stage, tour

BRAND = "온결리빙 (가상 브랜드)"
#: Events whose catalogue entry the demo makes a rule of, so that there is something to correct.
RULES = ("Order Completed", "Product Viewed")
_CLEAR = "abcdefghjkmnpqrstuvwxyz23456789"


def workspace(folder: Path) -> Settings:
    """The settings of the demo's workspace, made when it is not there yet."""
    if not (folder / FILE_NAME).exists():
        _dangol("init", str(folder), quiet=True)
        _set(folder, '#name = "My brand"', f'name = "{BRAND}"')
    return settings_module.load(folder)


def start(settings: Settings, port: int | None, collect_port: int | None) -> bool:
    """Start everything that does not run; returns whether it did not run before."""
    from dangol.processes.presence import read_news, supervisor_pid  # noqa: PLC0415 - Linux only, and needed late

    if supervisor_pid(settings) is not None:
        news = read_news(settings)
        if news is not None and news.trouble and not news.state_fits:
            raise DemoRefused(f"{news.trouble}\n\nStop it and start anew: dangol down --workspace {settings.quoted}")
        _say(f"It runs already: {settings.workspace}")
        return False
    wanted, wanted_collect = port or settings.console.port, collect_port or settings.collect.port
    free = _free_port(settings.console.host, wanted, taken=())
    free_collect = _free_port(settings.collect.host, wanted_collect, taken=(free,))
    for name, asked, got in (("console", wanted, free), ("intake", wanted_collect, free_collect)):
        if asked != got:
            _say(f"Port {asked} is busy; the {name} listens on {got} instead.")
    if free != settings.console.port:
        _set(settings.workspace, f"port = {settings.console.port}", f"port = {free}", section="[console]")
    if free_collect != settings.collect.port:
        _set(settings.workspace, f"port = {settings.collect.port}", f"port = {free_collect}", section="[collect]")
    _say("Starting Dangol …")
    where = ["--workspace", str(settings.workspace), "--port", str(free), "--collect-port", str(free_collect)]
    try:
        _dangol("up", "--detach", *where, quiet=True)
    except KeyboardInterrupt:
        stop(settings)
        raise
    except DemoRefused as error:
        news = read_news(settings)
        if supervisor_pid(settings) is None or news is None or not news.state_fits:
            stop(settings)  # without State there is nothing to show
            raise
        _say(f"{error}\nThe demo goes on with what runs.")
    return True


def furnish(settings: Settings) -> dict[str, str]:
    """Sources of every kind, and a plan with rules: whatever of it is missing. Returns the write key of each source."""
    from dangol.engines import state  # noqa: PLC0415 - psycopg is slow to load
    from dangol.events.plan import plan_in_force, use_catalogue  # noqa: PLC0415 - as above
    from dangol.intake.snapshot import export_snapshot  # noqa: PLC0415 - as above
    from dangol.intake.sources import add_source, kind_of, sources  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    with state.connect(settings) as connection:
        known = {view.name: view.write_key for view in sources(connection)}
        for info in SOURCES.values():
            if info.name not in known:
                view = add_source(connection, info.name, kind_of(info.kind), synthetic=True)
                known[info.name] = view.write_key
                record(connection, "command:demo", "source.added", subject=f"source:{info.name}", details={"kind": view.kind})
        ruled = {version.event_name for version in plan_in_force(connection)}
        for name in RULES:
            if name not in ruled:
                use_catalogue(connection, name, "quarantine", by="command:demo")
        connection.commit()
        export_snapshot(settings, connection)
    return known


def owner(settings: Settings) -> str | None:
    """The one-time password of the demo's owner, who is added now; None when there is one already."""
    from dangol.engines import state  # noqa: PLC0415 - as above
    from dangol.operators import Role, add_operator, find_operator  # noqa: PLC0415 - as above
    from dangol.privacy import record  # noqa: PLC0415 - as above

    with state.connect(settings) as connection:
        if find_operator(connection, OWNER) is not None:
            return None
        password = "-".join("".join(secrets.choice(_CLEAR) for _ in range(5)) for _ in range(4))
        view = add_operator(connection, OWNER, Role.OWNER, password, name="데모", language=settings.brand.language, must_change=True)
        record(connection, "command:demo", "operator.added", subject=view.actor, details={"role": view.role})
    return password


def bring_in(settings: Settings, mark: Mark, since: datetime | None, until: datetime) -> int:
    """Write the world's lines received in that time to files, and import them; returns how many."""
    from dangol.engines.log import open_log  # noqa: PLC0415 - as above
    from dangol.intake.files import open_rows  # noqa: PLC0415 - as above
    from dangol.intake.importing import Importer  # noqa: PLC0415 - as above
    from dangol.intake.plan_check import compile_plan  # noqa: PLC0415 - as above
    from dangol.intake.snapshot import decode, path_of  # noqa: PLC0415 - as above
    from dangol.world.write import write_world  # noqa: PLC0415 - as above

    # The whole history stays beside the workspace, with its truth; what came later is written apart.
    folder = settings.workspace / ("world-since" if since else "world")
    summary = write_world(mark.people, mark.days, mark.seed, folder, start=date.fromisoformat(mark.start), since=since, until=until)
    snapshot = decode(path_of(settings).read_bytes())
    ids = {source.name: source.id for source in snapshot.sources}
    plan = compile_plan(snapshot.plan)
    writer = open_log(settings).writer("import")
    try:
        for info in SOURCES.values():
            path = folder / f"{info.name}.jsonl"
            if path.stat().st_size:
                importer = Importer(ids[info.name], plan=plan, max_event_bytes=settings.collect.max_event_bytes)
                for batch in importer.batches(open_rows(path)):
                    writer.append(batch.frames)
    finally:
        writer.close()
    return summary.lines


def wait(settings: Settings, seconds: int) -> None:
    """Until everything accepted so far has been processed."""
    _dangol("wait", "--timeout", str(seconds), "--workspace", str(settings.workspace), quiet=True)


def look_for_matches(settings: Settings) -> None:
    """Ask for the first look for suggested matches, so that some wait when the tour comes there; learn does it beside the rest."""
    from dangol.engines import state  # noqa: PLC0415 - as above
    from dangol.identity.suggestions import looking, runs  # noqa: PLC0415 - as above

    with state.connect(settings) as connection:
        if not runs(connection, limit=1):
            looking.ask(connection, "command:demo", train=False, everybody=False, at=datetime.now(UTC))


def stop(settings: Settings) -> None:
    """Stop everything."""
    _dangol("down", "--workspace", str(settings.workspace), quiet=True)


def orders(settings: Settings, mark: Mark) -> bytes:
    """What the child that sends live events is told."""
    _, collect_url = addresses(settings)
    keys = furnish(settings)
    return msgspec.json.encode(Orders(people=mark.people, seed=mark.seed, start=mark.start, days=mark.days, collect_url=collect_url, write_keys=keys))


def present(settings: Settings, write_keys: dict[str, str], mark: Mark, *, live: bool) -> None:
    """Say where everything is, and how to get in."""
    console_url, collect_url = addresses(settings)
    stage = Stage(console_url, collect_url, settings.quoted, write_keys["web"], mark.guest, live)
    _say(tour(stage))
    _say(f"Console   {console_url}   (made-up data, seed {mark.seed})")
    _say(f"Sign in   {OWNER}")
    password = owner(settings)
    if password:
        _say(f"Password  {password}   (shown this once; the first sign-in asks for your own)")
    else:
        _say(f"Password  the one you chose; a new one: dangol operator password {OWNER} --workspace {settings.quoted}")


def addresses(settings: Settings) -> tuple[str, str]:
    """Where console and intake answer now."""
    from dangol.processes.presence import read_news  # noqa: PLC0415 - as above

    news = read_news(settings)
    if news is None:
        raise DemoRefused(f"Dangol stopped while the demo was being set up; {settings.logs_dir} tells why.")
    return news.console_url.rstrip("/"), news.collect_url.rstrip("/")


def guest_of(world: Path) -> Guest | None:
    """Somebody met in many channels and in no trap; the same one for the same world."""
    import duckdb  # noqa: PLC0415 - as above

    truth, people = world / "truth.parquet", world / "people.parquet"
    with duckdb.connect() as connection:
        found = connection.execute(
            """
            select any_value(surname || given_name), any_value(member_id), count(distinct source) as channels, count(*) as events
              from read_parquet($truth) as truth join read_parquet($people) as people using (person_id)
             where member_id <> '' and second_member_id = '' and phone_trap = '' and email_trap = ''
             group by person_id
            having count(*) filter (trap <> '') = 0
             order by channels desc, events desc, person_id
             limit 1
            """,
            {"truth": str(truth), "people": str(people)},
        ).fetchone()
    return Guest(*found) if found else None


def _free_port(host: str, wanted: int, taken: tuple[int, ...]) -> int:
    for port in range(wanted, min(wanted + PORTS_TRIED, 65536)):
        if port in taken:
            continue
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise DemoRefused(f"none of the ports {wanted}..{wanted + PORTS_TRIED - 1} is free. Name another: --port P --collect-port Q")


def _set(folder: Path, old: str, new: str, section: str = "[brand]") -> None:
    """Change one line of a section in dangol.toml, commented out or not."""
    path = folder / FILE_NAME
    before, mark, after = path.read_text(encoding="utf-8").partition(section)
    lines = after.split("\n")
    for place, line in enumerate(lines):
        if line.lstrip("#") == old.lstrip("#"):
            lines[place] = new
            break
    path.write_text(before + mark + "\n".join(lines), encoding="utf-8")


def _dangol(*words: str, quiet: bool) -> None:
    done = subprocess.run([sys.executable, "-m", "dangol", *words], capture_output=quiet, text=True, check=False, timeout=PATIENCE_SECONDS + 60)
    if done.returncode != 0:
        said = (done.stderr or done.stdout or "").strip()
        raise DemoRefused(f"`dangol {words[0]}` did not succeed: {said}")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command speaks to its caller

