import { fileURLToPath } from 'node:url'
import { connect } from '@lightkeeper/client'
import { opCode } from '@lightkeeper/protocol'
import { proxy } from '@lightkeeper/testing'
import { expect, test } from 'vitest'
import { freePort } from '../support/our-process.ts'
import { Program } from '../support/program.ts'
import { missingTarget, startTarget, targetName } from '../support/target.ts'
import { until } from '../support/wait.ts'

const file = fileURLToPath(new URL('../../packages/cli/dist/demo/worker.js', import.meta.url))
const reason = missingTarget()
if (reason !== undefined) console.log(`workers on ${targetName}: skipped, because ${reason}`)

test.skipIf(reason !== undefined)(
  'a scheduler writes no order once they are closed, whatever its settings say',
  async () => {
    await using server = await startTarget({ tickTime: 500 })
    await using zk = await connect(server.connectString)
    await zk.create('/settings', '{"backlog": 1, "workMs": 1}')
    await zk.create('/orders', '5 closed')
    await using worker = new Program(file, '--connect', server.connectString, '--id', 'a')
    await worker.untilReport(({ event }) => event === 'scheduler')
    expect((await zk.get('/orders')).stat.numChildren).toBe(0)
    const { mzxid } = await zk.set('/orders', '5')
    await worker.untilReport(({ event }) => event === 'done')
    const first = worker.reports.find(({ event }) => event === 'done')
    expect(first).toMatchObject({ order: '00000006' })
    expect((await zk.get('/done/00000006')).stat.czxid).toBeGreaterThan(mzxid)
  },
)

test.skipIf(reason !== undefined)('a worker starts, though a connection is lost in the middle of it', async () => {
  await using server = await startTarget({ tickTime: 500 })
  await using zk = await connect(server.connectString)
  await using wire = await proxy(server.port)
  let lost = 0
  wire.loseReplyTo((request) => {
    // Length, xid, opcode, of a frame alone in its chunk: not the look, the create.
    if (!request.includes('/orders') || request.readInt32BE(8) === opCode.exists) return false
    lost++
    return true
  })
  await zk.create('/settings', '{"backlog": 3, "workMs": 1}')
  await using worker = new Program(file, '--connect', wire.connectString, '--id', 'a')
  await worker.untilReport(({ event }) => event === 'done')
  expect(lost).toBe(1)
  expect(await worker.stop()).toBe(0)
})

test('a worker that is stopped before it has started ends in order', async () => {
  await using silent = await proxy(await freePort())
  silent.hang()
  await using worker = new Program(file, '--connect', silent.connectString, '--id', 'a')
  await until(() => silent.accepted > 0)
  expect(await worker.stop()).toBe(0)
})
