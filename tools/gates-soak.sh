# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154 # gate_status: tools/gates.sh
# tools/gates-soak.sh -- the gates of `./do soak`; sourced after tools/gates.sh.

# Seconds that each fuzzer runs.
: "${ROTA_FUZZ_S:=600}"

build_fuzzers() {
	build build/fuzz CC=clang -Dfuzz=true -Db_lundef=false -Db_sanitize=address,undefined
}

# fuzz NAME: from the corpus of the tree; what it finds on the way is kept in build/fuzz-corpus, an input that
# breaks something in build/fuzz-found.
fuzz() {
	mkdir -p "build/fuzz-corpus/$1" build/fuzz-found
	"build/fuzz/tests/fuzz/fuzz_$1" -max_total_time="$ROTA_FUZZ_S" -timeout=20 -print_final_stats=1 \
		-artifact_prefix="build/fuzz-found/$1-" "build/fuzz-corpus/$1" "tests/fuzz/corpus/$1"
}

soak_gates() {
	gate 'mutants' counted tools/mutate-checks
	gate 'proofs' counted tools/prove
	gate 'build, fuzzers' build_fuzzers
	if [ "$gate_status" -ne 0 ]; then
		gate_skip 'fuzzers' 'the build failed'
		return
	fi
	for fuzzer in build/fuzz/tests/fuzz/fuzz_*; do
		[ -f "$fuzzer" ] || continue
		gate "fuzz, ${fuzzer##*/fuzz_}" fuzz "${fuzzer##*/fuzz_}"
	done
}
