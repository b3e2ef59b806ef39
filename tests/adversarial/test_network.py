# SPDX-License-Identifier: Apache-2.0
"""A network that does what it likes with one answer of the workflow, for each file that the workflow asks for. The
client says at which step it stopped, keeps nothing that is not the honest repository's, does not ask again and again,
and is well as soon as the network is."""
import concurrent.futures
import os
import re
import time

import pytest

from attacks import NEWEST, replaced
from clients import Client
from misbehave import CLAUSES, QUICK, SLOW, just_fast_enough
from world import RELEASE, digest

PROFILES = ("letter", "plain", "device")
FETCHERS = ("letter", "device")  # the plain profile fetches and reads JSON as the device does: that one shows it


class Stage:
    """Clients of a repository that has a new root, and everything else anew."""

    def __init__(self, net, directory):
        self.net = net
        scene = replaced("snapshot")
        scene.honest.publish("targets", "releases")
        self.honest = scene.honest
        self.known = {*self.honest.files.values(), *self.honest.old_timestamps}
        self.seen = {}
        for profile in PROFILES:
            client = Client(profile, directory / profile).begin(scene.seen)
            assert client.ask(net.url(scene.seen.files), RELEASE).good
            self.seen[profile] = client

    def path(self, file):
        """The newest file of that name in the repository."""
        pattern = re.compile(r"(targets/.*/[0-9a-f]{64}|metadata/([0-9]+))\." + re.escape(file) + "$")
        if f"metadata/{file}" in self.honest.files:
            return f"metadata/{file}"
        if file == "release.json":
            return "targets/" + RELEASE.replace("release.json", digest(NEWEST) + ".release.json")
        return max((path for path in self.honest.files if pattern.match(path)),
                   key=lambda path: int(pattern.match(path)[2]))

    def files_with(self, file, behaviour):
        """The honest repository, but for the answer to this file."""
        path = self.path(file)
        body = self.honest.files[path]

        def behave(reply):
            reply.body = body
            behaviour(reply)
        return {**self.honest.files, path: behave}


@pytest.fixture(scope="module")
def stage(net, tmp_path_factory):
    return Stage(net, tmp_path_factory.mktemp("stage"))


def clauses(verdict, file, profile):
    """Those that may refuse. A device reads as bytes come, so that it sees what is no JSON before it has the whole."""
    fetch, listed = CLAUSES[file]
    if verdict == "fetch" or (verdict == "flood" and profile == "letter"):
        return {fetch}
    if verdict == "flood":
        return {fetch, "SPEC 2"}
    form = {listed} if listed and profile == "letter" else {listed, "SPEC 2", "SPEC 3"}
    return form | {fetch} if verdict == "either" else form


OFTEN = 2  # a file may be asked for: libcurl tries once more where a kept connection was closed under it


def fault_of(stage, client, files, verdict, file):
    url = stage.net.url(files)
    began = time.monotonic()
    outcome = client.ask(url, RELEASE)
    asked = stage.net.asked_of(url)
    if outcome.good and outcome.digest != digest(NEWEST):
        return "took what nobody signed"
    if verdict == "honest" and not outcome.good:
        return outcome.text
    if verdict not in ("honest", "later"):
        may = clauses(verdict, file, client.profile)
        if outcome.good or outcome.clause not in may:
            return f"{outcome.clause or 'accepted'}, not {may}: {outcome.text}"
    if max(map(asked.count, asked)) > OFTEN:
        return f"asked too often: {asked}"
    strange = [name for name, content in client.state().items()
               if name != "journal.bin" and content not in stage.known]
    if strange:
        return f"keeps {strange}"
    if time.monotonic() - began > 60:
        return "took more than a minute"
    again = client.ask(stage.net.url(stage.honest.files), RELEASE)
    return None if again.good and again.digest == digest(NEWEST) else f"then the honest network: {again.text}"


def each(stage, rows, directory, profile, workers):
    """rows: (file, name, behaviour, verdict)."""
    def one(row):
        number, (file, name, behaviour, verdict) = row
        client = stage.seen[profile].copy(directory / str(number))
        fault = fault_of(stage, client, stage.files_with(file, behaviour), verdict, file)
        return f"{file}, {name}: {fault.strip()}" if fault else None

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        faults = [fault for fault in pool.map(one, enumerate(rows)) if fault]
    assert not faults, "\n" + "\n".join(faults)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("file", CLAUSES)
def test_one_answer_is_bad(stage, tmp_path, profile, file):
    if profile != "letter" and file == "release.json":
        pytest.skip("the device's transfer of targets is rota-agent's: tests/system/test_agent_fetch.py")
    rows = [(file, name, behaviour, verdict) for name, (behaviour, verdict) in QUICK.items()
            if profile in FETCHERS or verdict != "fetch"]
    each(stage, rows, tmp_path, profile, os.cpu_count())


@pytest.mark.parametrize("profile", FETCHERS)
def test_slow_answers_end(stage, tmp_path, profile):
    """All at once: they spend their time waiting."""
    files = ["timestamp.json", "release.json" if profile == "letter" else "snapshot.json"]
    rows = [(file, name, behaviour, "fetch") for file in files for name, behaviour in SLOW.items()]
    each(stage, rows, tmp_path, profile, len(rows))


@pytest.mark.parametrize("profile", FETCHERS)
def test_an_answer_that_is_just_fast_enough_ends(stage, tmp_path, profile):
    each(stage, [("timestamp.json", "just fast enough", just_fast_enough, "fetch")], tmp_path, profile, 1)


@pytest.mark.parametrize("profile", FETCHERS)
@pytest.mark.parametrize("file", ["2.root.json", "timestamp.json", "snapshot.json"])
def test_a_file_cut_at_every_token(stage, tmp_path, profile, file):
    """With a length that agrees, so that it is the reader of JSON that must notice."""
    body = stage.honest.files[stage.path(file)]
    tokens = {match.end() for match in re.finditer(rb'[][{}:,]|"[^"]*"', body)}
    ends = sorted({0, 1, len(body) - 1, *tokens} - {len(body)})
    step = max(1, len(ends) // 24)
    rows = [(file, f"cut at {at}", lambda r, at=at: r.whole(r.body[:at]), "form") for at in ends[::step]]
    each(stage, rows, tmp_path, profile, os.cpu_count())


def test_nothing_is_asked_where_a_redirect_leads(stage, tmp_path, net):
    there = net.url({})

    def away(reply):
        reply.whole(b"", "302 Found", f"Location: {there}/metadata/timestamp.json")

    for profile in PROFILES:
        client = stage.seen[profile].copy(tmp_path / profile)
        outcome = client.ask(net.url(stage.files_with("timestamp.json", away)), RELEASE)
        assert outcome.clause == "TUF 5.4.1"
    assert net.asked_of(there) == []
