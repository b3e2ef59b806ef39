# SPDX-License-Identifier: Apache-2.0
"""What is left when the old goes (rota repo gc), and what rota repo verify says of a repository with bins."""
import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest

from authority import Client, made, rota  # noqa: F401 - fixtures
from conftest import BUILD
from test_repo_bins import reader, signed, snapshot  # noqa: F401 - fixtures
from tufrepo import Key, Repo, expires

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")


def names(rota):
    repo = rota.dir / "repo"
    return {str(path.relative_to(repo)) for path in repo.rglob("*") if path.is_file()}


def release(rota, version):
    payload = rota.dir.parent / f"payload-{version}"
    payload.write_bytes(os.urandom(1000))
    rota("release", "add", "--version", version, "--raw", f"app={payload}", "--hardware", "board-a")
    rota("rollout", "set", "--version", version)


def expire(rota):
    """The current snapshot, of one second, is past; then a new one takes its place."""
    rota("publish", "--all", "--lifetime", "snapshot=1s")
    until = signed(rota, f"{signed(rota, 'timestamp.json')['meta']['snapshot.json']['version']}.snapshot.json")
    while time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) <= until["expires"]:
        time.sleep(0.1)


def collect(rota, *more):
    done = json.loads(rota("repo", "gc", "--json", *more))
    assert done["metadata"] + done["targets"] == len(done["files"])
    assert done["bytes"] == sum(one["bytes"] for one in done["files"])
    return {one["file"] for one in done["files"]}


@pytest.fixture
def grown(rota):
    """Two states that are past, and a current one; with bins."""
    rota("repo", "bins", "releases", 3)
    release(rota, "1.0.0")
    for path in (rota.dir / "repo/metadata").glob("*.snapshot.json"):
        path.unlink()  # that of init lives for a day
    expire(rota)
    release(rota, "2.0.0")
    rota("publish")
    recovery = rota.dir / "repo/recovery/sensor.json"
    recovery.write_bytes(b"{}")
    return rota


def test_what_is_past_goes(grown, reader):
    before = names(grown)
    would = collect(grown, "--grace", "0s", "--dry-run")
    assert names(grown) == before
    gone = collect(grown, "--grace", "0s")
    assert gone == would and names(grown) == before - gone
    # the snapshot that is past, the role files and bins that only it lists, the policy that it had
    kinds = {name.split(".", 1)[1] for name in gone if name.startswith("metadata/")}
    assert {"snapshot.json", "rollouts.json"} < kinds and any("releases-" in kind for kind in kinds)
    assert sum(name.startswith("targets/rollouts/") for name in gone) == 1
    assert not [name for name in gone if name.startswith("targets/releases/")]
    assert {"metadata/1.root.json", "metadata/timestamp.json", "metadata/root-hint.json",
            "recovery/sensor.json"} < names(grown)
    reader.find(*(f"releases/sensor/{v}.0.0/release.json" for v in (1, 2)), "rollouts/sensor.json")
    checked = json.loads(grown("repo", "verify", "--json"))
    assert (checked["bad"], checked["unreachable"]) == (0, 0)
    assert collect(grown, "--grace", "0s") == set()
    release(grown, "3.0.0")
    grown("publish")
    reader.find("releases/sensor/3.0.0/release.json")


def test_within_the_grace_time_all_stays(grown):
    before = names(grown)
    assert collect(grown) == collect(grown, "--grace", "1h") == set()
    assert names(grown) == before
    assert json.loads(grown("repo", "verify", "--json"))["unreachable"] > 3


def test_a_reader_that_began_before_goes_on(rota, tmp_path):
    """Its snapshot lives for a day: until then everything that it lists is there, whatever the grace time."""
    release(rota, "1.0.0")
    rota("publish")
    old = tmp_path / "timestamp.json"
    shutil.copy(rota.dir / "repo/metadata/timestamp.json", old)
    release(rota, "2.0.0")
    rota("publish", "--all")
    collect(rota, "--grace", "0s")
    shutil.copy(old, rota.dir / "repo/metadata/timestamp.json")
    client = Client(rota.dir / "repo").refresh()
    assert client.fetch("rollouts", "rollouts/sensor.json")


