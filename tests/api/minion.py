"""Salt itself, in this process: a masterless minion that applies states and calls functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import salt.client
import salt.config

ROOT = Path(__file__).resolve().parents[2]


class Minion:
    """
    A minion that has the modules of this repository.

    :param folder: an empty folder, for all that it writes
    """

    def __init__(self, folder: Path) -> None:
        self.roots, self.pillar = folder / "roots", folder / "pillar"
        extmods = folder / "extmods"
        for made in (self.roots, self.pillar, extmods):
            made.mkdir()
        (self.roots / "octavia").symlink_to(ROOT / "octavia")
        # They lie where saltutil.sync_all would put them.
        for kind in ("modules", "states", "utils"):
            (extmods / kind).symlink_to(ROOT / f"_{kind}")
        self._options = salt.config.minion_config(None, minion_id="node")
        self._options.update(
            id="node",
            root_dir=str(folder),
            cachedir=str(folder / "cache"),
            extension_modules=str(extmods),
            sock_dir=str(folder / "sock"),
            pki_dir=str(folder / "pki"),
            log_file=str(folder / "log"),
            conf_file=str(folder / "minion"),
            file_client="local",
            file_roots={"base": [str(self.roots)]},
            pillar_roots={"base": [str(self.pillar)]},
            state_events=False,
        )
        self._caller = salt.client.Caller(mopts=self._options)

    def call(self, function: str, *args: Any, **kwargs: Any) -> Any:
        """
        What a function returns; each call stands for a run of its own, as salt-call is one.

        :param function: such as ``octaviav2.versions``
        """
        self._caller.sminion.functions.pack["__context__"].clear()
        return self._caller.cmd(function, *args, **kwargs)

    def apply(self, states: dict[str, Any], test: bool = False) -> dict[str, dict[str, Any]]:
        """
        Applies states, as state.apply does.

        :param states: the content of an SLS
        :param test: whether with test=True
        :return: what each state returned, by its id, in the order of the run
        """
        # JSON is YAML.
        (self.roots / "run.sls").write_text(json.dumps(states), encoding="utf-8")
        answer = self.call("state.sls", "run", test=test)
        assert isinstance(answer, dict), answer
        states_run = sorted(answer.values(), key=lambda state: state["__run_num__"])
        return {state["__id__"]: state for state in states_run}

    def pillar_data(self, data: dict[str, Any]) -> None:
        """
        Gives the minion a pillar, in the place of the one that it has.

        :param data: the pillar
        """
        (self.pillar / "data.sls").write_text(json.dumps(data), encoding="utf-8")
        top = {"base": {"*": ["data"]}}
        (self.pillar / "top.sls").write_text(json.dumps(top), encoding="utf-8")
        self.call("saltutil.refresh_pillar")
