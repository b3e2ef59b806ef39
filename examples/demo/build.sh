# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # what `run` and the other parts of the demo have
# build.sh -- chapters of the demo: from a source to a program that production runs, and who signed it.

# Leaves the public key in $point, as rota.ini takes it.
make_key() { # TOKEN LABEL
	local words=(rota keys make --token "$1" --label "$2" --use "$2" --json)
	show "${words[@]}"
	"${words[@]}" >made.json 2>"$work/said" || fail "no key is made in token $1"
	sed 's/^/    /' "$work/said"
	point=$(sed -n 's/.*"point": *"\([0-9a-f]*\)".*/\1/p' made.json)
	rm made.json
}

# People's keys are made in tokens of theirs, the builder's in the one that is always there.
people_come() {
	local anna bert farm point
	make_key officer approval
	anna=$point
	make_key releases-1 approval
	bert=$point
	make_key online builder
	farm=$point
	append authority/rota.ini '' '[keys approval]' 'signers = officer:approval releases-1:approval' \
		'[officer anna]' "key = $anna" '[officer bert]' "key = $bert" \
		'[keys builder]' 'signers = online:builder' '[builder farm]' "key = $farm"
	append authority/signd.ini '' '[officer anna]' "key = $anna" \
		'[rule builds]' 'who = desk' 'scope = sensor' 'role = ci' 'kinds = build'
	serve_anew
	must rota doctor --online-only
}

# Version 3.1 from its source; leaves in $of_build what its releases say of that.
build_it() {
	must cp -r "$examples/sensor" source
	run rota build "${build_words[@]}" --out made -- make VERSION=3.1.0
	if says 'no build without network here'; then
		build_in_the_open
		return
	fi
	[ "$status" -eq 0 ] || fail "version 3.1 was not built"
	of_build=(--build build-31 --provenance made/provenance.jsonl --sbom made/sbom.json)
	must grep -o '"command":[^]]*]\|"rotaTree":"[^"]*"\|{"sha256":"[^"]*"},"name":"app#image"' made/provenance.json
	must grep -o '"purl":"[^"]*"' made/sbom.json
	claim "version 3.1 is built" "the builder's key signed source, command, image digest"
	fetch_in_a_build
	build_it_again
}

build_words=(--sign --source source --uri https://git.example.org/sensor --revision 1f3c9d2 --id build-31
	--artifact app=sensor --version 3.1.0 --product sensor --hardware board-a --contains libc6-dev)

# In a container or chroot that may make no namespace: the chapters that follow need the program.
build_in_the_open() {
	printf '  (so nobody vouches for how it is built: here it is made without rota build)\n'
	must make -C source VERSION=3.1.0
	mkdir made
	cp source/sensor made/app
	of_build=(--build build-31)
}

fetch_in_a_build() {
	must_not "ended with status" "a build reached the network" \
		rota build "${build_words[@]}" --out other -- curl -sSk "https://localhost:$repo/repo/metadata/timestamp.json"
	must curl -sSk -o timestamp.seen "https://localhost:$repo/repo/metadata/timestamp.json"
	claim "a build that fetches" "there is no network in it, though the server is there"
}

build_it_again() {
	must cp -r source elsewhere
	must rota rebuild-check --source elsewhere made/provenance.json
	printf '  $ echo "/* a back door */" >>elsewhere/sensor.c\n'
	echo '/* a back door */' >>elsewhere/sensor.c
	must_not "another source" "another source was taken for the same" \
		rota rebuild-check --source elsewhere made/provenance.json
	claim "built again elsewhere" "the same bit for bit; another source is noticed: SPEC 26.3"
}

ci_tries_it() {
	must rota image sign --ci --version 3.1.0 --hardware board-a --out ci.img made/app
	must rota release add --ci --version 3.1.0 --image app=ci.img "${of_build[@]}"
	must rota rollout set --version 3.1.0 --channel ci
	must rota publish
	show sed -i 's/^channel = .*/channel = ci/' device/agent.ini
	sed -i 's/^channel = .*/channel = ci/' device/agent.ini
	not_installed "production told to take it" "no proof: ci's builds are in no log" proof "SPEC 22.5"
	show sed -i 's/^channel = .*/channel = production/' device/agent.ini
	sed -i 's/^channel = .*/channel = production/' device/agent.ini
	burnt_in_by_hand
}

# A thief with a programmer writes it over the confirmed image of a device: here, of a copy of ours.
burnt_in_by_hand() {
	must cp -a device twin
	must dd if=ci.img of=twin/flash/slot1.bin conv=notrunc status=none
	must rota-boot --device twin --tpm "$tcti" --show
	expect "slot 1 .*refused: no image key that counts" "boot takes a signature of ci"
	rm -r twin
	claim "and written into its flash" "boot refuses it: its ROM has no key of ci, SPEC 6.5"
}

two_people_promote() {
	must rota promote prepare --version 3.1.0 --out promotion
	must rota promote approve --yes --token officer promotion
	must_not "1 of 2 approvals" "one person was enough" rota promote sign promotion
	must rota promote approve --yes --token releases-1 promotion
	must rota promote sign promotion
	must rota image show promotion/production/ci.img
	expect "ci key 0" "ci's signature is gone"
	expect "production key 0" "production's signature is not there"
	printf '  $ export ROTA_REASON="version 3 crashes at start"\n'
	export ROTA_REASON="version 3 crashes at start"
	must rota release add --version 3.1.0 --image app=promotion/production/ci.img "${of_build[@]}"
	publish 3.1.0
	printf '  $ unset ROTA_REASON\n'
	unset ROTA_REASON
	update 3.1.0
	says '^confirmed' || fail "version 3.1 was not confirmed"
	claim "promoted by two people" "the same digest with one signature more; 3.1 confirmed: SPEC 26.7"
}

# What the log has of it, and what an auditor makes of the log.
who_signed_that() {
	must rota audit show --target releases/sensor/3.1.0/release.json --journal authority/signd/log/journal
	expect "release" "the log has no entry of version 3.1"
	expect "version 3 crashes at start" "the log does not say why there is a version 3.1"
	[ ${#of_build[@]} -eq 2 ] || expect "built by farm" "the log does not say who built version 3.1"
	must rota audit verify
	claim "who signed 3.1, and why" "its entry says who, when, why, from which build and source"
	must cp -r authority/repo/log changed-log
	flip "$(find changed-log/tile/entries -type f -printf '%s %p\n' | sort -n | sed -n '$s/[0-9]* //p')" # those of today
	must_not "" "a log with a changed entry is taken for whole" rota audit verify changed-log
	claim "one bit of the log changed" "rota audit verify finds it: SPEC 21.8"
}