def test_what_is_staged_stays_and_what_was_left_half_goes(grown, reader):
    release(grown, "3.0.0")
    waiting = grown.dir.parent / "waiting"
    waiting.write_bytes(b"for its signers")
    grown("release", "add", "--unsigned", "--version", "4.0.0", "--raw", f"app={waiting}", "--hardware", "board-a")
    targets = grown.dir / "repo/targets/releases/sensor"
    (targets / "9.9.9").mkdir()
    (targets / "9.9.9/.draft.abcdef").write_bytes(b"half")
    (targets / "1.0.0/.keep").write_bytes(b"not ours")
    upload = targets / "1.0.0" / ("0" * 64 + ".upload")
    upload.write_bytes(b"not listed")
    assert f"targets/releases/sensor/1.0.0/{upload.name}" not in collect(grown, "--grace", "1h")
    gone = collect(grown, "--grace", "0s")
    assert f"targets/releases/sensor/1.0.0/{upload.name}" in gone
    assert "targets/releases/sensor/9.9.9/.draft.abcdef" in gone
    assert len(list((targets / "4.0.0").iterdir())) == 2
    assert not (targets / "9.9.9").exists() and (targets / "1.0.0/.keep").exists()
    grown("publish")
    reader.find("releases/sensor/3.0.0/release.json")


@pytest.mark.parametrize("how", ["missing", "changed", "snapshot"])
def test_nothing_goes_when_something_is_wrong(grown, how):
    metadata = grown.dir / "repo/metadata"
    version = snapshot(grown)["releases-3.json"]["version"]
    victim = metadata / f"{version}.releases-3.json"
    if how == "missing":
        victim.unlink()
    elif how == "changed":
        victim.write_bytes(victim.read_bytes().replace(b"targets", b"stegrat"))
    else:
        victim = metadata / f"{signed(grown, 'timestamp.json')['meta']['snapshot.json']['version']}.snapshot.json"
        victim.write_bytes(victim.read_bytes().replace(b"ci.json", b"co.json"))
    before = names(grown)
    grown("repo", "gc", "--grace", "0s", status=1)
    assert names(grown) == before


