#!/bin/sh
# Runs Bun with the arguments given: the bun on the PATH, or else the version that package.json names, through npx.
if command -v bun >/dev/null; then exec bun "$@"; fi

# npm puts node_modules/.bin first on the PATH of a script, and as-pect brings an npx of npm 6 there: skip it.
path=
set -f
IFS=:
for folder in $PATH; do
  case $folder in
    */node_modules/.bin) ;;
    *) path=$path${path:+:}$folder ;;
  esac
done
unset IFS
set +f
PATH=$path

if ! command -v npx >/dev/null; then
  echo "whereabouts: this needs Bun, and there is neither bun nor npx on the PATH: install Bun (https://bun.sh)" >&2
  exit 127
fi
package=$(sed -n 's/.*"packageManager": "\([^"]*\)".*/\1/p' "$(dirname "$0")/../package.json")
# `npm pack --dry-run` hands its flag on in the environment, and with it npx would install nothing.
unset npm_config_dry_run
exec npx -y "$package" "$@"
