import { fileURLToPath } from 'node:url'
import { cache, compile, has, lane } from '../lane.ts'

const source = fileURLToPath(new URL('main.c', import.meta.url))
const binary = `${cache}c-client`

lane({
  name: 'c',
  prepare() {
    if (!has('gcc')) return 'there is no gcc'
    const failed = compile(['gcc', '-DTHREADED', '-O1', '-o', binary, source, '-lzookeeper_mt', '-lpthread'])
    return failed === undefined ? undefined : `it does not compile (Debian package libzookeeper-mt-dev): ${failed}`
  },
  command: (connectString, ...args) => [binary, connectString, ...args],
  steps: [
    'connect',
    'create',
    'get',
    'set',
    'sequence',
    'children',
    'errors',
    'data-watch',
    'child-watch',
    'exists-watch',
    'multi',
    'multi-fails',
    'reconnect',
    'watch-after-reconnect',
    'close',
  ],
})
