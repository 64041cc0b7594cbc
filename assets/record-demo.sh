#!/usr/bin/env bash
# Remakes the demonstration of README.md from its recorded session: bash assets/record-demo.sh [FOLDER]
#
# The same session gives the same bytes on every machine. GAME names a binary that is built already. The session itself,
# demo.jsonl, is the script demo.keys, typed at the real game. To record it again:
#
#     cargo test --package awesomestock --test demo -- --ignored
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly folder=${1:-assets}
if [[ -z ${GAME:-} ]]; then
    cargo build --release --locked --package awesomestock
    GAME=target/release/awesomestock
fi

# The user's configuration file must not change the result.
cast() {
    "$GAME" cast assets/demo.jsonl --config /dev/null --theme dark --replace --output "$folder/$1" "${@:2}"
}
cast demo.cast --idle 1.5
cast desk.svg --at 11.7s
cast demo.svg --idle 1.5