@pytest.mark.plain  # killat is preloaded
def test_a_collection_that_is_killed_is_repeated(grown, reader, tmp_path):
    """Snapshots go first: at no point is there one whose files are gone."""
    copy, library = tmp_path / "whole", BUILD / "tests/system/libkillat.so"
    shutil.copytree(grown.dir, copy)
    for n in range(1, 100):
        shutil.rmtree(grown.dir)
        shutil.copytree(copy, grown.dir)
        done = subprocess.run([grown.program, "--dir", grown.dir, "repo", "gc", "--grace", "0s"], check=False,
                              env={**os.environ, "LD_PRELOAD": str(library), "KILLAT": str(n)},
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        for path in (grown.dir / "repo/metadata").glob("*.snapshot.json"):
            meta = json.loads(path.read_bytes())["signed"]["meta"]
            assert all((path.parent / f"{e['version']}.{name}").exists() for name, e in meta.items()), n
        reader.find("releases/sensor/2.0.0/release.json")
        if done.returncode != -9:
            break
        grown("repo", "gc", "--grace", "0s")
    assert done.returncode == 0 and n > 5


def test_wrong_usage(rota):
    rota("repo", "gc", "--grace", "soon", status=2)
    rota("repo", "gc", "--grace", status=2)


# ---- verify, on a repository that holds every key ----

class Binned:
    """A repository with bins whose keys are all at hand, written to a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.key = Key("p256")
        self.repo = Repo(list_hashes=True, spelled_canonically=True)
        self.repo.delegate("targets", "releases", self.key, terminating=True, paths=["releases/*/*/*"])
        self.repo.delegate_bins(3, "releases", self.key, parent="releases")
        self.path = "releases/sensor/1.0.0/a"
        self.bin = self.repo.bin_of(self.path, "releases")
        self.repo.add_target(self.bin, self.path, b"content")
        self.repo.files["metadata/root-hint.json"] = b'{"changed":[],"newest":1,"version":1}'

    def verify(self, rota, status=0):
        for signed_part in self.repo.md.values():
            signed_part["x-rota-issued"] = expires(-1)
        self.repo.publish(root=True)
        for name, content in self.repo.files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return self.again(rota, status)

    def again(self, rota, status=0):
        done = subprocess.run([rota.program, "repo", "verify", "--repo", self.folder, "--json"], check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert done.returncode == status, (done.stdout, done.stderr)
        result = json.loads(done.stdout)
        return [one["text"] for one in result["findings"] if not one["good"]]


@pytest.fixture
def binned(tmp_path):
    return Binned(tmp_path / "binned")


def test_a_good_repository_with_bins(made, binned):  # noqa: F811
    assert binned.verify(made) == []


def test_a_target_in_another_bin(made, binned):  # noqa: F811
    other = next(f"releases-{n}" for n in range(8) if f"releases-{n}" != binned.bin)
    binned.repo.add_target(other, binned.path, b"content")
    (wrong,) = binned.verify(made, 1)
    assert "in another bin" in wrong


def test_a_target_outside_the_paths(made, binned):  # noqa: F811
    path = next(f"rollouts/{n}" for n in range(100)
                if binned.repo.bin_of(f"rollouts/{n}", "releases") == binned.bin)
    binned.repo.add_target(binned.bin, path, b"content")
    (wrong,) = binned.verify(made, 1)
    assert path in wrong and "may not list" in wrong


def test_a_bin_older_than_its_role(made, binned):  # noqa: F811
    binned.repo.md["releases"]["version"] = 2
    wrong = binned.verify(made, 1)
    assert len(wrong) == 8 and all("SPEC 4.3" in one for one in wrong)


def test_a_bin_signed_by_another(made, binned):  # noqa: F811
    binned.repo.signers[binned.bin] = [Key("p256")]
    (wrong,) = binned.verify(made, 1)
    assert binned.bin in wrong and "signatures" in wrong


def test_a_bin_that_no_snapshot_lists(made, binned):  # noqa: F811
    binned.verify(made)
    del binned.repo.delegates["releases-0"]
    (wrong,) = binned.verify(made, 1)
    assert "releases-0" in wrong and "does not list" in wrong


def test_bins_of_another_form(made, binned):  # noqa: F811
    binned.repo.md["releases"]["delegations"]["succinct_roles"]["bit_length"] = 15
    (wrong,) = binned.verify(made, 1)
    assert "SPEC 3.7" in wrong


def test_a_bin_that_expired(made, binned):  # noqa: F811
    binned.repo.md[binned.bin]["expires"] = expires(-0.5)
    (wrong,) = binned.verify(made, 1)
    assert "expired" in wrong


@pytest.mark.parametrize("hint", [None, b"{}", b'{"changed":[1],"newest":1,"version":1}'])
def test_a_hint_that_is_wrong(made, binned, hint):  # noqa: F811
    binned.verify(made)
    path = binned.folder / "metadata/root-hint.json"
    path.unlink()
    if hint is not None:
        path.write_bytes(hint)
    (wrong,) = binned.again(made, 1)
    assert "root-hint.json" in wrong


def test_the_hint_names_the_roots_that_changed_keys(made, binned):  # noqa: F811
    """Root 2 is as 1 but for the timestamp's key; root 3 has another key of its own; 4 is as 3."""
    binned.verify(made)
    for role in ("timestamp", "root", "snapshot"):
        binned.repo.rotate(role, Key("p256"))
        binned.repo.publish(root=True)
    binned.repo.files["metadata/root-hint.json"] = b'{"changed":[3],"newest":4,"version":1}'
    assert binned.verify(made) == []
