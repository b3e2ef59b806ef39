# SPDX-License-Identifier: Apache-2.0
"""Every attack of attacks.ATTACKS crossed with every stolen set of keys, on three clients of one core. After each:
what changed on disk was either the honest repository's own or signed with what was stolen, and the honest repository
is believed again at once, or, where a key was stolen that the client believed, as soon as it is replaced."""
import concurrent.futures
import functools
import os
import shutil

import pytest

from attacks import ATTACKS, NEWEST, STOLEN, WORLDS, commands, judged, row, thief_of, verdict
from clients import PROFILES, Client
from paths import TOP
from world import DAY, RELEASE, digest, now


class Stage:
    """A world's scene, and a client of each profile that has seen what it was to see."""

    def __init__(self, name, directory, net):
        self.scene, self.net, self.dir = WORLDS[name](), net, directory
        self.clients, self.attack, self.thieves = {}, None, {}
        for profile in PROFILES:
            client = Client(profile, directory / profile).begin(self.scene.seen or self.scene.honest)
            if self.scene.seen:
                assert client.ask(net.url(self.scene.seen.files), RELEASE).good
            self.clients[profile] = client

    def thief(self, attack, stolen):
        """Who stole that, after the attack's move. Those of one attack are the same for each profile."""
        if self.attack is not attack:
            self.attack, self.thieves = attack, {}
        if stolen not in self.thieves:
            thief = self.thieves[stolen] = thief_of(self.scene, STOLEN[stolen])
            attack.move(thief)
        return self.thieves[stolen]


@pytest.fixture(scope="module")
def stage(net, tmp_path_factory):
    return functools.cache(lambda name: Stage(name, tmp_path_factory.mktemp("stage"), net))


def allowed(before, after, stage_, thief):
    """What a client may keep of an attack: files that are the honest ones, or that the stolen keys could sign."""
    for name, content in after.items():
        if name == "journal.bin" or before.get(name) == content or content in thief.honest:
            continue
        role = name.rsplit("/", 1)[-1].removesuffix(".json").lstrip("0123456789.")
        if role not in thief.may_sign:
            return name
    changed = {name for name in after if name != "journal.bin" and before.get(name) != after[name]}
    if not changed and before != after:
        return "journal.bin"  # it names files that are not there
    return None


class Cell:
    def __init__(self, stage_, attack, profile, stolen, directory):
        self.stage, self.attack, self.profile, self.stolen = stage_, attack, profile, STOLEN[stolen]
        self.client = stage_.clients[profile].copy(directory)
        self.thief = stage_.thief(attack, stolen)
        self.thief.honest = set(stage_.scene.honest.files.values())
        self.thief.may_sign = {role.removeprefix("old ") for role in self.stolen if commands(self.stolen, role)}
        if "targets" in self.thief.may_sign:
            self.thief.may_sign |= {"releases", "rollouts"}
        self.thief.may_sign |= {name for name, like in self.thief.extra.items() if like in self.thief.may_sign}
        self.world = stage_.scene.honest.fork()
        self.faults = []

    def expect(self, what, got, want, text):
        if got != want:
            self.faults.append(f"{what}: {got}, not {want}: {text.strip()}")

    def play(self):
        before = self.client.state()
        honest = digest(NEWEST)
        outcome = self.client.ask(self.stage.net.url(self.thief.files), RELEASE)
        self.expect("the attack", judged(outcome, self.attack, honest),
                    verdict(self.attack, self.profile, self.stolen), outcome.text)
        after = self.client.state()
        if "root" not in self.thief.may_sign:
            self.expect("kept", allowed(before, after, self.stage, self.thief), None, outcome.text)
        got_all = all(commands(self.stolen, role) for role, _ in self.attack.only.get(self.profile, self.attack.needs))
        if self.attack.after and got_all:
            self.afterwards()
        elif "root" not in self.thief.may_sign and (before != after or not self.stolen):
            self.recover(before != after)
        return self.faults

    def later(self, roles):
        """The honest repository some work later, with new keys for these roles, and a new root where it is time."""
        world = self.world
        if world.root_at < now() - 300 * DAY:
            roles = ["root", *roles]
        world.at = now() - 30
        for _ in range(3):  # a thief's file of the same version would be taken for the same file
            world.publish("targets", "releases")
        return world.replace(*roles) if roles else world

    def ask(self, world):
        outcome = self.client.ask(self.stage.net.url(world.files), RELEASE)
        return judged(outcome, self.attack, digest(NEWEST)), outcome.text

    def afterwards(self):
        for roles, want in self.attack.after:
            got, text = self.ask(self.later(roles))
            want = want[self.profile] if isinstance(want, dict) else want
            self.expect(f"then the honest repository, new keys for {', '.join(roles) or 'nothing'}", got, want, text)

    def recover(self, changed):
        stolen = [role.removeprefix("old ") for role in self.stolen] if changed else []
        got, text = self.ask(self.later(stolen))
        want = "wins" if self.attack.wants == NEWEST else "honest"
        self.expect("then the honest repository", got, want, text)


def distinct(attack, profile, columns, stage_):
    """Of the sets that leave the thief the same keys to sign this attack's files with, the first: the others are the
    same attack, byte for byte but for signatures, and the table must have the same verdict for them."""
    verdicts = {}
    for stolen in columns:
        thief = stage_.thief(attack, stolen)
        first = verdicts.setdefault(frozenset(thief.used - thief.own_keys), (stolen, []))
        first[1].append(verdict(attack, profile, STOLEN[stolen]))
    assert all(len(set(same)) == 1 for _, same in verdicts.values())
    return [stolen for stolen, _ in verdicts.values()]


def play_all(attack, profile, columns, stage_, directory):
    def play(stolen):
        where = directory / stolen.replace(" ", "-")
        cell = Cell(stage_, attack, profile, stolen, where)
        faults = [f"{stolen}: {fault}" for fault in cell.play()]
        shutil.rmtree(where)
        return faults

    columns = distinct(attack, profile, columns, stage_)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = [fault for faults in pool.map(play, columns) for fault in faults]
    assert not faults, "\n" + "\n".join(faults)


# A device without a clock differs where time matters; elsewhere a few sets show that it is not worse.
FEW = ["nothing", "all online keys", "targets threshold, all online", "one root key, all else", "old keys of all"]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: f"{a.kind}: {a.name}")
def test_cells(attack, profile, stage, tmp_path):
    all_columns = profile != "clockless" or attack.kind == "indefinite freeze"
    play_all(attack, profile, STOLEN if all_columns else FEW, stage(attack.world), tmp_path)


@pytest.mark.smoke
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.kind == "rollback" and a.world == "plain"],
                         ids=lambda a: f"{a.kind}: {a.name}")
def test_a_few_of_them(attack, profile, stage, tmp_path):
    play_all(attack, profile, FEW[:2], stage(attack.world), tmp_path)


def test_the_table_has_the_attacks_of_the_specification():
    """TUF 1.5.2. Endless data and slow retrieval are test_network.py's."""
    assert {attack.kind for attack in ATTACKS} == {
        "arbitrary software", "rollback", "fast-forward", "indefinite freeze", "mix-and-match",
        "extraneous dependencies", "wrong software", "malicious mirror", "key compromise"}
    assert len({(attack.kind, attack.name) for attack in ATTACKS}) == len(ATTACKS)


@pytest.mark.smoke
def test_threats_has_a_row_for_each():
    """Printed by: PYTHONPATH=tests/system tests/adversarial/attacks.py"""
    threats = (TOP / "THREATS.md").read_text()
    assert [row(attack) for attack in ATTACKS if row(attack) not in threats] == []
