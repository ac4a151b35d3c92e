"""Two peers with objectives, as a configuration, and the rules that are made of them.

Must not know: any test.
"""

from __future__ import annotations

from pathlib import Path

from sipwatch.export.objectives import Objective, rule_groups

CONFIG = """
[[peer]]
name = "acme"
kind = "trunk"
addresses = ["203.0.113.10"]
objective = 0.98

[[peer]]
name = "sip.north"
kind = "trunk"
addresses = ["203.0.113.20"]
objective = 0.9

[[peer]]
name = "phones"
kind = "devices"
addresses = ["192.0.2.0/24"]
"""
OBJECTIVES = [Objective("acme", 0.98), Objective("sip.north", 0.9)]
GROUPS = rule_groups(OBJECTIVES)
TESTS = sorted(Path(__file__).parent.glob("objectives*.yml"))  # what promtool sees of them
FILE = "sipwatch-objectives.yml"  # the rules' name in these
