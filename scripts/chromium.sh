#!/usr/bin/env bash
# Put a Chromium on this machine for the tests that open a report in a browser (Debian and Ubuntu, as root).
set -euo pipefail

if command -v chromium > /dev/null; then
  chromium --version
  exit 0
fi
if [ "$(id -u)" != 0 ]; then
  echo "there is no chromium here, and only root can install it: apt-get install chromium" >&2
  exit 1
fi
apt-get update -qq
apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core
chromium --version
