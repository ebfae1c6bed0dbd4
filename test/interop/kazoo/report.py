"""A plugin of pytest: prints a JSON line for each test that has ended, which suite.test.ts reads."""
import json
import sys

outcomes = {}


def pytest_runtest_logreport(report):
    # The worst of setting up, the call and taking down.
    seen = outcomes.setdefault(report.nodeid, {"test": report.nodeid, "outcome": "passed", "why": "", "seconds": 0.0})
    seen["seconds"] += report.duration
    if report.outcome != "passed" and seen["outcome"] != "failed":
        seen["outcome"] = report.outcome
        seen["why"] = str(report.longrepr)[-1500:]
    if report.when == "teardown":
        print("\n" + json.dumps(seen), file=sys.__stdout__, flush=True)


def pytest_collection_modifyitems(config, items):
    import os

    left_out = set(filter(None, os.environ.get("SUITE_LEAVES_OUT", "").split("\n")))
    part, parts = map(int, os.environ["SUITE_PART"].split("/"))
    kept = [item for item in items if item.nodeid.split("kazoo/tests/")[-1] not in left_out][part::parts]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept
