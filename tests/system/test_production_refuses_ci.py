# SPDX-License-Identifier: Apache-2.0
"""A production device before a real server whose owner has every online key: whatever he signs, lists and serves, no
image of ci comes into its slots (SPEC 4.4, 12.3, 26.7). Each row's attack wins against a device of channel ci, where it
can be aimed at one: so it is an attack."""
import shutil

import pytest

import bootfiles
from fleet import Device, run
from thief import Thief, release_of

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")
EVIL = "6.0.0"


@pytest.fixture(scope="module")
def scene(fleet):
    """Devices of both channels on version 1, and what ci built as version 6."""
    image = fleet.image(EVIL, None, "--ci").read_bytes()
    fleet.image("1.0.0")
    devices = {}
    for channel in ("production", "ci"):
        device = fleet.device(channel, "1.0.0", "--channel", channel)
        device.add("[poll]\nretry_first = 1s\n")
        assert device.agent("--once").returncode == 0
        devices[channel] = device.snapshot(fleet.dir / f"{channel}-new")
    fleet.evil = image
    fleet.digest = bootfiles.image_digest(image).hex()
    fleet.devices = devices
    return fleet


@pytest.fixture
def thief(scene):
    kept = scene.dir / "authority-kept"
    shutil.rmtree(kept, ignore_errors=True)
    run("cp", "-a", scene.authority, kept)
    yield Thief(scene)
    shutil.rmtree(scene.authority)
    run("mv", kept, scene.authority)


def device_of(scene, channel):
    it = Device(scene.dir / channel)
    it.restore(scene.devices[channel])
    return it


def listed_by_ci(scene, thief, prefix="ci"):
    """ci's release and image, under ci's paths or others."""
    release = release_of(scene.evil, scene.digest, EVIL, prefix)
    paths = {f"{prefix}/sensor/{EVIL}/release.json": release, f"{prefix}/sensor/{EVIL}/app.img": scene.evil}
    return release, {path: thief.target(path, data) for path, data in paths.items()}


# ---- what he does

def a_policy_to_ci(scene, thief, channel):
    release, listed = listed_by_ci(scene, thief)
    thief.lists("ci", listed)
    thief.policy(f"ci/sensor/{EVIL}/release.json", release, channel)


def a_policy_for_the_other_channel(scene, thief, channel):
    release, listed = listed_by_ci(scene, thief)
    thief.lists("ci", listed)
    thief.policy(f"ci/sensor/{EVIL}/release.json", release, "ci")


def ci_lists_paths_of_releases(scene, thief, channel):
    release, listed = listed_by_ci(scene, thief, "releases")
    thief.lists("ci", listed)
    thief.policy(f"releases/sensor/{EVIL}/release.json", release, channel)


def rollouts_list_the_release_themselves(scene, thief, channel):
    release, listed = listed_by_ci(scene, thief, "releases")
    thief.lists("rollouts", listed)
    thief.publish()
    thief.policy(f"releases/sensor/{EVIL}/release.json", release, channel)


def releases_signed_by_online_keys(scene, thief, channel):
    release, listed = listed_by_ci(scene, thief, "releases")
    thief.lists("releases", listed, "ci", "rollouts", "revocations")
    thief.policy(f"releases/sensor/{EVIL}/release.json", release, channel)


def cis_file_in_the_place_of_releases(scene, thief, channel):
    release, listed = listed_by_ci(scene, thief, "releases")
    signed = thief.next("ci", targets=listed)
    signed["version"] = thief.newest("releases")["version"] + 1
    thief.put("releases", thief.envelope(signed, "ci"), signed["version"])
    thief.policy(f"releases/sensor/{EVIL}/release.json", release, channel)


def targets_that_delegate_to_ci(scene, thief, channel):
    """ci's key stands for releases in a delegation that the online keys sign."""
    release, listed = listed_by_ci(scene, thief, "releases")
    targets = thief.next("targets")
    key = thief.ids("ci")
    for role in targets["delegations"]["roles"]:
        if role["name"] == "releases":
            role["keyids"], role["threshold"] = key, 1
    thief.put("targets", thief.envelope(targets, "ci", "snapshot", "timestamp"), targets["version"])
    thief.lists("releases", listed, "ci")
    thief.policy(f"releases/sensor/{EVIL}/release.json", release, channel)


