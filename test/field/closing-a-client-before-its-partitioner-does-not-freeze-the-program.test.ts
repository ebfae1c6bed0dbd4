/** A program closes its client, and forgets the partitioner or closes it afterwards. */
import { fileURLToPath } from 'node:url'
import { startServer } from '@lightkeeper/server'
import { expect, test } from 'vitest'
import { Child } from '../support/process.ts'

const program = `
import { connect } from '@lightkeeper/client'
import { partitioner } from '@lightkeeper/recipes'
const zk = await connect(process.argv[1])
let isWorking = () => {}
const working = new Promise((resolve) => (isWorking = resolve))
await partitioner(zk, '/parts', { items: ['a', 'b'], work: async () => isWorking() })
await working
await zk.close()
// A turn of the event loop must still come.
setTimeout(() => process.stdout.write('goes on'), 10)
`

test('the event loop goes on, and the program ends', async () => {
  const server = await startServer({ port: 0, host: '127.0.0.1' })
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  const command = [process.execPath, '--input-type=module', '-e', program, '--', server.connectString] as const
  // A program that does not end by itself is killed, and has said nothing then.
  await using child = new Child(command, { cwd, timeoutMs: 20_000 })
  const { code, output, errors } = await child.closed
  await server.close()
  expect([code, output, errors]).toEqual([0, 'goes on', ''])
})
