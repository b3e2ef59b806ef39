# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # what `run` and the other parts of the demo have
# thief.sh -- chapters of the demo: an officer between rollouts and devices, and thieves on the signing machine.

# The daemon reads its rules when it starts.
officer_is_asked() {
	show sed -i '/^\[rule desk-rollouts\]/a approvals = 1\napprovers = anna' authority/signd.ini
	sed -i '/^\[rule desk-rollouts\]/a approvals = 1\napprovers = anna' authority/signd.ini
	serve_anew
	approves=yes
	head -c 6291456 /dev/zero | cat "$examples/sensor-2" - >large
	chmod +x large
	counter=3
	release 5.0.0 large
	claim "rollout of version 5" "signed when anna had seen and approved it: SPEC 20.3"
}

rehearse() {
	must rota incident rollouts
	must rota drill --report drills rollouts
	expect ': well after' "the devices of the drill are not well"
	claim "an incident, rehearsed" "each device is well, each attack refused; docs/playbook.md"
}

# A request of the thief's own making: the newest timestamp with another version.
ask_for_timestamp() { # VERSION
	local signed
	signed=$(sed -e 's/.*,"signed"://' -e 's/}$//' -e "s/\"version\":[0-9]*,\"x-rota-issued/\"version\":$1,\"x-rota-issued/" \
		authority/repo/metadata/timestamp.json)
	printf '{"_type":"rota-ask","body":{"signed":%s},"expires":null,"files":{},"format":1,"id":"%s","kind":"metadata",%s}' \
		"$signed" 0123456789abcdef0123456789abcdef \
		'"reason":"none of your business","role":"timestamp","scope":"sensor"' >ask.json
	must curl -s --unix-socket authority/signd/socket --data-binary @ask.json http://signd/v1/ask
}

# On the signing machine, as a user whom the daemon knows.
thief_asks() {
	ask_for_timestamp 9007199254740990
	expect '"code":"version"' "a timestamp of the last version there is was signed"
	claim "thief asks the daemon" "no timestamp that skips versions: SPEC 19.2"
	run rota rollout set --version 5.0.0 --attempt 1 --stage ppm=1 --stage everyone --open 1
	expect 'ceiling' "a rollout that skips a stage was signed"
	claim "and for a rollout" "no stage is skipped; both refusals are in the log: SPEC 19.2"
}

# With the tokens of every online role: an image and a release of the ci role, rollouts that point to it and back to
# version 2, and a timestamp that is over in four seconds.
thief_at_work() {
	show sed -i '/^signd = /d;/^\[log\]/,/^public/d;/^\[series\]/,/^keeper/d' authority/rota.ini
	sed -i '/^signd = /d;/^\[log\]/,/^public/d;/^\[series\]/,/^keeper/d' authority/rota.ini
	must rm -r authority/series
	must rota image sign --ci --version 6.0.0 --hardware board-a --counter 9 --out evil.img "$examples/sensor-3"
	must rota release add --ci --version 6.0.0 --image evil.img
	must rota rollout set --version 6.0.0 --channel ci
	must rota rollout set --version 2.0.0
	must rota publish
	refused "every online key stolen" release "SPEC 7.3"
	must rota publish --all --lifetime timestamp=4s
	sleep 5
	refused "and held up for good" timestamp "TUF 5.4.4"
}

recover_by_order() {
	must rota image sign --version 7.0.0 --hardware board-a --counter 3 --out rescue.img "$examples/sensor-2"
	must rota recovery make --hardware board-a --image rescue.img order.json
	must rota recovery sign --yes --token recovery-1 order.json
	must rota recovery sign --yes --token recovery-3 order.json
	must rota recovery show order.json
	mkdir stick
	must rota recovery pack --image rescue.img --out stick/recovery.pack order.json
	must rota-agent recover --config device/agent.ini stick
	run rota-agent --config device/agent.ini --once
	expect '^confirmed version=7.0.0' "version 7 was not confirmed"
	must rota-boot --device device --reset
	must rota-boot --device device --tpm "$tcti" --show
	expect '^epoch  *1$' "the order's epoch is not burnt"
	claim "recovery order" "version 7 confirmed with no server, clock or online key"
}
