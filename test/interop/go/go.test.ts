import { fileURLToPath } from 'node:url'
import { cache, compile, has, lane } from '../lane.ts'

const source = fileURLToPath(new URL('.', import.meta.url))
const binary = `${cache}go-client`

lane({
  name: 'go-zookeeper',
  prepare() {
    if (!has('go')) return 'there is no go toolchain'
    const failed = compile(['go', 'build', '-o', binary, '.'], source)
    return failed === undefined ? undefined : `go build failed: ${failed}`
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
