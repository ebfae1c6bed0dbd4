/** `lightkeeper import` over a connection that is lost between a transaction and its reply. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Client, connect, openAcl } from '@lightkeeper/client'
import { opCode } from '@lightkeeper/protocol'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { type Proxy, proxy } from '@lightkeeper/testing'
import { type ExportedZnode, exportLines, readWhole } from '@lightkeeper/tools'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { temporaryFolders } from '../support/folders.ts'
import { until } from '../support/wait.ts'
import { Running } from './running.ts'

const folder = temporaryFolders('transfer-lost')
const count = 1_800
let server: RunningServer
let door: Proxy
let zk: Client
beforeEach(async () => {
  server = await startServer({ port: 0 })
  door = await proxy(server.port)
  zk = await connect(server)
})
afterEach(async () => {
  await zk?.close()
  await door?.close()
  await server?.close()
})

/** Several transactions long; the last znode is `/app/z-last`. */
function exported(): string {
  const znode = (data: string): ExportedZnode => {
    return { data: new TextEncoder().encode(data), type: 'persistent', acl: openAcl }
  }
  const nodes = new Map([['', znode('root')]])
  for (let i = 0; i < count; i++) nodes.set(`/a-${i}`, znode(`${i}`))
  nodes.set('/z-last', znode('last'))
  const file = join(folder(), 'tree.jsonl')
  writeFileSync(file, [...exportLines({ root: '/app', zxid: 1n, nodes })].join('\n'))
  return file
}

/** Loses the reply to the transaction with this number, counted from 1. */
function loseReply(to: number, then: () => void = () => {}): void {
  let transactions = 0
  door.loseReplyTo((request) => {
    // Length, xid, opcode.
    if (request.length < 12 || request.readInt32BE(8) !== opCode.multi || ++transactions < to) return false
    then()
    return true
  })
}

const imports = (): Running => new Running(['import', exported(), '-s', door.connectString])
const lost = 'lightkeeper import: the connection was lost; reads again what is there, and goes on\n'
/** What it prints on standard error without the lines that say how far it is: a slow machine has some. */
const withoutProgress = (errors: string): string =>
  errors.replaceAll(/^lightkeeper import: \d+ of \d+ writes \(\d+ %\)\n/gm, '')

test('it reads again what is there and goes on: nothing is missing, and nothing is written twice', async () => {
  loseReply(2)
  await using running = imports()
  const { code, output, errors } = await running.closed
  expect([code, withoutProgress(errors)]).toEqual([0, lost])
  expect(output).toBe(`/app: ${count + 2} created, 0 set, 0 ACLs set, 0 deleted\n`)
  const { nodes } = await readWhole(zk, '/app')
  expect(nodes.size).toBe(count + 2)
  expect([...nodes.values()].filter(({ stat }) => stat.version !== 0)).toEqual([])
})

test('what another client wrote meanwhile is not written over', async () => {
  let isLost = false
  loseReply(2, () => {
    door.refuse()
    isLost = true
  })
  await using running = imports()
  await until(() => isLost)
  await until(async () => (await zk.find('/app')) !== undefined)
  await zk.create('/app/z-last', 'by another client')
  door.heal()
  const { code, output, errors } = await running.closed
  expect([code, output]).toEqual([1, ''])
  expect(withoutProgress(errors)).toBe(
    `${lost}lightkeeper import: another client has written /app/z-last while the connection was lost; the same command reads it and goes on\n`,
  )
  expect(new TextDecoder().decode((await zk.get('/app/z-last')).data)).toBe('by another client')
})
