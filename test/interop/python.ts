/** A Python that has kazoo. */
import { spawnSync } from 'node:child_process'

/** The Debian package installs for the system's Python, which need not be the first on the path. Undefined if there is none. */
export const python = ['/usr/bin/python3', 'python3'].find(
  (each) => spawnSync(each, ['-c', 'import kazoo']).status === 0,
)

/** Undefined if there is one, otherwise what is missing. */
export const missingKazoo =
  python === undefined ? 'no python3 here can import kazoo (Debian package python3-kazoo)' : undefined

/** The same, where kazoo is to log in by SASL. */
export const missingSasl =
  missingKazoo ??
  (spawnSync(python as string, ['-c', 'import puresasl']).status === 0
    ? undefined
    : 'the python3 that has kazoo cannot import puresasl (Debian package python3-pure-sasl)')
