"""`tickwright doctor [FILE]`."""

from pathlib import Path

import click

from engine.app.cli.bot_files import load_bot_files, must_exist
from engine.app.cli.output import Output
from engine.app.cli.text import table
from engine.app.doctor.checks import CHECKS
from engine.app.doctor.exchanges import exchange_findings
from engine.app.doctor.finding import Finding, Patient, State
from engine.app.doctor.folder import configuration
from engine.app.failure import Failure
from engine.app.secrets.unlock import hidden_ask


@click.command(help="Look for what could go wrong on this machine, in this folder, and at a bot's exchanges.")
@click.argument("files", metavar="[FILE...]", nargs=-1, type=click.Path(path_type=Path))
@click.pass_obj
def command(output: Output, files: tuple[Path, ...]) -> None:
    """FILEs are those of one bot; its real exchanges are asked, with its key if it is live. Nothing is changed."""
    must_exist(files)
    patient = Patient(output.userdir, files)
    findings = {name: check(patient) for name, check in CHECKS.items()}
    if files and findings[configuration.__name__].state is State.OK:
        loaded = load_bot_files(output, files)
        findings |= exchange_findings(loaded, output.userdir, hidden_ask(), output.warn)
    data: list[dict[str, object]] = [
        {"check": name, "state": it.state, "text": it.text, "fix": it.fix} for name, it in findings.items()
    ]
    text = "\n".join(_lines(name, finding) for name, finding in findings.items())
    if any(finding.state is State.FAILED for finding in findings.values()):
        raise Failure("E-FAILED", text, problems=data)
    output.result(data, text)


def _lines(name: str, finding: Finding) -> str:
    line = table([(f"{finding.state:<7}", f"{name:<13}", finding.text)])
    return f"{line}\n{'':<24}fix: {finding.fix}" if finding.fix else line
