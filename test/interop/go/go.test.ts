import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { has, lane } from '../lane.ts'

const source = fileURLToPath(new URL('.', import.meta.url))
const cache = fileURLToPath(new URL('../../../.cache/interop/', import.meta.url))
const binary = `${cache}go-client`

lane({
  name: 'go-zookeeper',
  prepare() {
    if (!has('go')) return 'there is no go toolchain'
    mkdirSync(cache, { recursive: true })
    const built = spawnSync('go', ['build', '-o', binary, '.'], { cwd: source, encoding: 'utf8' })
    return built.status === 0 ? undefined : `go build failed: ${built.stderr.slice(-500)}`
  },
  command: (connectString, ...args) => [binary, connectString, ...args],
  steps: [
    'connect',
    'create',
    'get',
    'set',
    'errors',
    'protected',
    'children',
    'data-watch',
    'child-watch',
    'exists-watch',
    'multi',
    'multi-fails',
    'acl',
    'lock',
    'reconnect',
    'watch-after-reconnect',
    'close',
  ],
})
