/** node-zookeeper-client, a client in JavaScript that is not ours. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { lane } from '../lane.ts'

const program = fileURLToPath(new URL('program.mjs', import.meta.url))
const folder = fileURLToPath(new URL('../../../.cache/node-zookeeper-client', import.meta.url))

lane({
  name: 'node-zookeeper-client',
  prepare: () =>
    existsSync(`${folder}/node_modules/node-zookeeper-client`)
      ? undefined
      : 'it was not fetched; node scripts/peers.mjs does it',
  command: (connectString, ...args) => [process.execPath, program, folder, connectString, ...args],
  steps: [
    'connect',
    'create',
    'set',
    'get',
    'errors',
    'sequence',
    'children',
    'mkdirp',
    'data-watch',
    'child-watch',
    'exists-watch',
    'multi',
    'multi-fails',
    'acl',
    'pipelined',
    'reconnect',
    'watch-after-reconnect',
    'close',
  ],
})