def a_root_of_his_own(scene, thief, channel):
    root = thief.next("root")
    for role in root["roles"].values():
        role["keyids"], role["threshold"] = thief.ids("timestamp"), 1
    thief.write(f"metadata/{root['version']}.root.json", thief.envelope(root, "timestamp", "snapshot"))
    a_policy_to_ci(scene, thief, channel)


def cis_image_in_the_place_of_the_promoted_one(scene, thief, channel):
    """A good release, whose file he exchanges for the one that has ci's signature over the same digest."""
    ci = scene.image("2.0.0", None, "--ci").read_bytes()
    promoted = scene.image("2.0.0")
    while promoted.stat().st_size != len(ci):  # signatures have no one length
        promoted = scene.image("2.0.0")
    assert bootfiles.image_digest(ci) == bootfiles.image_digest(promoted.read_bytes())
    scene.rota("release", "add", "--version", "2.0.0", "--image", promoted)
    scene.rota("rollout", "set", "--version", "2.0.0", "--channel", channel, "--retry", "8", "--backoff", "0s")
    scene.rota("publish")
    target = scene.target("2.0.0", ".img")
    target.rename(target.with_suffix(".promoted"))
    target.write_bytes(ci)


# What is refused, by which clause; what a device of channel ci makes of the same, aimed at it.
ROWS = [
    (a_policy_to_ci, "SPEC 4.4", EVIL),
    (a_policy_for_the_other_channel, "SPEC 8.2", EVIL),
    (ci_lists_paths_of_releases, "SPEC 4.4", None),
    (rollouts_list_the_release_themselves, "SPEC 4.4", None),
    (releases_signed_by_online_keys, "TUF 5.6.3", None),
    (cis_file_in_the_place_of_releases, "TUF 5.6.3", None),
    (targets_that_delegate_to_ci, "TUF 5.6.3", None),
    (a_root_of_his_own, "TUF 5.3.4", None),
    (cis_image_in_the_place_of_the_promoted_one, "TUF 5.7.3", None),
]


@pytest.mark.parametrize("attack, clause, _", ROWS, ids=[row[0].__name__ for row in ROWS])
def test_refused(scene, thief, attack, clause, _):
    """Nothing of it is tried at a boot."""
    device = device_of(scene, "production")
    attack(scene, thief, "production")
    thief.publish()
    for _ in range(2):  # and once more, with what it keeps of the first time
        said = device.agent("--once").stdout
        assert f'clause="{clause}' in said and "installed version" not in said, said
    status = device.status()
    assert status["installed"] == "1.0.0" and status["pending"] in ("none", "writing")
    assert device.boot() == "1.0.0" and device.booted()["kind"] == "confirmed"


@pytest.mark.parametrize("attack, version", [(row[0], row[2]) for row in ROWS if row[2]])
def test_the_same_wins_where_it_may(scene, thief, attack, version):
    """A device of channel ci boots what these rows offer: else they would show nothing."""
    device = device_of(scene, "ci")
    attack(scene, thief, "ci")
    thief.publish()
    device.agent("--once", check=3)
    assert device.boot() == version


def test_boot_refuses_it_though_people_signed(scene, thief):
    """With the people of releases on his side, too: the key of ci-image is in no production device's ROM."""
    device = device_of(scene, "production")
    release, listed = listed_by_ci(scene, thief, "releases")
    thief.lists("releases", listed)
    thief.policy(f"releases/sensor/{EVIL}/release.json", release)
    thief.publish()
    assert "installed version=6.0.0" in device.agent("--once", check=3).stdout
    assert device.boot() == "1.0.0" and device.booted()["kind"] == "reverted"
    assert device.status()["installed"] == "1.0.0"
