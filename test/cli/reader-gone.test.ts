/** Commands whose reader goes away before they have printed everything: `… | head`. */
import { fileURLToPath } from 'node:url'
import { type Client, connect, op } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Child } from '../support/process.ts'

const bin = fileURLToPath(new URL('../../packages/cli/bin/lightkeeper.js', import.meta.url))
let server: RunningServer
let zk: Client
beforeAll(async () => {
  server = await startServer({ port: 0 })
  zk = await connect(server)
  // More than a pipe holds, in each form.
  await zk.create('/many')
  const names = Array.from({ length: 3_000 }, (_, i) => `${i}-${'x'.repeat(80)}` as const)
  await zk.transactionOf(names.map((name) => op.create(`/many/${name}`, 'text')))
})
afterAll(async () => {
  await zk?.close()
  await server?.close()
})

test.skipIf(process.platform === 'win32').each(['find /many', 'ls -R /many', 'grep text /many', 'export /many'])(
  '%s ends in silence, as a program that SIGPIPE has ended',
  async (words) => {
    const command = `'${process.execPath}' '${bin}' ${words} -s ${server.connectString}`
    await using child = new Child(['sh', '-c', `{ ${command}; echo "code $?" >&2; } | head -1`], { timeoutMs: 60_000 })
    const { output, errors } = await child.closed
    expect(output.split('\n')).toHaveLength(2)
    expect(errors).toBe('code 141\n')
  },
)
