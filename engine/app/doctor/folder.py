"""Checks of the user's folder: logs, bots that died, configuration."""

import os
import tempfile

from engine.app.bot_entry import BotState, bot_names, read_entry, state_of
from engine.app.bot_folder import BotFolder, run_folder
from engine.app.config.load import SETTINGS_FILE, load_bot, load_file
from engine.app.config.models import SettingsConfig
from engine.app.config.problems import ConfigError
from engine.app.doctor.finding import Finding, Patient, State
from engine.app.registry import add_strategies
from engine.app.secrets.file import kept_accounts
from engine.model.errors import TickwrightError


def logs(patient: Patient) -> Finding:
    """Whether a bot could write its log."""
    folder = patient.userdir / "logs"
    if not folder.is_dir():
        return Finding(State.WARNING, f"{folder} is not there", f"tickwright init {patient.userdir}")
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Finding(State.OK, f"{folder} is writable")
    except OSError as error:
        return Finding(State.FAILED, f"{folder}: {error.strerror}", "make the folder writable")


def bots(patient: Patient) -> Finding:
    """Bots that died without a word, entries that cannot be read, and sockets without an entry."""
    names = bot_names(patient.userdir)
    left = []
    running = 0
    for name in names:
        bot = BotFolder(patient.userdir, name)
        running += bot.running()
        try:
            entry = read_entry(bot.entry)
        except (OSError, TickwrightError):
            left.append(f"{bot.relative(bot.entry)} cannot be read")
            continue
        if entry is not None and state_of(entry, bot) is BotState.CRASHED:
            left.append(f"{name} says {entry.state} but is dead")
    sockets = run_folder(patient.userdir).glob("*.sock")
    left += [f"{socket.name} belongs to nobody" for socket in sorted(sockets) if socket.stem not in names]
    if left:
        return Finding(State.WARNING, "; ".join(left), "start the bot again, or tickwright ps --prune")
    return Finding(State.OK, f"{running} running, nothing left behind")


def configuration(patient: Patient) -> Finding:
    """The given files, or the shared settings."""
    settings = patient.userdir / "conf" / SETTINGS_FILE
    try:
        if patient.files:
            add_strategies(patient.userdir / "strategies")
            load_bot(patient.files, environ=os.environ, kept=kept_accounts(patient.userdir))
        elif settings.exists():
            load_file(settings, SettingsConfig)
    except ConfigError as error:
        names = " ".join(map(str, patient.files or [settings]))
        first = error.problems[0]
        more = f", and {len(error.problems) - 1} more" if len(error.problems) > 1 else ""
        text = f"{first.place.origin}  {first.path}: {first.message}{more}"
        return Finding(State.FAILED, text, f"tickwright config check {names}")
    if not patient.files and not settings.exists():
        return Finding(State.WARNING, f"{settings} is not there", f"tickwright init {patient.userdir}")
    return Finding(State.OK, f"{', '.join(map(str, patient.files or [settings]))} is valid")
