#!/usr/bin/env bash
# Records the demonstration of README.md without a terminal: bash assets/record-demo.sh [CAST]
#
# The game is seeded and typed by a script (demo.keys), so that each recording tells the same. It needs cargo, Python 3
# and asciinema 2.2 or newer; GAME names a binary that is built already. It fails where the game does.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly cast=${1:-assets/demo.cast}
readonly columns=120 rows=36
if [[ -z ${GAME:-} ]]; then
    cargo build --release --locked --package awesomestock
    GAME=target/release/awesomestock
fi

home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
# What asciinema's second version does not tell: how the game ended.
readonly ended=$home/ended
readonly title='AwesomeStock'

# The command, as words for the shell that asciinema starts.
printf -v command '%q ' env HOME="$home" XDG_CONFIG_HOME="$home" XDG_DATA_HOME="$home" XDG_STATE_HOME="$home" TZ=UTC \
    python3 assets/drive.py assets/demo.keys "$columns" "$rows" "$GAME" --user ann --seed 3 --tick 800ms --theme dark
command+="; echo \$? > $(printf '%q' "$ended")"

if [[ $(asciinema --version) == *' 2.'* ]]; then
    size=(--cols "$columns" --rows "$rows")
else
    size=(--headless --output-format asciicast-v2 --window-size "${columns}x${rows}")
fi
export LANG=C.UTF-8 TERM=xterm-256color COLORTERM=truecolor
unset NO_COLOR
setsid --wait asciinema rec --quiet --overwrite "${size[@]}" --title "$title" --idle-time-limit 1.5 \
    --command "bash -c $(printf '%q' "$command")" "$cast" </dev/null
code=$(cat "$ended")
if [[ $code -ne 0 ]]; then
    echo "record-demo.sh: the game ended with $code" >&2
    exit 1
fi
echo "recorded: $cast"
