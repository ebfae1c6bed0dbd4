import { fileURLToPath } from 'node:url'
import { lane } from '../lane.ts'
import { missingKazoo, python } from '../python.ts'

const program = fileURLToPath(new URL('program.py', import.meta.url))

lane({
  name: 'kazoo',
  prepare: () => missingKazoo,
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
