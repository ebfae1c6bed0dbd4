import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { has, lane } from '../lane.ts'

const source = fileURLToPath(new URL('main.c', import.meta.url))
const cache = fileURLToPath(new URL('../../../.cache/interop/', import.meta.url))
const binary = `${cache}c-client`

lane({
  name: 'c',
  prepare() {
    if (!has('gcc')) return 'there is no gcc'
    mkdirSync(cache, { recursive: true })
    const built = spawnSync('gcc', ['-DTHREADED', '-O1', '-o', binary, source, '-lzookeeper_mt', '-lpthread'], {
      encoding: 'utf8',
    })
    return built.status === 0
      ? undefined
      : `it does not compile (Debian package libzookeeper-mt-dev): ${built.stderr.slice(-300)}`
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
