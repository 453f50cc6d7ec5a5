"""
What a highstate of all nodes must bring about, however they come to their pillar. Both test files
have these tests, in this order, and two fixtures for them: `deployment`, and `highstate`, which
runs one on a node that the model names.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from tests.converge.report import Run, describe
from tests.upgrade.controller import UNITS

from .deployment import CONTROLLERS, FIRST, OTHERS, TENANT

BALANCERS = [f"through-{name}" for name in CONTROLLERS]


def must(run: Run) -> Run:
    """A run in which no state failed."""
    assert not run.failed, describe(run.failed)
    return run


class Course:
    """From virgin nodes to a second run without changes."""

    def test_the_first_controller_makes_the_schema_and_the_certificates(
        self, deployment, highstate
    ):
        run = must(highstate(FIRST))
        assert {"octavia_db", "octavia_certificates"} <= {one["__id__"] for one in run.changed}
        deployment.share_certificates()

    def test_the_others_join_at_the_same_time(self, highstate):
        with ThreadPoolExecutor() as pool:
            runs = list(pool.map(highstate, OTHERS))
        for run in runs:
            assert must(run).changed
            assert "octavia_db" not in {one["__id__"] for one in run.changed}

    def test_each_runs_all_services(self, deployment):
        for name in CONTROLLERS:
            deployment.controller(name).must_run(UNITS)

    def test_amphorae_are_told_to_report_to_each(self, deployment):
        wanted = [f"{deployment.nodes[name].address}:5555" for name in CONTROLLERS]
        for name in CONTROLLERS:
            text = deployment.nodes[name].get("/etc/octavia/octavia.conf")
            assert f"\ncontroller_ip_port_list = {','.join(wanted)}\n" in text

    def test_a_load_balancer_is_active_through_each_api(self, deployment, highstate):
        must(highstate(TENANT))
        tenant = deployment.nodes[TENANT]
        tenant.run(["salt-call", "--local", "saltutil.sync_all"], check=True)
        for name in CONTROLLERS:
            said = tenant.salt_call("octaviav2.loadbalancer_list", f"cloud_name={name}")
            found = {one["name"]: one["provisioning_status"] for one in said.data["loadbalancers"]}
            assert found == dict.fromkeys(BALANCERS, "ACTIVE"), json.dumps(said.data)

    def test_a_second_run_changes_nothing(self, highstate):
        for name in (*CONTROLLERS, TENANT):
            run = must(highstate(name))
            assert not run.changed, describe(run.changed)
            assert run.states
