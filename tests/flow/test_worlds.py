"""The acceptance worlds, walked from outside by their own checker with the command that users run."""

import subprocess
import sys
from pathlib import Path

import pytest

WORLDS = Path(__file__).resolve().parents[1] / "worlds"
COMMAND = Path(sys.executable).with_name("coordinator")

STORIES = [
    "S1-stay-never-closed",
    "S2-step-down-overlap",
    "S2b-handover",
    "S2c-right-overlap",
    "S2d-double-service",
    "S4-methadone-known-only-to-otp",
    "S4b-no-consent",
    "S4c-emergency-access",
    "S5-buprenorphine-dose-changed-in-both",
    "S6-goal-edited-in-both",
    "S8b-no-consent",
    "S9-consent-revoked-mid-sync",
    "S13-virtual-iop-family-session",
    "S13b-next-week-full",
    "S13c-week-of-clock-change",
    "S15-levels-of-two-editions",
    "M1-enrollment-shown-by-visits-only",
    "M2-reported-medication-in-orders",
    "M3-goals-recreated-and-one-split",
    "M4-only-months-are-told",
    "M5-two-opioid-treatment-programs",
    "M6-somebody-saves-while-we-write",
    "M7-entered-in-error-after-we-acted",
    "M8-answer-lost-then-down",
    "M9-early-refills-then-a-gap",
    "M10-twins-with-one-phone",
    "M11-hospital-days-inside-outpatient-care",
]


@pytest.mark.slow
@pytest.mark.parametrize("world", STORIES)
def test_the_product_gets_this_life_right(world: str):
    """Each story is a life that was got wrong somewhere: it must come out right from HTTP to HTTP."""
    words = [sys.executable, "check.py", "--coordinator", str(COMMAND), world]
    done = subprocess.run(words, cwd=WORLDS, capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, f"ok    {world}"), done.stdout + done.stderr


def test_the_checker_itself_tells_right_from_wrong():
    """A checker that can't fail proves nothing."""
    done = subprocess.run([sys.executable, "check.py", "--self-test"], cwd=WORLDS, capture_output=True, check=False)
    assert done.returncode == 0
