# SPDX-License-Identifier: Apache-2.0
"""Who writes to the repository and has no key: nothing that he puts, renames or takes away there moves a version, or
makes the authority list something again that was past."""
import json
import shutil

import pytest

from authority import made, release, rota  # noqa: F401  fixtures
from test_repo_bins import snapshot

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")

LAST = 2**53 - 2


def version(rota, role):  # noqa: F811
    return snapshot(rota)[f"{role}.json"]["version"]


def snapshots(rota):  # noqa: F811
    timestamp = json.loads((rota.dir / "repo/metadata/timestamp.json").read_bytes())
    return timestamp["signed"]["meta"]["snapshot.json"]["version"]


@pytest.mark.parametrize("text", [b"{}", None])
def test_a_snapshot_of_a_high_version(rota, text):  # noqa: F811
    """Had it been counted, no snapshot could follow, and devices would keep it for ever."""
    metadata, before = rota.dir / "repo/metadata", snapshots(rota)
    high = metadata / f"{LAST}.snapshot.json"
    high.write_bytes((metadata / f"{before}.snapshot.json").read_bytes() if text is None else text)
    said = rota("publish", "--all", status=1)
    assert high.name in said and "role snapshot" in said
    assert snapshots(rota) == before
    high.unlink()
    rota("publish", "--all")
    assert snapshots(rota) == before + 1


@pytest.mark.parametrize("role", ["releases", "targets", "rollouts"])
def test_an_old_file_under_a_new_name(rota, tmp_path, role):  # noqa: F811
    image = release(rota, tmp_path, "2.0.0")
    rota("publish")
    metadata, before = rota.dir / "repo/metadata", snapshot(rota)
    high = metadata / f"{LAST}.{role}.json"
    shutil.copy(metadata / f"1.{role}.json", high)
    add = ["release", "add", "--version", "2.0.1", "--raw", image, "--hardware", "b"]
    for verb in (["publish", "--all"], add) if role == "releases" else (["publish", "--all"],):
        assert high.name in rota(*verb, status=1), verb
    assert snapshot(rota) == before
    high.unlink()
    rota(*add)
    rota("publish", "--all")
    assert version(rota, "releases") == before["releases.json"]["version"] + 1


def test_a_file_that_is_taken_away_or_exchanged(rota, tmp_path):  # noqa: F811
    image = release(rota, tmp_path, "2.0.0")
    rota("publish")
    newest = rota.dir / "repo/metadata" / f"{version(rota, 'releases')}.releases.json"
    kept, before = newest.read_bytes(), snapshot(rota)
    for bad in (None, newest.with_name("1.releases.json").read_bytes()):
        newest.unlink(missing_ok=True)
        if bad:
            newest.write_bytes(bad)
        assert newest.name in rota("publish", status=1)
        assert newest.name in rota("release", "add", "--version", "2.0.1", "--raw", image, "--hardware", "b",
                                   status=1)
    assert snapshot(rota) == before
    newest.write_bytes(kept)
    rota("publish")
    assert snapshot(rota) == before


def test_bins(rota, tmp_path):  # noqa: F811
    """A role and its bins have the same keys: each file verifies in each other's place."""
    rota("repo", "bins", "releases", 1)
    image = release(rota, tmp_path, "2.0.0")
    rota("publish")
    metadata, before = rota.dir / "repo/metadata", snapshot(rota)
    bins = sorted((version(rota, name), name) for name in ("releases-0", "releases-1"))
    (_, low), (number, name) = bins
    newest, own = metadata / f"{number}.{name}.json", metadata / f"{version(rota, 'releases')}.releases.json"
    add = ["release", "add", "--version", "2.0.1", "--raw", image, "--hardware", "b"]
    resign = ["repo", "bins", "--resign", "releases"]
    # the bin for the role's own file, newer and of that version
    planted = metadata / f"{number + 1}.releases.json"
    shutil.copy(newest, planted)
    for verb in (["publish"], add, resign):
        assert planted.name in rota(*verb, status=1), verb
    planted.unlink()
    kept = own.read_bytes()
    own.write_bytes(newest.read_bytes())
    for verb in (["publish"], add, resign):
        assert own.name in rota(*verb, status=1), verb
    own.write_bytes(kept)
    # another bin's file, or an older one of its own, in a bin's place
    kept = newest.read_bytes()
    for bad in metadata.glob(f"*.{low}.json"):
        newest.write_bytes(bad.read_bytes())
        assert name in rota(*resign, status=1)
    newest.write_bytes(kept)
    # names of versions that nobody signed count for nothing
    for bin_ in ("releases-0", "releases-1"):
        shutil.copy(newest, metadata / f"{LAST}.{bin_}.json")
    rota(*add)
    rota("publish")
    after = snapshot(rota)
    assert all(after[f"{name}.json"]["version"] <= before[f"{name}.json"]["version"] + 2 for _, name in bins)
    rota(*resign)
    rota("publish")
    assert version(rota, "releases") < 20


def test_a_file_where_a_staged_one_will_lie(rota, tmp_path):  # noqa: F811
    rota("repo", "bins", "releases", 1)
    rota("publish")
    metadata = rota.dir / "repo/metadata"
    rota("repo", "bins", "--resign", "releases")
    (staged,) = (rota.dir / "staging").glob("*.releases.json")
    signed = staged.read_bytes()
    shutil.copy(next((rota.dir / "staging").glob("*.releases-0.json")), metadata / staged.name)
    rota("publish")
    assert (metadata / staged.name).read_bytes() == signed
    rota("repo", "verify")
