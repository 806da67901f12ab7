"""`three-classrooms check`: the report on this machine, for people on stderr or for programs on stdout."""

import json
from dataclasses import asdict

from rich.markup import escape

from service.command_line.terminal import console
from service.configuration import Configuration
from service.preflight.checks import findings
from service.preflight.findings import Grade

SIGNS = {Grade.GOOD: "[green]✓[/green]", Grade.WARNING: "[yellow]![/yellow]", Grade.FAILURE: "[bold red]✗[/bold red]"}


def check_machine(configuration: Configuration, *, as_json: bool) -> bool:
    """Print what every check finds as it is found; whether a deployment would serve."""
    found = []
    for finding in findings(configuration):
        found.append(finding)
        if not as_json:
            remedy = f"\n    → {escape(finding.remedy)}" if finding.remedy else ""
            console.print(f"{SIGNS[finding.grade]} {finding.subject}: {escape(finding.text)}{remedy}")
    failures = sum(finding.grade is Grade.FAILURE for finding in found)
    warnings = sum(finding.grade is Grade.WARNING for finding in found)
    if as_json:
        print(json.dumps([asdict(finding) for finding in found], ensure_ascii=False, indent=2))
    elif failures:
        console.print(f"[bold]{failures} must be mended before it serves, {warnings} should be.[/bold]")
    elif warnings:
        console.print(f"[bold]It would serve; {warnings} should be mended.[/bold]")
    else:
        console.print("[bold]All is well.[/bold]")
    return failures == 0
