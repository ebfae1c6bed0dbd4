import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { lane } from '../lane.ts'

const program = fileURLToPath(new URL('program.py', import.meta.url))
/** The Debian package installs for the system's Python, which need not be the first on the path. */
const python = ['/usr/bin/python3', 'python3'].find((each) => spawnSync(each, ['-c', 'import kazoo']).status === 0)

lane({
  name: 'kazoo',
  prepare: () => (python === undefined ? 'no python3 here can import kazoo (Debian package python3-kazoo)' : undefined),
  command: (connectString, ...args) => [python ?? 'python3', program, connectString, ...args],
  steps: [
    'connect',
    'server-version',
    'create',
    'set',
    'children',
    'errors',
    'sequence',
    'data-watch',
    'child-watch',
    'exists-watch',
    'multi',
    'multi-fails',
    'acl',
    'lock',
    'reconnect',
    'watch-after-reconnect',
    'delete',
    'close',
  ],
})
