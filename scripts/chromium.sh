#!/usr/bin/env bash
# Put a Chromium on this machine for the tests that open a report in a browser (Debian and Ubuntu, as root).
set -euo pipefail

if command -v chromium > /dev/null; then
  exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
  echo "skipped: Chromium is not installed (apt-get install chromium); the tests that need it will say so" >&2
  exit 0
fi
if ! apt-get update -qq || ! apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core > /dev/null; then
  echo "skipped: Chromium could not be installed; the tests that need it will say so" >&2
fi
